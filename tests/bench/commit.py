"""What a new record costs from a page's bytes to the end of its commit, by path.

The same Callcap calls, 1,000 a page: into files with the state in SQLite,
and into Kafka with the state in Kafka (one transaction). Beside them what is written, by nothing but a loop of
aiokafka's `send_batch`. CPU is that of this process alone; reading pages over HTTP is not part of it. The commit
alone is what follows the transformation: until what the page came to is durable, and the state with it.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from aiokafka import AIOKafkaProducer

from outputs.kafka.batching import fill, packed
from outputs.kafka.records import ProducerRecord, RecordBuilder, partition
from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.seen import Seen
from poller.events.transform import transform
from poller.state.delivery import Delivery
from poller.state.ledger import Change, Ledger
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry
from tests.bench.cell import Cell, Found, Goal
from tests.kafka.broker import Broker
from tests.kafka.ledgers import owner
from tests.kafka.reading import Place
from tests.outputs.material import file_config
from tests.simulation import callcap
from tests.sources.callcap_pages import CALL
from tests.sources.scripted import json_bytes
from tests.state.ledgers import checkpoint

PAGE, PAGES, WARM = 1000, 100, 10
NAME = "acme/calls"
(STREAM,) = callcap().build_streams()
SHAPE = StreamInfo("acme", "callcap", "calls", "call")
T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


def page(number: int) -> Sequence[bytes]:
    """Calls as the vendor sends them, each a new one."""
    rng = random.Random(number)

    def call(index: int) -> bytes:
        caller = {**CALL["caller"], "caller_id": f"316-555-{rng.randrange(10_000):04}", "name": f"Pat {rng.random()}"}
        return json_bytes({**CALL, "call_id": f"{number}_{index}", "caller": caller, "duration": rng.randrange(900)})

    return [call(index) for index in range(PAGE)]


def batched(records: Sequence[bytes]) -> Batch:
    return transform(STREAM, SHAPE, records, Seen(None), PageContext(now()))


def committing(ledger: Ledger) -> Callable[[Batch], Awaitable[None]]:
    async def commit(batch: Batch) -> None:
        await ledger.commit(Change(NAME, checkpoint(), batch))

    return commit


def as_it_is(batch: Batch) -> Batch:
    return batch


async def measure(
    name: str, transformed: Callable[[T], Batch], commit: Callable[[Batch], Awaitable[None]], pages: Sequence[T]
) -> Found:
    """Return the figures of a path: CPU a record, and the seconds of a commit alone."""
    for one in pages[:WARM]:
        await commit(transformed(one))
    alone = list[float]()
    cpu = time.process_time()
    for one in pages[WARM:]:
        batch = transformed(one)
        ready = time.perf_counter()
        await commit(batch)
        alone.append(time.perf_counter() - ready)
    cpu = time.process_time() - cpu
    return {
        f"{name}, µs a record": cpu / PAGE / (len(pages) - WARM) * 1e6,
        f"{name}, commit p50, ms": median(alone) * 1000,
        f"{name}, commit p99, ms": quantiles(alone, n=100)[98] * 1000,
    }


@asynccontextmanager
async def into_files(folder: Path) -> AsyncIterator[Ledger]:
    database = Database.open(folder / "poller.db")
    async with Delivery({"files": file_config(folder).open({})}, Telemetry()) as delivery:
        yield SqliteLedger(database, delivery, Telemetry(), now)
    database.close()


@asynccontextmanager
async def bare(kafka: Place, topic: str) -> AsyncIterator[Callable[[Batch], Awaitable[None]]]:
    """No transaction, no state, nobody to say what was delivered."""
    posts = RecordBuilder(topic, topic, "structured")
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.at, enable_idempotence=True, compression_type="zstd", max_batch_size=1 << 20
    )
    await producer.start()

    async def send(batch: Batch) -> None:
        by: dict[int, list[ProducerRecord]] = {}
        for post in map(posts, batch.messages):
            by.setdefault(partition(post, 2), []).append(post)
        futures = []
        for place, some in by.items():
            for few in packed(some, 512 << 10):
                fill(sent := producer.create_batch(), few)
                futures.append(await producer.send_batch(sent, topic, partition=place))
        await asyncio.gather(*futures)

    yield send
    await producer.stop()


async def compare(kafka: Place, folder: Path) -> Found:
    pages = [page(number) for number in range(PAGES + WARM)]
    async with bare(kafka, Place(kafka.at).create("bare", 2)) as send:
        loop = await measure("bare loop of send_batch", as_it_is, send, [batched(records) for records in pages])
    async with into_files(folder) as ledger:
        await ledger.restore(NAME, None)
        files = await measure("files", batched, committing(ledger), pages)
    async with owner(kafka, "acme", now=now) as ledger:
        await ledger.restore(NAME, None)
        return {**loop, **files, **await measure("Kafka", batched, committing(ledger), pages)}


async def commits() -> Found:
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            await asyncio.to_thread(broker.start)
            return await compare(Place(broker.at["PLAINTEXT"]), Path(folder))
        finally:
            await asyncio.to_thread(broker.stop)


CELLS = (
    Cell(
        "commit",
        "new records, from a page's bytes to the end of its commit",
        "",
        commits,
        [Goal("Kafka, µs a record", None, "files, µs a record")],
        rounds=1,
    ),
)
