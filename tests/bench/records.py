"""What a record costs: pages of Callcap's, read by poller and by others."""

import re
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from tests.bench import calls, clients
from tests.bench.cell import Cell, Found, Goal
from tests.bench.server import Answer, Vendor, serve

PAGES, WARM, SIZE = 26, 5, 1000
ECHO, HAND = "echo", "hand"


def calls_list(pages: Sequence[bytes]) -> Callable[[str], Answer]:
    """Answer as Callcap whose calls were all modified within the hour: other lists of it have nothing to say."""

    def answer(target: str) -> Answer:
        if "search_last_modified_start=" not in target:
            return calls.EMPTY, False
        found = re.search(r"[?&]page=(\d+)", target)
        number = int(found[1]) - 1 if found else 0
        return (pages[number], True) if number < len(pages) else (calls.EMPTY, False)

    return answer


def by_unit(marks: Sequence[int], warm: int, size: int) -> float:
    """Return the microseconds from the first request after the `warm` ones to the last, by each of `size` a request."""
    return (marks[-1] - marks[warm]) / (len(marks) - 1 - warm) / size / 1000


@asynccontextmanager
async def workshop(
    answer: Callable[[str], Answer], tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Vendor, str, Path]]:
    """A vendor that answers so, its address, and an empty folder."""
    vendor = Vendor(answer)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with serve(vendor, tls) as address:
            yield vendor, address, Path(folder)


def script(name: str, *arguments: str) -> Sequence[str]:
    return sys.executable, str(clients.SCRIPTS / f"{name}.py"), *arguments


async def by_script(name: str, pages: Sequence[bytes], size: int = SIZE) -> float:
    """Return what a record costs a contestant that is a script of its own."""
    async with workshop(calls_list(pages)) as (vendor, address, folder):
        await clients.run(script(name, address, str(folder / "out.jsonl")), vendor, folder)
        return by_unit(vendor.marks, WARM, size)


async def by_poller(
    pages: Sequence[bytes], before: Sequence[bytes] = (), size: int = SIZE, settings: Mapping[str, Any] | None = None
) -> float:
    """Return what a record costs `poller run --once`, after a run before it that read the pages `before`."""
    async with workshop(calls_list(before)) as (vendor, address, folder):
        clients.configure(folder, {"acme": clients.callcap(address)}, **settings or {})
        once = (*clients.POLLER, "--once")
        if before:
            await clients.run(once, vendor, folder)
        vendor.answer = calls_list(pages)
        await clients.run(once, vendor, folder)
        return by_unit(vendor.marks, WARM, size)


@lru_cache
def first(edition: int = 0) -> Sequence[bytes]:
    """Return the pages of the calls from number 0 on."""
    return calls.pages(range(PAGES * SIZE), SIZE, edition)


@lru_cache
def mixed() -> Sequence[bytes]:
    """Return pages of which every fifth call is not among the first ones."""
    numbers = [PAGES * SIZE + number if number % 5 == 4 else number for number in range(PAGES * SIZE)]
    return calls.pages(numbers, SIZE)


async def new() -> Found:
    pages = first()
    return {
        ECHO: await by_script(ECHO, pages),
        HAND: await by_script(HAND, pages),
        "poller": await by_poller(pages),
    }


async def seen(pages: Callable[[], Sequence[bytes]]) -> Found:
    return {ECHO: await by_script(ECHO, pages()), "poller": await by_poller(pages(), first())}


def _cell(name: str, about: str, most: float, measure: Callable[[], Awaitable[Found]]) -> Cell:
    return Cell(name, about, "µs a record", measure, [Goal("poller", most, ECHO), Goal(HAND, None, ECHO)])


CELLS: Sequence[Cell] = (
    _cell("new", "new records", 1.0, new),
    _cell("seen-80", "four in five already seen", 0.6, partial(seen, mixed)),
    _cell("seen-equal", "all already seen, the bytes are equal", 0.45, partial(seen, first)),
    _cell("seen-volatile", "all seen, volatile fields changed", 0.65, partial(seen, partial(first, 1))),
)
