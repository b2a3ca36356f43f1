"""What a record costs on its way out, by path: `python -m tests.kafka.bench_commit`.

The same bytes, 1,000 records of 1 KB a commit: into files with the state in SQLite, into Kafka with the state in Kafka
(one transaction), and into Kafka by nothing but a loop of aiokafka's `send_batch`. CPU is that of this process alone.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from aiokafka import AIOKafkaProducer

from outputs import Message
from outputs.kafka.batches import fill, packed
from outputs.kafka.posts import Posts, partition
from poller.batch import Batch
from poller.ledger import Change, Ledger
from poller.ledger.database import Database
from poller.ledger.delivery import Delivery
from poller.ledger.sqlite import SqliteLedger
from poller.telemetry import Telemetry
from tests.core.ledgers import checkpoint, entry
from tests.kafka.broker import Broker
from tests.kafka.ledgers import owner
from tests.kafka.reading import Place
from tests.outputs.material import file_config

PAGE, PAGES, WARM = 1000, 100, 10
STREAM = "acme/calls"


def now() -> datetime:
    return datetime.now(UTC)


def page(number: int) -> Change:
    """Records that compress about as well as calls do."""
    rng, batch = random.Random(number), Batch()
    for index in range(PAGE):
        name = f"{number}-{index}"
        filler = " ".join(rng.choices(WORDS, k=130))
        value = f'{{"specversion":"1.0","subject":"{name}","data":{{"id":"{name}","raw":"{filler}"}}}}'.encode()
        batch.messages.append(Message(value[:1024], f"{STREAM}/{name}", "acme", "calls", "call", now()))
        batch.entries[number * PAGE + index] = entry(1, now())
    return Change(STREAM, checkpoint(number % 1000), batch)


WORDS = [
    f"{word}{number}" for word in ("answered", "+1316555", "campaign", "agent", "2026-11-") for number in range(40)
]


async def measure(name: str, commit: Callable[[Change], Awaitable[None]], pages: Sequence[Change]) -> float:
    """Print the figures of a path, and give its CPU a record in microseconds."""
    for change in pages[:WARM]:
        await commit(change)
    took: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    for change in pages[WARM:]:
        at = time.perf_counter()
        await commit(change)
        took.append((time.perf_counter() - at) * 1000)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    records = PAGE * (len(pages) - WARM)
    sys.stdout.write(
        f"{name:<34} {records / seconds:>9,.0f} records/s {cpu / records * 1e6:>6.1f} us CPU a record   "
        f"commit p50 {median(took):.1f} ms, p99 {quantiles(took, n=100)[98]:.1f} ms\n"
    )
    return cpu / records * 1e6


@asynccontextmanager
async def into_files(folder: Path) -> AsyncIterator[Ledger]:
    database = Database.open(folder / "poller.db")
    async with Delivery({"files": file_config(folder).open({})}, Telemetry()) as delivery:
        yield SqliteLedger(database, delivery, Telemetry(), now)
    database.close()


@asynccontextmanager
async def bare(kafka: Place, topic: str) -> AsyncIterator[Callable[[Change], Awaitable[None]]]:
    """No transaction, no state, nobody to say what was delivered."""
    posts = Posts(topic, topic, "structured")
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.at, enable_idempotence=True, compression_type="zstd", max_batch_size=1 << 20
    )
    await producer.start()

    async def send(change: Change) -> None:
        by: dict[int, list[object]] = {}
        for post in map(posts, change.batch.messages):
            by.setdefault(partition(post, 2), []).append(post)
        futures = []
        for place, some in by.items():
            for few in packed(some, 512 << 10):  # type: ignore[arg-type]
                fill(batch := producer.create_batch(), few)
                futures.append(await producer.send_batch(batch, topic, partition=place))
        await asyncio.gather(*futures)

    yield send
    await producer.stop()


async def compare(kafka: Place, folder: Path) -> float:
    pages = [page(number) for number in range(PAGES + WARM)]
    async with into_files(folder) as ledger:
        await ledger.restore(STREAM, None)
        files = await measure("files, state in SQLite", ledger.commit, pages)
    async with bare(kafka, Place(kafka.at).create("bare", 2)) as send:
        await measure("Kafka, a loop of send_batch", send, pages)
    async with owner(kafka, "acme", now=now) as ledger:
        await ledger.restore(STREAM, None)
        return await measure("Kafka, state in Kafka", ledger.commit, pages) / files


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            broker.start()
            ratio = asyncio.run(compare(Place(broker.at["PLAINTEXT"]), Path(folder)))
        finally:
            broker.stop()
    sys.stdout.write(f"Kafka costs {ratio:.2f} times the CPU of files\n")


if __name__ == "__main__":
    main()
