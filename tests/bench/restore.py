"""Restarts with ten million identities, and commits beside them: `python -m tests.bench.restore`.

Identities are those of eight streams, 200 a commit. A restart is a process of its own that imports all of poller: from
opening the state to the last stream's seen in memory. Its megabytes are the most that it ever had resident.
"""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from struct import Struct

import orjson

import poller.cli.run  # noqa: F401  what a real process holds in memory, too
from poller.events.batch import Batch, SeenUpdate
from poller.events.seen import UNSTAMPED, Entry, Seen
from poller.state.delivery import Delivery
from poller.state.kafka.offline import open_offline_topic
from poller.state.ledger import Change
from poller.state.offline import StateDump
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry
from tests.bench.cell import Cell, Found, Goal
from tests.kafka.broker import Broker
from tests.kafka.ledgers import owner, state
from tests.kafka.reading import Place
from tests.state.ledgers import Ledger, checkpoint

MANY, FEW = 10_000_000, 10_000
STREAMS = [f"acme{number}/calls" for number in range(8)]
SOURCES = [stream.partition("/")[0] for stream in STREAMS]
PARTITIONS = 4
NOW = 1_800_000_000
_A_COMMIT = 200
_COMMITS = 300
_REST = Struct("<qIIBB")


def chunks(identities: int) -> Iterator[tuple[str, int, bytes]]:
    """Yield what so many identities were saved as: stream, seconds since 1970, data."""
    noise = random.Random(1)
    for number in range(identities // _A_COMMIT):
        at = NOW - 400 * 86_400 + number
        rest, hashes = _REST.pack(UNSTAMPED, 1, at, 0, 1), noise.randbytes(24 * _A_COMMIT)
        rows = (hashes[begin : begin + 24] + rest for begin in range(0, len(hashes), 24))
        yield STREAMS[number % len(STREAMS)], at, b"".join(rows)


def write_file(path: Path, identities: int) -> None:
    database = Database.open(path)
    found = list(chunks(identities))
    for begin in range(0, len(found), 1000):
        database.write({}, found[begin : begin + 1000])
    database.close()


async def write_topic(kafka: Place, identities: int) -> None:
    async with owner(kafka, *SOURCES, partitions=PARTITIONS, outputs=False):
        pass  # a broker that is new has no coordinator of groups until somebody joins one
    async with open_offline_topic(state(kafka, partitions=PARTITIONS), make=True) as topic:
        await topic.fill(StateDump({}, chunks(identities)))


@asynccontextmanager
async def opened(kind: str, where: str) -> AsyncIterator[Ledger]:
    """Open the ledger of a state, as a start does."""
    if kind == "kafka":
        at, _, prefix = where.partition("/")
        async with owner(Place(at, prefix), *SOURCES, partitions=PARTITIONS, outputs=False) as ledger:
            yield ledger
        return
    async with Delivery({}, Telemetry()) as delivery:
        yield SqliteLedger(Database.open(Path(where)), delivery, Telemetry(), lambda: datetime.now(UTC))


async def restart_once(kind: str, where: str) -> Found:
    """Restart, and commit; this is done in a process of its own."""
    begun, used = time.perf_counter(), time.process_time()
    async with opened(kind, where) as ledger:
        seen = {stream: (await ledger.restore(stream, None)).seen for stream in STREAMS}
        took = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used, "megabytes": _most()}
        known, used = sum(map(len, seen.values())), time.process_time()
        for number in range(_COMMITS):
            stream = STREAMS[number % len(STREAMS)]
            await _commit(ledger, stream, seen[stream], number)
        commit = (time.process_time() - used) / _COMMITS * 1e6
    return {**took, "identities": float(known), "commit": commit}


async def _commit(ledger: Ledger, stream: str, seen: Seen, number: int) -> None:
    """Do what a page of new records does to the state."""
    noise = random.Random(number)
    entries = {noise.getrandbits(64): Entry(number, 7, UNSTAMPED, 1, NOW, 0, 1, 9) for _ in range(_A_COMMIT)}
    assert not any(seen.get(key, NOW) for key in entries)
    await ledger.commit(Change(stream, checkpoint(number % 1000), Batch(seen=SeenUpdate(entries))))
    seen.put(entries)


def _most() -> float:
    """Return the most megabytes that this process had resident."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def in_a_child(kind: str, where: str) -> Found:
    child = subprocess.run([sys.executable, "-m", "tests.bench.restore", kind, where], capture_output=True, check=True)
    found: Found = orjson.loads(child.stdout)
    return found


def of_file(identities: int) -> Found:
    """Measure a restart from a SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        write_file(path := Path(folder) / "poller.db", identities)
        return in_a_child("sqlite", str(path))


def of_topic(identities: int) -> Found:
    """Measure a restart from a Kafka topic, on a real broker."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            broker.start()
            place = Place(broker.at["PLAINTEXT"])
            asyncio.run(write_topic(place, identities))
            return in_a_child("kafka", f"{place.at}/{place.prefix}")
        finally:
            broker.stop()


async def restart() -> Found:
    """Measure what a restart from Kafka takes, and commits after it."""
    few, many = await asyncio.to_thread(of_topic, FEW), await asyncio.to_thread(of_topic, MANY)
    return {
        "restart, s": many["seconds"],
        "memory, MB": many["megabytes"],
        f"commit of {_A_COMMIT} with 10 k, µs": few["commit"],
        f"commit of {_A_COMMIT}, µs": many["commit"],
    }


CELLS = (
    Cell(
        "restart-kafka",
        "a restart, and commits of 200 new records, with 10 million remembered in a Kafka topic",
        "",
        restart,
        [
            Goal("restart, s", 15),
            Goal("memory, MB", 600),
            Goal(f"commit of {_A_COMMIT}, µs", 1.5, f"commit of {_A_COMMIT} with 10 k, µs"),
        ],
        rounds=1,
    ),
)


def main() -> None:
    if len(sys.argv) == 3:
        sys.stdout.buffer.write(orjson.dumps(asyncio.run(restart_once(*sys.argv[1:]))))
        return
    for of in (of_file, of_topic):
        for identities in (FEW, MANY):
            said = ", ".join(f"{what} {value:,.1f}" for what, value in of(identities).items())
            sys.stdout.write(f"{of.__name__}: {said}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
