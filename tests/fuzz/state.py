"""The state file and the export of one: changed byte by byte, and value by value with seals that fit all the same."""

import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import anyio

from poller.commands.explain.plans import known, plans
from poller.commands.state import exported, imported
from poller.commands.streams import stream_statuses
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.events.seen import key_of, pack_keys
from poller.plugin.credentials import Token
from poller.plugin.stream import Cursor
from poller.state.account import AccountId
from poller.state.checkpoint import Announced, Backfill, Checkpoint, Gap, LastPass, SweepState
from poller.state.export import export_lines
from poller.state.offline import StateDump
from poller.state.open import Opening, open_state
from poller.state.rows import encode
from poller.state.sqlite.database import Database
from poller.state.sqlite.file import _seal
from poller.telemetry import Telemetry
from tests.fuzz.mutation import change_bytes, mutated
from tests.fuzz.oddities import TEXTS
from tests.fuzz.polled import NOW
from tests.fuzz.target import Case, Target
from tests.state.ledgers import entry
from tests.support.packing import pack

STREAM = "acme/calls"
_HOUR = timedelta(hours=1)


def _checkpoint() -> Checkpoint:
    """Return a checkpoint in which nothing is missing."""
    sweeps = {
        "live": SweepState(Cursor(NOW, "token"), NOW - _HOUR, NOW, complete=True, last_success=NOW, last_error=""),
        "audit": SweepState(
            to_fetch={"a": NOW}, fetched={"b": NOW}, members={"c": 1}, last_density=1.5, shifts=1,
            last_pass=LastPass(NOW - _HOUR, NOW, 1, 2, 3),
        ),
    }  # fmt: skip
    gaps = [Gap("live", NOW - _HOUR, NOW, "broken", NOW), Gap("audit", NOW - _HOUR, NOW, "outage", NOW, NOW, 60.0)]
    order = Backfill(("2h", "1h"), NOW - 2 * _HOUR, NOW - _HOUR, NOW - 2 * _HOUR, 600.0, NOW, unreadable=((NOW, NOW),))
    announced = Announced(NOW, None, 1, NOW)
    return Checkpoint(NOW, NOW - _HOUR, sweeps, gaps, NOW, order, announced, ("fact",), "id", ("all",))


@cache
def _dump() -> StateDump:
    """Return a state with a row of each kind, as a poller leaves it."""
    rows = {
        "a|acme": encode(AccountId("callcap", "https://api.callcap.com", None)),
        f"c|{STREAM}": encode(_checkpoint()),
        f"d|{STREAM}": pack_keys([key_of("a"), key_of("b")]),
        "t|acme": encode(Token("configured", "refresh", "access", NOW + _HOUR)),
        "o|files|events/calls.jsonl": b'{"offset":7,"number":2,"opened":1.5,"pending":3}',
        "v|written": b"0.1.0",
    }
    chunks = [(STREAM, int(NOW.timestamp()), pack([(key_of(name), entry(1))])) for name in ("a", "b")]
    return StateDump(rows, chunks)


@cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "poller.db")
        with closing(Database.open(path)) as database:
            database.write(_dump().rows, list(_dump().chunks))
        return path.read_bytes()


def _settings(folder: Path) -> Settings:
    path = {"path": f"{folder}/events/{{stream}}.jsonl", "rejects_path": f"{folder}/rejects/{{stream}}.jsonl"}
    return Settings.model_validate(
        {
            "sources": {"acme": {"type": "callcap", "api_key": "made-up"}},
            "outputs": {"files": {"type": "file", **path}},
            "state": {"path": f"{folder}/poller.db"},
        }
    )


async def _look(settings: Settings) -> None:
    """Do what only reads."""
    await stream_statuses(settings, NOW, lambda _: None)
    await plans(settings, "acme.calls", NOW, lambda _: None)
    await known(settings, "acme.calls", "a", NOW, lambda _: None)


async def _export(settings: Settings) -> None:
    async with exported(settings, NOW, secrets=True) as (lines, _):
        list(lines)


async def _start(settings: Settings) -> None:
    """Open it as a poller does, and read what is in it."""
    opening = Opening("run", Telemetry(), lambda: NOW, patience=0.0)
    async with open_state(settings.state, settings.outputs, settings.sources, opening) as state:
        await state.ledger.restore(STREAM, None)
        await state.ledger.token("acme")


class _Read(Case):
    """A document that is read in a folder of its own, by some of the commands."""

    def __init__(self, document: bytes, read: Callable[[Path, bytes], None]) -> None:
        self._document, self._read = document, read

    @property
    def document(self) -> bytes:
        """Return what is read."""
        return self._document

    def run(self) -> None:
        """Read it."""
        shm = Path("/dev/shm")  # noqa: S108  fast where there is one
        with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
            self._read(Path(folder), self._document)


def _refused(work: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
    """Run it; return True where it was refused, in words."""
    try:
        anyio.run(work)
    except ConfigError as error:
        if not all(one.strip() for one in error.problems):
            raise AssertionError("an error without a word") from error
        return True
    return False


_COMMANDS = (_look, _start, _export)


def _read_file(folder: Path, document: bytes) -> None:
    settings = _settings(folder)
    for command in _COMMANDS:
        (folder / "poller.db").write_bytes(document)
        _refused(partial(command, settings))


def _read_export(folder: Path, document: bytes) -> None:
    settings = _settings(folder)
    if not _refused(lambda: imported(settings, document.splitlines(keepends=True), "export.jsonl")):
        for command in _COMMANDS:
            _refused(partial(command, settings))


def _resealed(rng: Random) -> bytes:
    """Return a state file with a value changed, as if it had been written so."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "poller.db")
        path.write_bytes(_file())
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.create_function("seal", -1, _seal, deterministic=True)
            _change_row(connection, rng)
            connection.execute("UPDATE state SET seal = seal(key, value)")
            connection.execute("UPDATE chunk SET seal = seal(stream, at, data)")
        return path.read_bytes()


def _change_row(connection: sqlite3.Connection, rng: Random) -> None:
    key, value = rng.choice([*_dump().rows.items()])
    match rng.randrange(8):
        case 0:
            connection.execute("UPDATE chunk SET data = ?", (change_bytes(pack([(1, entry(1))]), rng),))
        case 1:
            connection.execute("UPDATE chunk SET at = ?", (rng.choice([-1, 2**62, 1.5, "soon", b"x", 0]),))
        case 2:
            odd = rng.choice([key[:2], key[:1], "", "c|", "c|acme", "c|a/b/c", "x|y", "a|a|b", f"o|{key}"])
            connection.execute("UPDATE OR REPLACE state SET key = ? WHERE key = ?", (odd, key))
        case 3:
            odd_value = rng.choice([0, 1.5, "text", b"", b"\xff", rng.choice(TEXTS)])
            connection.execute("UPDATE state SET value = ? WHERE key = ?", (odd_value, key))
        case 4:
            connection.execute(f"PRAGMA user_version = {rng.choice([0, 1, 2, 4, -1, 2**31 - 1])}")
        case 5:
            connection.execute("DELETE FROM state WHERE key = ?", (key,))
        case _:
            change = change_bytes if key[0] in "dv" else mutated
            connection.execute("UPDATE state SET value = ? WHERE key = ?", (change(value, rng), key))


class StateFile(Target):
    """The SQLite file."""

    name = "state"

    def case(self, rng: Random) -> Case:
        """Change bytes of the file, or a row of it."""
        if rng.random() < 0.5:
            return _Read(_resealed(rng), _read_file)
        document = _file()
        for _ in range(rng.choice([1, 1, 3])):
            document = change_bytes(document, rng)
        return _Read(document, _read_file)


class Export(Target):
    """What `poller state import` reads."""

    name = "export"

    def case(self, rng: Random) -> Case:
        """Change some lines, or what they are together."""
        lines = [*export_lines(_dump(), NOW)]
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randrange(len(lines))
            lines[at] = mutated(lines[at].rstrip(b"\n"), rng) + b"\n"
        if rng.random() < 0.2:
            rng.shuffle(lines)
        document = b"".join(lines)
        return _Read(change_bytes(document, rng) if rng.random() < 0.2 else document, _read_export)
