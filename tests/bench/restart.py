"""What much that is remembered costs: a restart, and the commits after it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from poller.events.seen import Entry, key_of
from poller.state.sqlite.database import Database
from tests.bench import calls, clients
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import by_unit, calls_list, workshop
from tests.support.packing import pack

MANY, FEW, AT_ONCE = 10_000_000, 10_000, 5000
PAGES, WARM, SIZE = 220, 20, 25


@lru_cache
def pages() -> Sequence[bytes]:
    return calls.pages(range(PAGES * SIZE), SIZE)


def remembered(count: int) -> Iterator[tuple[str, int, bytes]]:
    """Return what a state holds of so many records, which were delivered over the last 30 days."""
    now = int(time.time())
    for begin in range(0, count, AT_ONCE):
        at = now - 30 * 86_400 * (count - begin) // count
        entries = {
            key_of(f"100200_{number % 24}_{number}"): Entry(number << 20, number << 30, at * 1_000_000, 1, at, 0, 1)
            for number in range(begin, begin + AT_ONCE)
        }
        yield "acme/calls", at, pack(entries.items())


def fill(path: Path, count: int) -> None:
    """Write so many records into a state, as so many commits would have."""
    database = Database.open(path)
    for chunk in remembered(count):
        database.write({}, [chunk])
    database.close()


async def started(count: int) -> tuple[float, float, float]:
    """Return seconds from the start to the first request, megabytes, and the microseconds of a page of new records."""
    async with workshop(calls_list([calls.EMPTY])) as (vendor, address, folder):
        sweeps = {"recent": {"every": "24h"}, "live": {"every": "1s"}, "audit": {"every": "24h"}}
        clients.configure(folder, {"acme": clients.callcap(address, streams={"calls": {"sweeps": sweeps}})})
        await clients.run((*clients.POLLER, "--once"), vendor, folder)
        await asyncio.to_thread(fill, folder / "state/poller.db", count)
        vendor.answer, began, first = calls_list(pages()), time.monotonic(), list[float]()
        async with clients.running(clients.POLLER, vendor, folder) as process:
            clients.prefer(process.pid)
            over = asyncio.Event()

            def note(requests: int) -> None:
                first.append(time.monotonic())
                if requests == PAGES:
                    over.set()

            vendor.enough = note
            await asyncio.wait_for(over.wait(), clients.DEADLINE)
            memory = clients.megabytes(process.pid)
            marks = vendor.marks[:PAGES]
        return first[0] - began, memory, by_unit(marks, WARM, 1)


async def restart() -> Found:
    _, _, few = await started(FEW)
    seconds, memory, many = await started(MANY)
    return {"restart, s": seconds, "memory, MB": memory, "page of 25 with 10 k, µs": few, "page of 25, µs": many}


CELLS = (
    Cell(
        "restart",
        "a start, and commits of 25 new records, with 10 million remembered",
        "",
        restart,
        [
            Goal("restart, s", 15),
            Goal("memory, MB", 600),
            Goal("page of 25, µs", 1.5, "page of 25 with 10 k, µs"),
        ],
        rounds=1,
    ),
)
