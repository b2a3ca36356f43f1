"""The state of an older version: read as it is, copied before it is touched, migrated whole; polling goes on from it.

Killed: a copy made too late, or not whole, or over another one; a migration in two steps; a reader that migrates.
"""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from poller import VERSION
from poller.errors import ConfigError
from poller.plugin.credentials import Token
from poller.state.delivery import Delivery
from poller.state.sqlite import migration
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.state.sqlite.migration import FORMAT
from poller.telemetry import Telemetry
from tests.state.ledgers import change
from tests.state.states import HELD, content, copies, names, old_state, version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return old_state(tmp_path)


def test_a_reader_reads_it_as_it_is_and_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    assert content(Database.read(path)) == HELD
    assert path.read_bytes() == before
    assert names(path) == ["poller.db"]


def test_it_holds_after_the_migration_what_it_held_before_and_so_does_the_copy(path: Path) -> None:
    database = Database.open(path)
    assert database.get(migration.WRITTEN) == VERSION.encode()
    assert content(database) == HELD
    assert version(path) == FORMAT
    (copy,) = copies(path)
    assert copy == database.copy
    assert copy.stat().st_mode & 0o777 == 0o600
    assert version(copy) == 1
    assert content(Database.read(copy)) == HELD
    again = Database.open(path)
    assert again.copy is None
    again.close()
    assert copies(path) == [copy], "once"


def test_a_version_that_compares_contents_as_they_are_spelt_refuses_it_afterwards(path: Path) -> None:
    """Format 2 was such a version's: it would take each meaning for a change, and deliver it again."""
    Database.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    Database.open(path).close()
    assert version(path) > 2
    assert [version(copy) for copy in copies(path)] == [1, 2]


def holds(told: Any, saved: Any) -> bool:
    """Whether all that was saved is told, whatever later versions have to say besides."""
    if isinstance(saved, dict):
        return all(name in told and holds(told[name], value) for name, value in saved.items())
    if isinstance(saved, list):
        return len(told) == len(saved) and all(map(holds, told, saved))
    return bool(told == saved)


async def test_a_ledger_goes_on_from_it(path: Path) -> None:
    database = Database.open(path)
    async with Delivery({}, Telemetry()) as delivery:
        ledger = SqliteLedger(database, delivery, Telemetry(), lambda: datetime.now(UTC))
        for stream, held in HELD["seen"].items():
            restored = await ledger.restore(stream, None)
            assert len(restored.seen) == len(held) > 100
            assert holds(msgspec.to_builtins(restored.checkpoint), msgspec.json.decode(HELD["values"][f"c|{stream}"]))
            await ledger.commit(change(stream, 1, "new"))
            assert len((await ledger.restore(stream, None)).seen) == len(held) + 1
        gaps = [gap for stream in HELD["seen"] for gap in msgspec.json.decode(HELD["values"][f"c|{stream}"])["gaps"]]
        assert gaps, "it was a state with a gap"
        token = await ledger.token("crm")
        assert isinstance(token, Token)
        assert token.refresh_token in HELD["values"]["t|crm"]
    database.close()


def test_what_was_only_in_its_log_is_in_the_copy_too(path: Path) -> None:
    """The older version was killed: its last commits are in poller.db-wal."""
    script = (
        "import os, sqlite3, sys, signal, xxhash\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.create_function('seal', -1, lambda k, v: xxhash.xxh3_64_digest(k.encode() + b'\\0' + v))\n"
        "c.execute('PRAGMA journal_mode = WAL')\n"
        "c.execute(\"INSERT INTO state VALUES ('b|late', x'01', seal('b|late', x'01'))\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (path.parent / "poller.db-wal").stat().st_size
    Database.open(path).close()
    copy = Database.read(copies(path)[0])
    assert copy
    assert copy.get("b|late") == b"\1"
    copy.close()


def test_a_copy_that_is_there_is_not_overwritten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Stopped":
            return cls(2026, 3, 14, 9, 26, 53, tzinfo=tz)

    monkeypatch.setattr(migration, "datetime", Stopped)
    taken = path.with_name("poller.db.v1-20260314T092653Z")
    taken.write_bytes(b"somebody's")
    Database.open(path).close()
    assert taken.read_bytes() == b"somebody's"
    assert content(Database.read(taken.with_name(taken.name + "-2"))) == HELD


def test_a_damaged_state_is_not_migrated(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET at = 0 WHERE number = 1")
    connection.close()
    with pytest.raises(ConfigError, match="damaged"):
        Database.open(path)
    assert copies(path) == []
