"""The configuration of an output to Kafka."""

from collections.abc import Collection, Mapping, MutableMapping, Sequence
from typing import Annotated, Literal

from anyio.from_thread import start_blocking_portal
from pydantic import AfterValidator, Field, PrivateAttr

from outputs import Channel, Output, OutputConfig, StreamRef
from outputs.kafka import records
from outputs.kafka.batching import Compression
from outputs.kafka.connection import Cluster
from outputs.kafka.output import KafkaOutput
from outputs.kafka.prepare import RecordPreparer
from outputs.kafka.producer import Producer
from outputs.kafka.records import Mode, RecordBuilder
from outputs.kafka.topics import looking_at

Topic = Annotated[str, AfterValidator(records.template)]


class KafkaConfig(Cluster, OutputConfig):
    """Events and rejects as CloudEvents in Kafka, at least once.

    The names of topics may hold {source}, {stream} and {kind}. Topics that are missing are created, where the cluster
    allows it, with `partitions` and `replication` (left out: the cluster's own default); none is altered.
    """

    type: Literal["kafka"]
    topic: Topic = "poller.{kind}"
    rejects_topic: Topic = "poller.rejects"
    mode: Mode = "structured"
    compression: Compression = "zstd"
    partitions: Annotated[int, Field(ge=1)] = 6
    replication: Annotated[int, Field(ge=1)] | None = None
    _foreign: str | None = PrivateAttr(None)

    def beside(self, topic: str) -> "KafkaConfig":
        """Return the same in a cluster where this topic is not of events, though {kind} may stand for its name."""
        copied = self.model_copy()
        copied._foreign = topic
        return copied

    def open(self, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()) -> Output:
        """Return the output; it has no marks. The topics of `places` are there as soon as it is open."""
        largest: dict[str, int] = {}
        producer = Producer(self, self.compression, largest)
        return KafkaOutput(self, self.preparer(largest), producer, self.topics(places))

    def topics(self, places: Collection[StreamRef]) -> set[str]:
        """Return the topics that the events of these streams go to, and the fixed ones."""
        builder = self._builder()
        return self._fixed() | {builder.topic(place, reject=reject) for place in places for reject in (False, True)}

    def preparer(self, largest: MutableMapping[str, int]) -> RecordPreparer:
        """Return what makes records for this output, for a caller who sends them by another producer."""
        return RecordPreparer(self, self._builder(), self.compression, self.partitions, self.replication, largest)

    def check(self, marks: Mapping[str, bytes] | None = None) -> str:
        """Return what is there, in words; change nothing. `marks` say nothing here. Raises OutputError."""
        with start_blocking_portal() as portal:
            return portal.call(self._look)

    def destinations(self) -> Sequence[str]:
        """Return the topics that no other output may write to; a * stands for any value of a field."""
        servers = ",".join(sorted(self.bootstrap_servers.split(",")))
        covers = ("".join(text + "*" * bool(field) for text, field in records.parts(t)) for t in self._templates())
        return sorted({f"{servers}/{topic}" for topic in covers})

    def channel(self, place: StreamRef, *, reject: bool = False) -> Channel:
        """Return the topic of the events, or rejects, of a stream."""
        topic = self._builder().topic(place, reject=reject)
        return Channel(
            topic,
            "kafka-secure" if self.security_protocol.endswith("SSL") else "kafka",
            tuple(self.bootstrap_servers.split(",")),
            self.login_scheme(),
            self.mode,
            {"topic": topic, "bindingVersion": "0.5.0"},
        )

    def _builder(self) -> RecordBuilder:
        return RecordBuilder(self.topic, self.rejects_topic, self.mode)

    def _templates(self) -> tuple[str, str]:
        return self.topic, self.rejects_topic

    def _fixed(self) -> set[str]:
        return {topic for topic in self._templates() if "{" not in topic}

    async def _look(self) -> str:
        async with looking_at(self) as topics:
            patterns = [records.pattern(template) for template in self._templates()]
            ours = [name for name in await topics.names() if any(pattern.fullmatch(name) for pattern in patterns)]
            ours = [name for name in ours if name != self._foreign]
            found = await topics.describe({*ours, *self._fixed()})
            await topics.allow(found.keys() & self._fixed(), "Write")
            lacking = await topics.lacking(found, "Write")  # of what our names cover, not all need be ours
            warnings = [f"; warning: {words}" for t in found.values() for words in t.warnings(topics.brokers)]
            warnings += [f"; warning: we do not have the right {words}" for words in lacking]
            missing = sorted(self._fixed() - found.keys())
        there = f"topics {', '.join(sorted(found))}" if found else "none of our topics yet"
        to_make = f"; to be made: {', '.join(missing)}" if missing else ""
        return f"{self.place} lets us in, and has {there}{to_make}{''.join(warnings)}"
