"""What is measured: each cell is a kind of work, its contestants, and the goals for them."""

import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from tests.bench import calls, clients
from tests.bench.server import Answer, Vendor, serve

PAGES, WARM, SIZE = 26, 5, 1000
POLLS, WARM_POLLS = 420, 20
ECHO = "echo"

Found = Mapping[str, float]
"""What one round of a cell found, by what it is of: a contestant, or what was measured."""


@dataclass(frozen=True)
class Goal:
    """What `of` is to be at the most (or at the least): a number, or, with `over`, a ratio to that one."""

    of: str
    bound: float
    over: str | None = None
    at_least: bool = False


@dataclass(frozen=True)
class Cell:
    """A kind of work; `measure` measures all its contestants once, in `unit`."""

    name: str
    about: str
    unit: str
    measure: Callable[[], Awaitable[Found]]
    goals: Sequence[Goal]


def calls_list(pages: Sequence[bytes]) -> Callable[[str], Answer]:
    """Answer as Callcap whose calls were all modified within the hour: other lists of it have nothing to say."""

    def answer(target: str) -> Answer:
        if "search_last_modified_start=" not in target:
            return calls.EMPTY, False
        found = re.search(r"[?&]page=(\d+)", target)
        assert found, target
        return pages[int(found[1]) - 1], True

    return answer


def per_record(marks: Sequence[int], warm: int = WARM, size: int = SIZE) -> float:
    """Return the microseconds from the first page after the `warm` ones to the last one, by record."""
    return (marks[-1] - marks[warm]) / (len(marks) - 1 - warm) / size / 1000


@asynccontextmanager
async def workshop(answer: Callable[[str], Answer]) -> AsyncIterator[tuple[Vendor, str, Path]]:
    """A vendor that answers so, its address, and an empty folder."""
    vendor = Vendor(answer)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with serve(vendor) as address:
            yield vendor, address, Path(folder)


def script(name: str, *arguments: str) -> Sequence[str]:
    return sys.executable, str(clients.SCRIPTS / f"{name}.py"), *arguments


async def echo(pages: Sequence[bytes]) -> float:
    """Return what a record costs that is only read and written."""
    async with workshop(calls_list(pages)) as (vendor, address, folder):
        await clients.run(script("echo", address, str(folder / "out.jsonl")), vendor, folder)
        return per_record(vendor.marks)


async def poller(pages: Sequence[bytes], before: Sequence[bytes] = ()) -> float:
    """Return what a record costs `poller run --once`, after a run before it that read the pages `before`."""
    async with workshop(calls_list(before)) as (vendor, address, folder):
        clients.configure(folder, {"acme": clients.callcap(address)})
        once = (*clients.POLLER, "--once")
        if before:
            await clients.run(once, vendor, folder)
        vendor.answer = calls_list(pages)
        await clients.run(once, vendor, folder)
        return per_record(vendor.marks)


@lru_cache
def first(edition: int = 0) -> Sequence[bytes]:
    """Return the pages of the calls from number 0 on."""
    return calls.pages(range(PAGES * SIZE), SIZE, edition)


@lru_cache
def mixed() -> Sequence[bytes]:
    """Return pages of which every fifth call is not among the first ones."""
    numbers = [PAGES * SIZE + number if number % 5 == 4 else number for number in range(PAGES * SIZE)]
    return calls.pages(numbers, SIZE)


async def beside_echo(
    pages: Callable[[], Sequence[bytes]], before: Callable[[], Sequence[bytes]] = lambda: ()
) -> Found:
    return {ECHO: await echo(pages()), "poller": await poller(pages(), before())}


async def empty() -> Found:
    """Compare polls that bring nothing with bare requests, both without a rest between them."""
    async with workshop(calls_list([calls.EMPTY])) as (vendor, address, folder):
        await clients.run(script("bare", address), vendor, folder, requests=POLLS)
        bare = per_record(vendor.marks, WARM_POLLS, 1)
        sweeps = {"recent": {"every": "24h"}, "live": {"every": "1ms"}, "audit": {"every": "24h"}}
        clients.configure(folder, {"acme": clients.callcap(address, streams={"calls": {"sweeps": sweeps}})})
        await clients.run(clients.POLLER, vendor, folder, requests=POLLS)
        return {"bare": bare, "poller": per_record(vendor.marks, WARM_POLLS, 1)}


def _records(name: str, about: str, most: float, measure: Callable[[], Awaitable[Found]]) -> Cell:
    return Cell(name, about, "µs a record", measure, [Goal("poller", most, ECHO)])


CELLS: Sequence[Cell] = (
    _records("new", "new records", 1.0, partial(beside_echo, first)),
    _records("seen-80", "four in five already seen", 0.6, partial(beside_echo, mixed, first)),
    _records("seen-equal", "all already seen, the bytes are equal", 0.45, partial(beside_echo, first, first)),
    _records(
        "seen-volatile", "all seen, volatile fields changed", 0.65, partial(beside_echo, partial(first, 1), first)
    ),
    Cell("empty", "a poll that brings nothing", "µs a poll", empty, [Goal("poller", 1.3, "bare")]),
)
