"""The topic of the state at the start: there, of the right shape, and not emptied behind our back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import anyio
from aiokafka import TopicPartition

from outputs.kafka import KafkaConfig, records
from outputs.kafka.topics import Topic, Topics, looking_at
from poller.errors import ConfigError
from poller.state.kafka import KafkaState
from poller.state.kafka.reader import consuming

SETTINGS = {
    "cleanup.policy": "compact",
    "segment.ms": "3600000",  # the segment that is written to is never compacted: by default it lasts a week
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "21600000",
    "delete.retention.ms": "86400000",
    "max.message.bytes": str(4 << 20),
}
"""See https://kafka.apache.org/documentation/#topicconfigs"""

_LOOKING = 10.0
"""Seconds to learn what topics hold."""


async def prepare(state: KafkaState, outputs: Mapping[str, KafkaConfig]) -> tuple[Topic, Sequence[str]]:
    """See to the topic; give it, and what is to be warned of.

    Raises ConfigError where it has other partitions, or is empty beside events of ours; OutputError.
    """
    async with looking_at(state) as topics:
        topic = await _topic(state, topics)
        await topics.allow([topic.name], "Read", "Write")
        warnings = _warnings(topic, topics.brokers)
        events = await _events(topics, state, outputs)
    if topic.partitions != state.partitions:
        raise ConfigError(
            f"state.partitions: topic {state.topic} has {topic.partitions} partitions, and not {state.partitions}: "
            "put that number here, or name a topic of another group"
        )
    if not state.allow_empty and events:
        held = await _filled(state, [topic, *events])
        if held and topic.name not in held:
            raise ConfigError(
                f"state.topic: {state.topic} is empty, and {', '.join(held)} holds events: is the state lost, or of "
                "another name? Set allow_empty: true for one start to begin anew, which delivers again what it finds"
            )
    return topic, warnings


async def check_writable(state: KafkaState) -> None:
    """Return if we may poll with it, as far as a look can tell; a missing topic is none of that. Raises OutputError."""
    async with looking_at(state) as topics:
        await topics.allow(await topics.describe([state.topic]), "Read", "Write")
        await topics.reach(state.group, [state.transactional_id(number) for number in range(state.partitions)])


async def _topic(state: KafkaState, topics: Topics) -> Topic:
    found = await topics.describe([state.topic])
    if not found:
        await topics.create([state.topic], state.partitions, state.replication, SETTINGS)
    while not found:  # other brokers than the one that made it know a little later
        await anyio.sleep(0.05)
        found = await topics.describe([state.topic])
    return found[state.topic]


def _warnings(topic: Topic, brokers: int) -> Sequence[str]:
    policy = topic.settings.get("cleanup.policy", "compact")
    others = {key: value for key, value in topic.settings.items() if key != "cleanup.policy"}
    found = list(replace(topic, settings=others).warnings(brokers))
    if policy != "compact":
        found.append(
            f"topic {topic.name}: cleanup.policy is {policy} and should be compact: "
            + ("what is old is deleted, the state with it" if "delete" in policy else "it grows without end")
        )
    return found


async def _events(topics: Topics, state: KafkaState, outputs: Mapping[str, KafkaConfig]) -> Collection[Topic]:
    templates = [template for output in outputs.values() for template in (output.topic, output.rejects_topic)]
    patterns = [records.pattern(template) for template in templates]
    names = [name for name in await topics.names() if any(pattern.fullmatch(name) for pattern in patterns)]
    return (await topics.describe([name for name in names if name != state.topic])).values()


async def _filled(state: KafkaState, topics: Collection[Topic]) -> list[str]:
    """Name those of the topics that hold anything."""
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    async with consuming(state, _LOOKING) as consumer:
        first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    return sorted({place.topic for place in places if end[place] > first[place]})
