"""The SQLite ledger when its disk is full, its process is killed, or its output stays away.

Killed: a state error that ends the run; an output that is asked again because the state was away; a write that is
acknowledged before it is durable, or torn; tidying that raises; patience without an end, or without a beginning.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from poller.plugin.credentials import Token
from poller.state.delivery import Delivery, OutputAway
from poller.state.dry_run import DryLedger
from poller.state.ledger import Change
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry
from tests.state.ledgers import Place, Sink, change, checkpoint, entry, names
from tests.support.toy import NOON

A = "acme/calls"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.01)


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[tuple[SqliteLedger, Database]]:
    database = Database.open(place.folder / "poller.db")
    try:
        async with place.delivery() as delivery:
            ledger = SqliteLedger(database, delivery, Telemetry(), place.clock)
            await ledger.restore(A, None)
            yield ledger, database
    finally:
        database.close()


def room(database: Database, pages: int | None) -> None:
    """A disk that has so many more pages left."""
    used = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {1 << 30 if pages is None else used + pages}")


def large(minutes: int, *named: str) -> Change:
    found = change(A, minutes, *named)
    found.batch.seen.entries.update({number: entry(number + 1) for number in range(2000)})
    return found


async def test_one_transaction_for_all_that_wait_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, gate, written = Place(tmp_path, [Sink("files")]), anyio.Event(), list[int]()
    place.outputs[0].before = gate.wait
    write = Database.write

    def counted(self: Database, *args: object) -> None:
        written.append(1)
        write(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "write", counted)
    async with opened(place) as (ledger, _):
        for number in range(10):
            await ledger.restore(f"acme/{number}", None)
        async with anyio.create_task_group() as group:
            group.start_soon(ledger.commit, change(A, 1, "x"))
            await anyio.wait_all_tasks_blocked()
            for number in range(10):
                group.start_soon(ledger.commit, change(f"acme/{number}", 1, "x"))
            await anyio.wait_all_tasks_blocked()
            gate.set()
    assert len(written) == 4, "an announcement and a commit, for the first and for the ten that waited"


async def test_a_full_disk_is_waited_for_and_loses_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, [Sink("files")])
    async with opened(place) as (ledger, database):
        await ledger.commit(change(A, 1, "x"))
        room(database, 1)
        async with anyio.create_task_group() as group:
            group.start_soon(ledger.commit, large(2, "y"))
            with anyio.fail_after(5):
                while ledger.trouble is None:  # noqa: ASYNC110  as the page asks, too
                    await anyio.sleep(0.01)
            assert "full" in ledger.trouble
            await anyio.sleep(0.1)
            assert place.outputs[0].batches == [1, 1], "the output holds it, and is not asked again"
            room(database, None)
        assert ledger.trouble is None
        await ledger.commit(change(A, 3, "z"))
    async with opened(place) as (ledger, _):
        found = await ledger.restore(A, None)
        assert found.checkpoint == checkpoint(3)
        assert len(found.seen) == 2003
    assert list(names(place.outputs[0].held)) == ["x", "y", "z"]


async def test_tidying_on_a_full_disk_is_put_off(tmp_path: Path) -> None:
    place = Place(tmp_path, [Sink("files")])
    async with opened(place) as (ledger, database):
        found = await ledger.restore(A, 1.0)
        await ledger.commit(large(1, "x"))
        database._connection.execute("PRAGMA query_only = 1")
        with capture_logs() as logs:
            await ledger.tidy(A, found.seen, NOON.timestamp() + 100)
        [told] = logs
        assert (told["event"], told["stream"]) == ("tidying.failed", A)
        assert "readonly" in told["error"]
        database._connection.execute("PRAGMA query_only = 0")
        assert database.chunk_bytes(A) > 0
        await ledger.tidy(A, found.seen, NOON.timestamp() + 100)
        assert database.chunk_bytes(A) == 0


async def test_tidying_makes_room_where_most_is_superseded(tmp_path: Path) -> None:
    async with opened(Place(tmp_path, [Sink("files")])) as (ledger, database):
        found = await ledger.restore(A, None)
        for round_ in range(32):
            one = large(round_)
            found.seen.put(one.batch.seen.entries)
            await ledger.commit(one)
        before = database.chunk_bytes(A)
        await ledger.tidy(A, found.seen, 0)
        assert before == 32 * database.chunk_bytes(A)
        await ledger.commit(large(33))
        await ledger.tidy(A, found.seen, 0)
        assert database.chunk_bytes(A) == before / 16, "a little is not worth it"


async def test_a_rewriting_that_fails_half_way_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poller.state.sqlite.ledger._AT_ONCE", 1)
    monkeypatch.setattr("poller.state.sqlite.ledger._SMALL", 0)
    async with opened(Place(tmp_path, [Sink("files")])) as (ledger, database):
        found = await ledger.restore(A, None)
        for day in range(6):
            one = large(day)
            one.batch.seen.entries.update({number: entry(number, NOON - DAY * (number + 1)) for number in range(3)})
            found.seen.put(one.batch.seen.entries)
            await ledger.commit(one)
        before = list(database.chunks(A))
        room(database, 1)
        await ledger.tidy(A, found.seen, 0)
        assert list(database.chunks(A)) == before
        room(database, None)
        await ledger.tidy(A, found.seen, 0)
        assert sum(map(len, database.chunks(A))) == found.seen.packed_size
        again = await ledger.restore(A, None)
        assert [*again.seen.pack_by_day()] == [*found.seen.pack_by_day()]


async def test_patience_ends_where_a_run_ends_by_itself(tmp_path: Path) -> None:
    sink = Sink("files")
    sink.failures = 1 << 30
    async with Delivery({"files": sink}, Telemetry(), patience=0.3) as delivery:
        began = anyio.current_time()
        with pytest.raises(OutputAway, match="files"):
            await delivery.deliver(change(A, 1, "x").batch.messages)
        assert 0.2 < anyio.current_time() - began < 2
        sink.failures = 3
        await delivery.deliver(change(A, 1, "x").batch.messages)


async def test_a_dry_run_shows_and_changes_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, [Sink("files")])
    async with opened(place) as (ledger, _):
        await ledger.commit(change(A, 1, "x"))
        await ledger.save_token("acme", Token("c", "r", "a", NOON))
        shown = Sink("stdout")
        reader = Database.read(tmp_path / "poller.db")
        assert reader
        async with Delivery({"stdout": shown}, Telemetry()) as delivery:
            dry = DryLedger(reader, delivery)
            found = await dry.restore(A, None)
            assert found.checkpoint == checkpoint(1)
            await dry.commit(change(A, 2, "y"))
            await dry.tidy(A, found.seen, 1e12)
            assert await dry.token("acme") == Token("c", "r", "a", NOON)
        reader.close()
        assert list(names(shown.held)) == ["y"]
        assert (await ledger.restore(A, None)).checkpoint == checkpoint(1)
        nowhere = DryLedger(None, Delivery({}, Telemetry()))
        assert (await nowhere.restore(A, None)).checkpoint is None
        assert await nowhere.token("acme") is None
    assert len(place.outputs[0].held) == 1


WRITER = """
import sys
from pathlib import Path
from poller.state.sqlite.database import Database
database = Database.open(Path(sys.argv[1]))
number = int(database.get("a") or b"0")
while True:
    number += 1
    text = b"%d" % number
    database.write({"a": text, "b": text, "odd": text if number % 2 else None}, [("acme/calls", number, text * 3000)])
    print(number, flush=True)
"""


def test_sudden_death_in_the_middle_of_a_write_leaves_all_or_nothing(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "poller.db", 0
    for round_ in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert child.stdout
        with child.stdout as lines:
            for _ in range(5 + round_ * 3):
                acknowledged = int(lines.readline())
            os.kill(child.pid, signal.SIGKILL)
            acknowledged = max([acknowledged, *(int(line) for line in lines if line.endswith(b"\n"))])
        child.wait()
        database = Database.open(path)
        a, b, odd = (database.get(key) for key in ("a", "b", "odd"))
        assert a
        number, chunks = int(a), list(database.chunks("acme/calls"))
        database.close()
        assert number in {acknowledged, acknowledged + 1}, "what returned is durable"
        assert b == a
        assert odd == (a if number % 2 else None)
        assert chunks == [b"%d" % each * 3000 for each in range(1, number + 1)]


async def test_a_disk_that_hangs_is_told_before_it_has_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread cannot be given up, so it is waited for; without a word, all would seem to be ready."""
    monkeypatch.setattr("poller.state.output_calls.PATIENCE", 0.01)
    async with opened(Place(tmp_path)) as (ledger, database):
        write, said = database.write, set[str | None]()

        def hang(*rows: Any) -> None:
            for _ in range(2000):
                if not ledger.trouble:
                    time.sleep(0.001)
            said.add(ledger.trouble)
            write(*rows)

        monkeypatch.setattr(database, "write", hang)
        with capture_logs() as logs:
            await ledger.commit(change(A, 1, "a"))
        assert said == {"the state cannot be written: it has not been written in 0.01 s"}
        assert ledger.trouble is None
    assert "state.failed" in [line["event"] for line in logs]
