"""Reading back, with another library than the one that wrote, and what is set up for a test with it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from confluent_kafka.cimpl import NewTopic

from outputs.kafka import KafkaConfig
from tests.commands.running import until

DEADLINE = 30.0
"""Seconds for what takes a few hundred milliseconds on a machine that has nothing else to do."""


@dataclass(frozen=True)
class Place:
    """A broker, and names there that nobody else uses: those of topics begin with `prefix`."""

    at: str
    prefix: str = field(default_factory=lambda: f"t{uuid4().hex[:8]}.")

    def config(self, **changes: Any) -> KafkaConfig:
        """Configure an output to topics of our own."""
        names = {"topic": f"{self.prefix}{{kind}}", "rejects_topic": f"{self.prefix}rejects"}
        return KafkaConfig.model_validate(
            {"type": "kafka", "bootstrap_servers": self.at, **names, "replication": 1} | changes
        )

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.at})

    def create(self, name: str, partitions: int = 1, **settings: str) -> str:
        """Make a topic; settings are named with _ for the dot."""
        wanted = {key.replace("_", "."): value for key, value in settings.items()}
        topic = NewTopic(self.prefix + name, partitions, 1, config=wanted)
        admin = self.admin()  # which must outlive its answer
        admin.create_topics([topic])[topic.topic].result(DEADLINE)
        return str(topic.topic)

    def alter(self, topic: str, **settings: str) -> None:
        """Change settings of a topic, named with _ for the dot; return once they hold."""
        wanted = {key.replace("_", "."): value for key, value in settings.items()}
        entries = [ConfigEntry(*one, incremental_operation=AlterConfigOpType.SET) for one in wanted.items()]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        admin = self.admin()
        admin.incremental_alter_configs([resource])[resource].result(DEADLINE)

        def told() -> bool:
            (found,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
            return {name: found.result(DEADLINE)[name].value for name in wanted} == wanted

        until(told, f"settings of {topic}", DEADLINE)
        self._next_change(admin)

    def _next_change(self, admin: AdminClient) -> None:
        """Return once the broker shows one more change: it tells of a change before it acts on it, one after another.

        https://github.com/apache/kafka/blob/4.0/core/src/main/scala/kafka/server/metadata/BrokerMetadataPublisher.scala
        """
        name = f"after-{uuid4().hex[:8]}"
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(DEADLINE)
        until(lambda: name in admin.list_topics(timeout=DEADLINE).topics, f"topic {name}", DEADLINE)

    def topics(self) -> Mapping[str, int]:
        """Our topics, and how many partitions they have."""
        found = self.admin().list_topics(timeout=DEADLINE).topics
        return {name: len(topic.partitions) for name, topic in found.items() if name.startswith(self.prefix)}

    def read(self, name: str, committed: bool = True) -> Sequence[Message]:
        """Everything in a topic, by partition, as a reader has it who wants what is committed, or all."""
        level = "read_committed" if committed else "read_uncommitted"
        consumer = Consumer(
            {
                "bootstrap.servers": self.at,
                "group.id": "none",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": level,
                "fetch.wait.max.ms": 20,
            }
        )
        try:
            topic = self.prefix + name
            parts = consumer.list_topics(topic, timeout=DEADLINE).topics[topic].partitions
            consumer.assign([TopicPartition(topic, part, 0) for part in parts])
            return sorted(_all(consumer, len(parts)), key=lambda one: (one.partition(), one.offset()))
        finally:
            consumer.close()

    def values(self, name: str) -> list[bytes | None]:
        return [message.value() for message in self.read(name)]


def _all(consumer: Consumer, partitions: int) -> list[Message]:
    found, ends, limit = [], set[int | None](), time.monotonic() + DEADLINE
    while len(ends) < partitions:
        assert time.monotonic() < limit, "no end of the topic in sight"
        for message in consumer.consume(500, timeout=0.2):
            if message.error():
                ends.add(message.partition())
            else:
                found.append(message)
    return found
