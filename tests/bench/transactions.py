"""What a partition of the state costs in Kafka: to claim it, and to commit to it: `python -m tests.bench.transactions`.

One replica and one broker, on one machine. Each partition has one source; all of them commit at the same time.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from poller.events.batch import Batch
from poller.state.kafka.owners import partition_of
from poller.state.ledger import Change, Ledger
from tests.bench.cell import Found
from tests.kafka.broker import Broker
from tests.kafka.ledgers import owner, state
from tests.kafka.reading import Place
from tests.state.ledgers import checkpoint

PARTITIONS = 16
ROUNDS = 20


def names(kafka: Place) -> list[str]:
    """Return the name of a source for each partition."""
    config, found = state(kafka, partitions=PARTITIONS), dict[int, str]()
    number = 0
    while len(found) < PARTITIONS:
        found.setdefault(partition_of(config, f"source{number}"), f"source{number}")
        number += 1
    return list(found.values())


async def measure(kafka: Place) -> Found:
    sources = names(kafka)
    async with owner(kafka, *sources, partitions=PARTITIONS, outputs=False):
        pass
    begun, used = time.perf_counter(), time.process_time()
    async with owner(kafka, *sources, partitions=PARTITIONS, outputs=False) as ledger:
        claimed, cpu = time.perf_counter() - begun, time.process_time() - used
        streams = [f"{source}/calls" for source in sources]
        for stream in streams:
            await ledger.restore(stream, None)
        begun, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_commits(ledger, stream) for stream in streams))
        many = PARTITIONS * ROUNDS
        return {
            "partitions claimed at once, s": claimed,
            "a claim, CPU ms": cpu / PARTITIONS * 1e3,
            "a commit, CPU ms": (time.process_time() - used) / many * 1e3,
            "commits a second": many / (time.perf_counter() - begun),
        }


async def _commits(ledger: Ledger, stream: str) -> None:
    for number in range(ROUNDS):
        await ledger.commit(Change(stream, checkpoint(number), Batch()))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            broker.start()
            found = asyncio.run(measure(Place(broker.at["PLAINTEXT"])))
        finally:
            broker.stop()
    sys.stdout.write("".join(f"{what}: {value:,.2f}\n" for what, value in found.items()))


if __name__ == "__main__":
    main()
