"""What a record costs: pages of Callcap's, read by poller and by others."""

import re
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import trustme

from tests.bench import calls, clients
from tests.bench.cell import Cell, Found, Goal
from tests.bench.server import Answer, Vendor, serve

PAGES, WARM, SIZE = 26, 5, 1000
ECHO, HAND, LEAST = "echo", "hand", "least"


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
    answer: Callable[[str], Answer], tls: trustme.CA | None = None
) -> AsyncIterator[tuple[Vendor, str, Path]]:
    """A vendor that answers so, its address, and an empty folder."""
    vendor = Vendor(answer)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with serve(vendor, _server_side(tls) if tls else None) as address:
            yield vendor, address, Path(folder)


def _server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def script(name: str, *arguments: str) -> Sequence[str]:
    return sys.executable, str(clients.SCRIPTS / f"{name}.py"), *arguments


async def by_echo(pages: Sequence[bytes], size: int = SIZE, tls: trustme.CA | None = None) -> float:
    """Return what a record costs that is only read and written."""
    async with workshop(calls_list(pages), tls) as (vendor, address, folder):
        trusted = _trust(tls, folder) if tls else ""
        arguments = address + calls.TARGET, f"{len(pages)}", "call", str(folder / "out.jsonl"), str(trusted)
        await clients.run(script(ECHO, *arguments), vendor, folder)
        return by_unit(vendor.marks, WARM, size)


async def by_hand(pages: Sequence[bytes], name: str = HAND) -> float:
    """Return what a record costs a loop that was written by hand."""
    async with workshop(calls_list(pages)) as (vendor, address, folder):
        await clients.run(script(name, address, str(folder / "out.jsonl")), vendor, folder)
        return by_unit(vendor.marks, WARM, SIZE)


async def by_poller(
    pages: Sequence[bytes],
    before: Sequence[bytes] = (),
    size: int = SIZE,
    tls: trustme.CA | None = None,
    source: Callable[..., dict[str, Any]] = clients.callcap,
    **settings: Any,
) -> float:
    """Return what a record costs `poller run --once`, after a run before it that read the pages `before`.

    `source` makes the configuration of the source of an address.
    """
    async with workshop(calls_list(before), tls) as (vendor, address, folder):
        trusted = {"ca_file": str(_trust(tls, folder))} if tls else {}
        clients.configure(folder, {"acme": source(address, **trusted)}, **settings)
        once = (*clients.POLLER, "--once")
        if before:
            await clients.run(once, vendor, folder)
        vendor.answer = calls_list(pages)
        await clients.run(once, vendor, folder)
        if not before and not settings:
            check(folder / "events/acme.jsonl", len(pages) * size)
        return by_unit(vendor.marks, WARM, size)


def check(events: Path, count: int) -> None:
    """Raise Failed where a file does not hold so many events."""
    found = events.read_bytes().count(b"\n")
    if found != count:
        raise clients.Failed(f"{found} of {count} records were delivered")


def _trust(authority: trustme.CA, folder: Path) -> Path:
    authority.cert_pem.write_to_path(path := folder / "authority.pem")
    return path


@lru_cache
def first(edition: int = 0) -> Sequence[bytes]:
    """Return the pages of the calls from number 0 on."""
    return calls.pages(range(PAGES * SIZE), SIZE, edition)


@lru_cache
def mixed() -> Sequence[bytes]:
    """Return pages of which every fifth call is not among the first ones."""
    numbers = [PAGES * SIZE + number if number % 5 == 4 else number for number in range(PAGES * SIZE)]
    return calls.pages(numbers, SIZE)


@lru_cache
def signed() -> Sequence[bytes]:
    """Return pages of which those after the warm ones have the same calls over and over, each time signed anew."""
    pages = calls.pages([number % (WARM * SIZE) for number in range(PAGES * SIZE)], SIZE)
    return [page.replace(b"Signature=", b"Signature=%d" % number) for number, page in enumerate(pages)]


async def new() -> Found:
    pages = first()
    return {
        ECHO: await by_echo(pages),
        HAND: await by_hand(pages),
        LEAST: await by_hand(pages, LEAST),
        "poller": await by_poller(pages),
    }


async def seen(pages: Callable[[], Sequence[bytes]]) -> Found:
    return {ECHO: await by_echo(pages()), "poller": await by_poller(pages(), first())}


def records_cell(name: str, about: str, most: float | None, measure: Callable[[], Awaitable[Found]]) -> Cell:
    return Cell(name, about, "µs a record", measure, [Goal("poller", most, ECHO)])


CELLS: Sequence[Cell] = (
    Cell(
        "new",
        "new records",
        "µs a record",
        new,
        [Goal("poller", 1.0, ECHO), Goal(HAND, None, ECHO), Goal(LEAST, None, ECHO)],
    ),
    records_cell("seen-80", "four in five already seen", 0.6, partial(seen, mixed)),
    records_cell("seen-equal", "all already seen, the bytes are equal", 0.45, partial(seen, first)),
    records_cell("seen-signed", "all seen more than once, signed anew each time", 0.65, partial(seen, signed)),
    records_cell("seen-volatile", "all seen, volatile fields changed", 0.65, partial(seen, partial(first, 1))),
)
