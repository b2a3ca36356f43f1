"""Weighs a million remembered identities: `python -m tests.bench.weigh` prints megabytes and seconds as JSON."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from poller.events.seen import Entry, Seen, key_of
from poller.state.reader import restore
from poller.state.sqlite.database import Database
from tests.support.packing import pack

MANY, AT_ONCE, NOW = 1_000_000, 5000, 1_800_000_000


def pages() -> Iterator[dict[int, Entry]]:
    for start in range(0, MANY, AT_ONCE):
        yield {
            key_of(f"call-{number}"): Entry(number << 20, number << 30, NOW * 1_000_000 + number, 1, NOW, 0, 1)
            for number in range(start, start + AT_ONCE)
        }


def megabytes() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def written(path: Path) -> None:
    database = Database.open(path)
    for page in pages():
        database.write({}, [("acme/calls", NOW, pack(page.items()))])
    database.close()


def in_a_child(work: str, path: Path) -> dict[str, float]:
    """Each number from a process that did nothing else."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, orjson.dumps(globals()[work](path)))
        os._exit(0)
    os.wait()
    found: dict[str, float] = orjson.loads(os.read(read, 1 << 16))
    return found


def put(_: Path) -> dict[str, float]:
    before, seen = megabytes(), Seen(None)
    for page in pages():
        seen.put(page)
    assert len(seen) == MANY
    return {"put_megabytes": megabytes() - before}


def restored(path: Path) -> dict[str, float]:
    before, began = megabytes(), time.process_time()
    database = Database.read(path)
    found = restore(database, "acme/calls", None)
    seconds = time.process_time() - began
    assert len(found.seen) == MANY
    return {"restore_megabytes": megabytes() - before, "restore_seconds": seconds}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        written(path)
        sys.stdout.buffer.write(orjson.dumps(in_a_child("put", path) | in_a_child("restored", path)))
