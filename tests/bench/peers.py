"""poller beside other programs for the same work, each in an environment of its own.

They come from PyPI in the versions of `contestants/*.txt`, once, into the cache of the tests. They batch, so that
what they do cannot be told by page: what counts is the processor time of the whole process, from its start to its end,
over many pages less that over few.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from tests.bench import calls, clients
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import calls_list, script, workshop
from tests.kafka.jars import CACHE

FEW, MANY, SIZE = 2, 12, 1000
PEERS = {"dlt": 5.0, "airbyte": 7.0, "singer": 4.0}
"""The others, and how much less poller is to cost than each."""


async def python_of(name: str) -> str:
    """Return the interpreter of a contestant's environment, which is built if need be."""
    wanted = clients.SCRIPTS / f"{name}.txt"
    place = CACHE / f"bench-{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python, built = place / "bin/python", place / "built.txt"
    if not built.exists() or built.read_bytes() != wanted.read_bytes():
        await _call(sys.executable, "-m", "venv", "--clear", str(place))
        await _call(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted))
        built.write_bytes(wanted.read_bytes())
    return str(python)


async def _call(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(*arguments)
    if await process.wait():
        raise clients.Failed(f"{' '.join(arguments)} ended with {process.returncode}")


@lru_cache
def pages(count: int) -> Sequence[bytes]:
    return calls.pages(range(count * SIZE), SIZE)


async def by_process(arguments: Callable[[str, Path], Sequence[str]]) -> float:
    """Return the microseconds a record of a whole process, less those of one that reads few pages."""
    seconds = []
    for count in (FEW, MANY):
        async with workshop(calls_list(pages(count))) as (vendor, address, folder):
            clients.configure(folder, {"acme": clients.callcap(address)})
            seconds.append(await clients.run(arguments(address, folder), vendor, folder))
            if len(vendor.marks) != count:
                raise clients.Failed(f"{count} pages were to be read, and {len(vendor.marks)} were")
    return (seconds[1] - seconds[0]) / (MANY - FEW) / SIZE * 1e6


async def peer(name: str) -> float:
    python, of = await python_of(name), clients.SCRIPTS / f"{name}_peer.py"
    return await by_process(lambda address, folder: (python, str(of), address, str(folder / "out")))


async def peers() -> Found:
    others = {name: await peer(name) for name in PEERS}
    hand = await by_process(lambda address, folder: script("hand", address, str(folder / "out.jsonl")))
    return {"hand": hand, "poller": await by_process(lambda *_: (*clients.POLLER, "--once")), **others}


CELLS = (
    Cell(
        "peers",
        "new records, whole processes",
        "µs a record",
        peers,
        [Goal(name, bound, "poller", at_least=True) for name, bound in PEERS.items()],
        rounds=3,
    ),
)
