"""Reads the state out of its topic: one partition up to our claim, or all of it beside who polls with it."""

import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import anyio
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct, json

from outputs import OutputError
from outputs.kafka.errors import ErrorCollector, cancelled_by_us_alone
from outputs.kafka.records import ProducerRecord
from outputs.kafka.topics import looking_at
from poller.errors import ConfigError
from poller.state.kafka import KafkaState, manifest
from poller.state.kafka.contents import Contents, Rows
from poller.state.kafka.encryption import TokenCipher
from poller.state.kafka.manifest import Manifest
from poller.state.rows import TOKEN, encode, name_of

OWNER = "__owner"
_PATIENCE = 20.0
"""Seconds without a record after which the state counts as away."""
_FETCH = 8 << 20
"""Bytes of one answer; more than any record has."""


class Claim(Struct, frozen=True):
    """A claim: the replica that took a partition over, and when (seconds since 1970). The state has `partitions`."""

    replica: str
    id: str
    partitions: int
    at: float


def post(state: KafkaState, partition: int, key: str, value: bytes | None) -> ProducerRecord:
    """Make a record of the state; without a value it is a tombstone."""
    return ProducerRecord(state.topic, key.encode(), value, int(time.time() * 1000), (), partition)


class PartitionReader:
    """Reads one partition from its beginning: first what is there, then up to a claim that was made meanwhile.

    No end offset is believed: of what is committed it may show less than there is, while a transaction is open.
    """

    def __init__(self, state: KafkaState, partition: int, consumer: Any) -> None:
        self._state, self._place, self._consumer = state, TopicPartition(state.topic, partition), consumer
        self._contents = Contents()

    @classmethod
    @asynccontextmanager
    async def open(cls, state: KafkaState, partition: int) -> AsyncIterator[Self]:
        """Connect to read a partition. What goes wrong in the context is raised as OutputError."""
        async with consuming(state, isolation_level="read_committed", max_partition_fetch_bytes=_FETCH) as consumer:
            consumer.assign([TopicPartition(state.topic, partition)])
            yield cls(state, partition, consumer)

    async def look(self) -> None:
        """Read most of it. Raises NewerFormat where a newer version wrote it, before anything is claimed there."""
        end = (await self._consumer.end_offsets([self._place]))[self._place]
        while await self._consumer.position(self._place) < end:
            found = await self._consumer.getmany(timeout_ms=200)
            if not found:  # the last records may be none that are shown
                break
            for records in found.values():
                _take(self._state, self._contents, records, "")
        self._contents.manifest()

    async def read(self, until: str) -> Contents:
        """Read the rest, up to the claim of this id. Raises NewerFormat; ConfigError where it has other partitions."""
        while not _take(self._state, self._contents, await _some(self._consumer), until):
            pass
        self._contents.manifest()
        return self._contents


@asynccontextmanager
async def consuming(state: KafkaState, seconds: float | None = None, **options: Any) -> AsyncIterator[Any]:
    """Open a consumer that is in no group and begins at the beginning of what it is assigned.

    The context may last `seconds` (None: any time). What goes wrong in it is raised as OutputError.
    """
    witness = ErrorCollector()
    consumer = AIOKafkaConsumer(**state.connection(), enable_auto_commit=False, auto_offset_reset="earliest", **options)
    try:
        with witness.listening(), anyio.fail_after(seconds):
            with anyio.fail_after(_PATIENCE):
                await consumer.start()
            yield consumer
    except (KafkaError, OSError) as error:
        raise witness.judge(state.place, error) from error
    finally:
        with anyio.move_on_after(1, shield=True), suppress(KafkaError), cancelled_by_us_alone():
            await consumer.stop()


async def _some(consumer: Any) -> Sequence[ConsumerRecord]:
    with anyio.fail_after(_PATIENCE):
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                return list(records)


def _take(state: KafkaState, contents: Contents, records: Sequence[ConsumerRecord], until: str) -> bool:
    for record in records:
        key = record.key.decode()
        if key != OWNER:
            rows: Rows = {key: record.value}
            contents.put(rows)
            continue
        claim = json.decode(record.value, type=Claim)
        if claim.partitions != state.partitions:
            raise ConfigError(
                f"state.partitions: the state in topic {state.topic} was written in {claim.partitions} partitions, and "
                f"not {state.partitions}: put that number back, and take a topic with as many"
            )
        if claim.id == until:
            return True
    return False


_LONGEST_READ = 60.0
"""Seconds to read all of it."""
_QUIET = 3
"""So many empty answers in a row say that all was read: a record at the very end may be none that is shown."""


class TopicReader:
    """Implements `StateReader`."""

    def __init__(self, contents: Contents, cipher: TokenCipher) -> None:
        self._contents, self._cipher = contents, cipher

    def get(self, key: str) -> bytes | None:
        """Return one value; a token decrypted. Raises ConfigError where that takes another key."""
        value = self._contents.get(key)
        return encode(self._cipher.open(name_of(key), value)) if value and TOKEN.has(key) else value

    def under(self, prefix: str) -> dict[str, bytes]:
        """Return all values whose key begins with the prefix, by the rest of the key."""
        return self._contents.under(prefix)

    def chunks(self, stream: str) -> Iterable[bytes]:
        """Return a stream's chunks, oldest first."""
        return [data for _, data in self._contents.data(stream)]

    def chunk_bytes(self, stream: str) -> int:
        """Return the bytes of a stream's chunks."""
        return self._contents.size(stream)


async def read_topic(state: KafkaState) -> TopicReader | None:
    """Read all of a state; return None if there is none yet. Raises ConfigError if it cannot be read."""
    try:
        async with looking_at(state) as topics:
            found = await topics.describe([state.topic])
            await topics.allow(found, "Read")
        if not found:
            return None
        return TopicReader(await contents_of(state, range(found[state.topic].partitions)), TokenCipher(state.token_key))
    except OutputError as error:
        raise ConfigError(str(error)) from None


async def missing_topic(state: KafkaState) -> str | None:
    """Say that the topic is not there; None if it is. Raises ConfigError if that cannot be told."""
    try:
        async with looking_at(state) as topics:
            there = bool(await topics.describe([state.topic]))
    except OutputError as error:
        raise ConfigError(f"state: {error}") from None
    return None if there else missing_topic_text(state)


def missing_topic_text(state: KafkaState) -> str:
    """That there is no state yet, in words."""
    return f"state.topic: {state.topic} is not there: nothing was saved yet"


async def contents_of(state: KafkaState, partitions: Collection[int]) -> Contents:
    """Read all that is committed in these partitions. Raises OutputError; ConfigError where a newer version wrote."""
    contents = Contents()

    def take(record: ConsumerRecord) -> bool:
        if (key := record.key.decode()) == manifest.KEY:
            manifest.require_readable(state.topic, record.partition, record.value)
        elif key != OWNER:
            contents.put({key: record.value})
        return False

    await _read_committed(state, partitions, take)
    return contents


async def manifests_of(state: KafkaState, partitions: Collection[int]) -> dict[int, Manifest]:
    """Read the manifests of these partitions, also those that a newer version wrote. Raises OutputError."""
    found: dict[int, Manifest] = {}

    def take(record: ConsumerRecord) -> bool:
        if record.key == manifest.KEY.encode() and record.value is not None:
            found[record.partition] = json.decode(record.value, type=Manifest)
        return False

    await _read_committed(state, partitions, take)
    return found


async def partitions_written(state: KafkaState, filled: Sequence[int]) -> int | None:
    """Return how many partitions the state was written with, as one of the `filled` ones says; None if none does.

    Raises OutputError.
    """
    found: list[int] = []

    def take(record: ConsumerRecord) -> bool:
        if record.key == manifest.KEY.encode():
            found.append(json.decode(record.value, type=Manifest).partitions)
        elif record.key == OWNER.encode():
            found.append(json.decode(record.value, type=Claim).partitions)
        return bool(found)

    for number in filled:
        await _read_committed(state, [number], take)
        if found:
            return found[0]
    return None


async def _read_committed(
    state: KafkaState, partitions: Collection[int], take: Callable[[ConsumerRecord], bool]
) -> None:
    """Read partitions up to their end, or until `take` returns True."""
    places = [TopicPartition(state.topic, number) for number in partitions]
    async with consuming(state, _LONGEST_READ, isolation_level="read_committed") as consumer:
        consumer.assign(places)
        left, quiet = await consumer.end_offsets(places), 0
        while left and quiet < _QUIET:
            some = await consumer.getmany(timeout_ms=200)
            quiet = 0 if some else quiet + 1
            if any(take(record) for records in some.values() for record in records):
                return
            left = {place: end for place, end in left.items() if await consumer.position(place) < end}
