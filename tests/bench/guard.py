"""What the way of a record costs, in numbers that are the same on every machine: `python -m tests.bench.guard`.

Pages of Callcap's go the whole way, from the body of an answer to the end of their commit into a file and SQLite.
Counted are, by record, the instructions of Python, its calls (of functions in C, too), and the bytes of memory that
were taken at the most. They depend on the version of Python, so `guard.json` has them by version. The command
writes them for the one that runs it; test_guard.py compares.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from platform import python_version_tuple
from typing import TypeAlias

import orjson

from poller.events.batch import PageContext
from poller.events.transform import transform
from poller.plugin.stream import Response, Stream, Window
from poller.polling.runtime import StreamRuntime
from poller.polling.source import stream_runtime
from poller.state.ledger import Change, Ledger
from tests.bench import calls
from tests.bench.commit import NAME, into_files
from tests.bench.counting import Counter, Memory
from tests.simulation import callcap
from tests.support.getting import Getting

RECORDED = Path(__file__).with_name("guard.json")
VERSION = ".".join(python_version_tuple()[:2])
SIZE = 100
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOURCE = callcap()
_BATCHES = itertools.count()

Counts: TypeAlias = dict[str, dict[str, int]]
"""What is counted by record, by what the page is like and by what is counted."""
On: TypeAlias = Callable[[], AbstractContextManager[None]]


class _Vendor(Getting):
    """A vendor that answers with one page."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        return Response(200, self._body, NOW)

    def answered(self, path: str) -> bool:
        return True


async def read(run: StreamRuntime, body: bytes, ledger: Ledger) -> None:
    """Take a page from the body of an answer to the end of its commit."""
    (sweep,) = [sweep for sweep in run.stream.sweeps if sweep.name == "live"]
    async for page in sweep.fetch(_Vendor(body), None, Window(NOW - timedelta(hours=1), NOW)):
        batch = transform(run.stream, run.shape, page.records, run.seen, PageContext(NOW))
        await ledger.commit(Change(NAME, run.checkpoint, batch))
        run.adopt(run.checkpoint, batch)


async def read_pages(stream: Stream, pages: Mapping[str, bytes], on: Mapping[str, On]) -> None:
    """Read pages one after another, those by a name that `on` has while that is on."""
    with tempfile.TemporaryDirectory() as folder:
        async with into_files(Path(folder)) as ledger:
            run = stream_runtime("acme", SOURCE, stream, await ledger.restore(NAME, None), NOW)
            for name, body in pages.items():
                with on.get(name, nullcontext)():
                    await read(run, body, ledger)


def page(numbers: Collection[int], edition: int = 0) -> bytes:
    """Return a page of these calls, which is the same at any time."""
    (body,) = calls.pages(list(numbers), SIZE, edition, NOW)
    return body


def _fresh() -> Collection[int]:
    begin = next(_BATCHES) * SIZE
    return range(begin, begin + SIZE)


def count(stream: Stream = SOURCE.built_streams[0]) -> Counts:
    """Count by record. What is made once is made before, and is not counted; no phone number comes that was met."""
    known = _fresh()
    pages = {"first": page(_fresh()), "to be known": page(known)}
    counted = {"new": page(_fresh()), "seen": page(known), "seen, volatile": page(known, 1)}
    counters, memory = {name: Counter() for name in counted}, {name: Memory() for name in counted}
    for name, counter in counters.items():
        with counter.installed():
            asyncio.run(read_pages(stream, {**pages, name: counted[name]}, {name: counter.on}))
    counted["new"] = page(_fresh())
    asyncio.run(read_pages(stream, pages | counted, {name: one.on for name, one in memory.items()}))
    return {
        name: {
            "instructions": round(counters[name].instructions / SIZE),
            "calls": round(counters[name].calls / SIZE),
            "bytes": round(memory[name].bytes / SIZE),
        }
        for name in counted
    }


def recorded() -> Counts:
    """Return what was counted before by this version of Python, else by the one next below (or the least)."""
    found = _read()
    versions = sorted(found, key=_number)
    return found[max((one for one in versions if _number(one) <= _number(VERSION)), key=_number, default=versions[0])]


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _read() -> dict[str, Counts]:
    found: dict[str, Counts] = orjson.loads(RECORDED.read_bytes())
    return found


def main() -> None:
    """Write down what is counted now."""
    whole = {**_read(), VERSION: count()}
    RECORDED.write_bytes(
        orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    )


if __name__ == "__main__":
    main()
