"""The topic of the state: looked at, created, and refused if what it held is lost.

Compaction keeps the last record of every key, and never moves the offset at which a log begins: zero. (Kafka 4.3.1 says
0 where the first record left has offset 27, also after it was restarted or killed; only retention and DeleteRecords
move it, see https://kafka.apache.org/documentation/#compaction.) A log that begins later has had records deleted, and
what they said would be delivered again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import anyio
from aiokafka import TopicPartition

from outputs.kafka import KafkaConfig, records
from outputs.kafka.producer import Producer
from outputs.kafka.topics import Topic, Topics, looking_at
from poller.errors import ConfigError
from poller.state.kafka import KafkaState, manifest
from poller.state.kafka.reader import consuming, manifests_of, partitions_written, post
from poller.state.kafka.topic_problems import (
    forgetful,
    lost_beside_events,
    settings_at_risk,
    surplus_partitions,
    too_few_partitions,
)

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
_BEGINNING = 1.0
"""Seconds within which whoever begins a state has given every partition its manifest."""


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the topic: its id (None: the broker gives none), and where each partition begins and ends."""

    topic: Topic
    id: str | None
    first: Mapping[int, int]
    end: Mapping[int, int]

    @property
    def filled(self) -> Sequence[int]:
        """Return the partitions that hold anything, the one with the shortest log first."""
        spans = {number: self.end[number] - first for number, first in self.first.items()}
        return sorted((number for number, span in spans.items() if span), key=spans.__getitem__)

    @property
    def deletes(self) -> str | None:
        """Say that the topic is not compacted."""
        policy = self.topic.settings.get("cleanup.policy", "compact")
        if "compact" in policy:
            return None
        return f"cleanup.policy of topic {self.topic.name} is {policy}, which deletes the state bit by bit"

    def loss(self, begins: Mapping[int, int], partitions: int, *, everywhere: bool) -> str | None:
        """Say how the state loses, or has lost, what it held; None if it does not.

        `begins` are the offsets at which logs may begin instead of at zero; `everywhere` see Manifest.
        """
        return self.deletes or self.cut(begins, partitions, everywhere=everywhere)

    def cut(self, begins: Mapping[int, int], partitions: int, *, everywhere: bool) -> str | None:
        """Say which partition begins later than it may, or holds nothing where each was begun; None if none does."""
        for number, first in self.first.items():
            if number < partitions and first > begins.get(number, 0):
                return f"the beginning of topic {self.topic.name} is gone: partition {number} begins at offset {first}"
        empty = sorted({*range(partitions)} & self.first.keys() - {*self.filled}) if everywhere else []
        return f"partition {empty[0]} of topic {self.topic.name} is empty, and held something" if empty else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A topic that may be polled with.

    `state` has the number of partitions that the state was written with, and `begins` the offsets at which logs may
    begin instead of at zero; `everywhere` see Manifest. A `fresh` topic holds no state, or none that is whole: `begin`
    one there.
    """

    state: KafkaState
    look: Look
    begins: Mapping[int, int]
    warnings: Sequence[str]
    fresh: bool
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """A start's findings: `problems` are its reasons to refuse. `look` is None if there is no topic yet."""

    state: KafkaState
    look: Look | None
    begins: Mapping[int, int]
    everywhere: bool
    problems: Sequence[str]
    warnings: Sequence[str]


async def look_at(state: KafkaState) -> Look | None:
    """Look at the topic; return None if it is not there. Raises OutputError."""
    async with looking_at(state) as topics:
        found = (await topics.describe([state.topic])).get(state.topic)
        id_ = await topics.id_of(state.topic)
    if not found:
        return None
    first, end = await _span(state, [found])
    numbers = range(found.partitions)
    places = [TopicPartition(found.name, number) for number in numbers]
    return Look(
        found,
        id_,
        {number: first[place] for number, place in zip(numbers, places, strict=True)},
        {number: end[place] for number, place in zip(numbers, places, strict=True)},
    )


async def as_written(state: KafkaState) -> KafkaState | None:
    """Return the state with the number of partitions that it was written with; None if it was not written yet.

    Raises OutputError.
    """
    look = await look_at(state)
    written = await partitions_written(state, look.filled) if look else None
    return state.model_copy(update={"partitions": written}) if written else None


async def prepare(state: KafkaState, outputs: Mapping[str, KafkaConfig]) -> Prepared:
    """Inspect the topic, and create it if there is none.

    Raises ConfigError if the state is lost or the topic does not fit, and OutputError.
    """
    found = await inspect(state, outputs)
    if found.problems:
        raise ConfigError(found.problems)
    look, begins = found.look, found.begins
    if look is None:
        look = await _make(state)
    loss = look.loss(begins, found.state.partitions, everywhere=found.everywhere)
    fresh = not look.filled or bool(state.allow_empty and loss)
    if fresh:
        begins = {number: first for number, first in look.first.items() if first}
    return Prepared(found.state, look, begins, found.warnings, fresh, everywhere=found.everywhere or fresh)


async def inspect(state: KafkaState, outputs: Mapping[str, KafkaConfig]) -> Inspection:
    """Return what a start would find; change nothing. Raises OutputError."""
    look = await look_at(state)
    async with looking_at(state) as topics:
        if look:
            await topics.allow([state.topic], "Read", "Write")
        warnings = settings_at_risk(look.topic, topics.brokers) if look else []
        events = await _events(topics, state, outputs)
    problems, begins, everywhere = list[str](), dict[int, int](), False
    if not state.allow_empty and not (look and look.filled) and (held := await _held(state, events)):
        problems.append(lost_beside_events(state, held, there=look is not None))
    if look:
        written = await partitions_written(state, look.filled) or state.partitions
        begins = await _begins(state, look)
        shortest = await manifests_of(state, look.filled[:1]) if look.filled else {}
        everywhere = any(one.everywhere for one in shortest.values())
        if look.cut(begins, written, everywhere=everywhere):  # somebody may be just about to begin the state
            await anyio.sleep(_BEGINNING)
            look = await look_at(state) or look
        if loss := look.loss(begins, written, everywhere=everywhere):
            (warnings if state.allow_empty else problems).append(loss if state.allow_empty else forgetful(loss))
        problems += too_few_partitions(look.topic, state, written)
        warnings += surplus_partitions(look.topic, state, written)
        state = state.model_copy(update={"partitions": written})
    return Inspection(state, look, begins, everywhere, problems, warnings)


async def begin(prepared: Prepared) -> None:
    """Begin the state in a `fresh` topic: write a manifest into every partition. Raises OutputError."""
    state, begins = prepared.state, prepared.begins
    producer = Producer(state, "zstd", {})
    try:
        await producer.post(
            [
                post(state, number, key, value)
                for number in range(state.partitions)
                for key, value in manifest.row(state.partitions, begins.get(number, 0), everywhere=True).items()
            ]
        )
    finally:
        await producer.close()


async def check_reachable(state: KafkaState) -> None:
    """Return if we may join the group, and write as a replica does, where a look can tell. Raises OutputError."""
    async with looking_at(state) as topics:
        await topics.reach(state.group, [state.transactional_id(number) for number in range(state.partitions)])


async def _make(state: KafkaState) -> Look:
    async with looking_at(state) as topics:
        await topics.create([state.topic], state.partitions, state.replication, SETTINGS)
    look = await look_at(state)
    while look is None:  # other brokers than the one that made it know a little later
        await anyio.sleep(0.05)
        look = await look_at(state)
    async with looking_at(state) as topics:
        await topics.allow([state.topic], "Read", "Write")
    return look


async def _begins(state: KafkaState, look: Look) -> dict[int, int]:
    """Read in the manifests where logs may begin, of those that do not begin at zero."""
    cut = [number for number, first in look.first.items() if first]
    return {number: found.begins for number, found in (await manifests_of(state, cut)).items()} if cut else {}


async def _events(topics: Topics, state: KafkaState, outputs: Mapping[str, KafkaConfig]) -> Collection[Topic]:
    templates = [template for output in outputs.values() for template in (output.topic, output.rejects_topic)]
    patterns = [records.pattern(template) for template in templates]
    names = [name for name in await topics.names() if any(pattern.fullmatch(name) for pattern in patterns)]
    return (await topics.describe([name for name in names if name != state.topic])).values()


async def _held(state: KafkaState, events: Collection[Topic]) -> list[str]:
    """Name those of the topics that hold anything."""
    first, end = await _span(state, events)
    return sorted({place.topic for place in first if end[place] > first[place]})


async def _span(
    state: KafkaState, topics: Collection[Topic]
) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    if not places:
        return {}, {}
    async with consuming(state, _LOOKING) as consumer:
        return await consumer.beginning_offsets(places), await consumer.end_offsets(places)
