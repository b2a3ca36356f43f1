"""How long a replica takes to know a million identities that another one wrote: `python -m tests.bench.restore`.

The time is that of all of it: to join, to claim, to read, and to have every stream's seen in memory.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from poller.events.batch import Batch, SeenUpdate
from poller.state.ledger import Change
from tests.kafka.broker import Broker
from tests.kafka.ledgers import owner
from tests.kafka.reading import Place
from tests.state.ledgers import checkpoint, entry

_PAGE = 200
_LIMIT = 5.0


async def measure(kafka: Place, identities: int) -> float:
    streams = [f"acme{number}/calls" for number in range(8)]
    sources = [stream.partition("/")[0] for stream in streams]
    async with owner(kafka, *sources, partitions=4, outputs=False) as ledger:
        for stream in streams:
            await ledger.restore(stream, None)
        pages = [(streams[page % len(streams)], page * _PAGE) for page in range(identities // _PAGE)]
        for begin in range(0, len(pages), 200):
            changes = [_page(stream, first) for stream, first in pages[begin : begin + 200]]
            await asyncio.gather(*(ledger.commit(change) for change in changes))
    begun = time.perf_counter()
    async with owner(kafka, *sources, partitions=4, outputs=False) as ledger:
        claimed = time.perf_counter() - begun
        known = [len((await ledger.restore(stream, None)).seen) for stream in streams]
        took = time.perf_counter() - begun
    assert sum(known) == identities // _PAGE * _PAGE, known
    sys.stdout.write(
        f"{sum(known):,} identities of {len(streams)} streams, {_PAGE} a commit: "
        f"claimed and read after {claimed:.2f} s, in memory after {took:.2f} s\n"
    )
    return took


def _page(stream: str, first: int) -> Change:
    entries = {(first + number) * 0x9E3779B97F4A7C15 % (1 << 64): entry(number) for number in range(_PAGE)}
    return Change(stream, checkpoint(first % 1000), Batch(seen=SeenUpdate(entries)))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            broker.start()
            took = asyncio.run(measure(Place(broker.at["PLAINTEXT"]), 1_000_000))
        finally:
            broker.stop()
    return int(took > _LIMIT)


if __name__ == "__main__":
    sys.exit(main())
