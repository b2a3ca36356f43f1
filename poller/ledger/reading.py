"""Reading one partition of the state, from its beginning up to a record that we wrote a moment ago."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct, json

from outputs.kafka.errors import Witness
from outputs.kafka.records import Post
from outputs.kafka.state import KafkaState
from poller.errors import ConfigError
from poller.ledger.contents import Contents, Rows

OWNER = "__owner"
_PATIENCE = 20.0
"""Seconds without a record after which the state counts as away."""
_FETCH = 8 << 20
"""Bytes of one answer; more than any record has."""


class Claim(Struct, frozen=True):
    """Who took a partition over, and when (seconds since 1970). `partitions`: how many the state has for ever."""

    replica: str
    id: str
    partitions: int
    at: float


def post(state: KafkaState, partition: int, key: str, value: bytes | None) -> Post:
    """Make a record of the state."""
    return Post(state.topic, key.encode(), value, int(time.time() * 1000), (), partition)


async def read(state: KafkaState, partition: int, until: str) -> Contents:
    """Read up to the claim of this id. Raises OutputError, and ConfigError where the state has other partitions.

    No end offset is asked for: of what is committed it may show less than there is, while a transaction is open.
    """
    contents = Contents()
    async with consuming(state, isolation_level="read_committed", max_partition_fetch_bytes=_FETCH) as consumer:
        consumer.assign([TopicPartition(state.topic, partition)])
        while not _take(state, contents, await _some(consumer), until):
            pass
    return contents


@asynccontextmanager
async def consuming(state: KafkaState, seconds: float | None = None, **options: Any) -> AsyncIterator[Any]:
    """Open a consumer in no group, from the beginning of what it is given; in here it has so many `seconds`, None: any.

    What goes wrong in here is an OutputError.
    """
    witness = Witness()
    consumer = AIOKafkaConsumer(**state.connection(), enable_auto_commit=False, auto_offset_reset="earliest", **options)
    try:
        with witness.listening(), anyio.fail_after(seconds):
            with anyio.fail_after(_PATIENCE):
                await consumer.start()
            yield consumer
    except (KafkaError, OSError) as error:
        raise witness.judge(state.place, error) from error
    finally:
        with anyio.move_on_after(1, shield=True):
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
