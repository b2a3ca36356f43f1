"""The state's SQLite file is opened, or refused with a remedy before anything in it is touched."""

import os
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple, TypeAlias

from xxhash import xxh3_64_digest

from poller.errors import ConfigError
from poller.state.sqlite.lock import Lock
from poller.state.sqlite.migration import FORMAT, flush, migrate, writer

_APPLICATION = 0x706F6C6C
_SCHEMA = f"""
CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE chunk (
    number INTEGER PRIMARY KEY, stream TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX chunk_by_time ON chunk (stream, at);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {FORMAT};
"""
_ROOM = 1 << 16
"""Bytes; with less than that nobody gets far."""
_BROKEN = """
SELECT (SELECT count(*) FROM state WHERE seal IS NOT seal(key, value) OR typeof(value) <> 'blob')
     + (SELECT count(*) FROM chunk WHERE seal IS NOT seal(stream, at, data) OR typeof(data) <> 'blob'
        OR typeof(at) <> 'integer' OR typeof(number) <> 'integer')
"""


class Written(NamedTuple):
    """A state that is ours alone: the lock is to be closed after it; `copy` was made of it before it was migrated."""

    connection: sqlite3.Connection
    lock: Lock
    copy: Path | None


Judge: TypeAlias = Callable[[sqlite3.Connection], Collection[str]]
"""Says what else stands in the way of using a state that is whole; nothing in it has been touched yet."""


def writable(path: Path, judge: Judge, *, command: str, make: bool = True) -> Written:
    """Lock a state, check it once, let `judge` refuse it, and only then migrate it where an older version wrote it.

    It is made where it is missing, if it is to be; `command` says to others who has it. Raises ConfigError.
    """
    path = Path(os.path.realpath(path))  # a link must not lead around the lock
    if not make and not path.exists():
        raise ConfigError(missing(path))
    try:
        _make_folder(path.parent)
        lock = Lock(path, command)
    except OSError as error:
        raise ConfigError(_unwritable(path, error.strerror)) from None
    try:
        connection, copy = _made(path, judge, make=make)
    except BaseException:
        lock.close()
        raise
    return Written(connection, lock, copy)


def readable(path: Path) -> sqlite3.Connection | None:
    """Open for reading, and leave no trace; None where nothing was written yet."""
    path = Path(os.path.realpath(path))
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
        # Where no log is, nobody writes; SQLite would make one, unless it is told that nothing will change.
        alone = not path.with_name(path.name + "-wal").exists()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"state.path: {path} cannot be read: {error.strerror}") from None
    connection = None if empty else _checked(path, "mode=ro&immutable=1" if alone else "mode=ro")
    if connection and not _has_tables(connection):  # its writer has only just begun
        connection.close()
        return None
    return connection


def check_writable(path: Path) -> None:
    """Return if a start could write the state. Raises ConfigError; makes and changes nothing."""
    path = Path(os.path.realpath(path))
    places = [place for place in (path, path.with_name(path.name + ".lock")) if place.exists()]
    try:
        folder = next(folder for folder in path.parents if folder.exists())
        if not folder.is_dir():
            raise ConfigError(_unwritable(path, f"{folder} is not a folder"))
        for place in (folder, *places):
            if not os.access(place, os.W_OK):
                raise ConfigError(_unwritable(path, f"{place}: no permission"))
        room = os.statvfs(folder)
    except OSError as error:
        raise ConfigError(_unwritable(path, error.strerror)) from None
    if room.f_blocks and room.f_bavail * room.f_frsize < _ROOM:  # some systems do not count at all
        raise ConfigError(_unwritable(path, "no space left on its disk"))


def missing(path: Path) -> str:
    """Return the sentence that there is no state yet."""
    return f"state.path: {path} is not there: nothing was saved yet"


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it, durable: SQLite sees to the files in it only. Raises OSError."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    flush(folder.parent)


def _made(path: Path, judge: Judge, *, make: bool) -> tuple[sqlite3.Connection, Path | None]:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise ConfigError(_unwritable(path, error.strerror)) from None
    connection = _checked(path, "mode=rw")
    try:
        there = _has_tables(connection)
        if not there and not make:
            raise ConfigError(missing(path))
        if there and (problems := judge(connection)):
            raise ConfigError(problems)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if not there:
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        return connection, migrate(path, connection, lambda copy: _checked(copy, "mode=ro&immutable=1").close())
    except sqlite3.Error as error:
        connection.close()
        raise ConfigError(_unwritable(path, str(error))) from None
    except ConfigError:
        connection.close()
        raise


def _checked(path: Path, how: str) -> sqlite3.Connection:
    try:
        uri = f"file:{_quoted(path)}?{how}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
    except sqlite3.Error as error:
        raise ConfigError(_damaged(path, str(error))) from None
    connection.create_function("seal", -1, _seal, deterministic=True)
    try:
        _check(path, connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter is of SQLite's own message, which quotes the file
        connection.close()
        raise ConfigError(_damaged(path, str(error))) from None
    except ConfigError:
        connection.close()
        raise
    return connection


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Return if the file is a state of ours, and whole. Raises ConfigError and sqlite3.Error."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = _has_tables(connection)
    if tables and application != _APPLICATION:
        raise ConfigError(f"state.path: {path} is another program's SQLite file; choose another path")
    if version > FORMAT:
        raise ConfigError(
            f"state.path: {path} was written by {writer(connection)} (format {version}, this one knows {FORMAT}); "
            "run that version, or choose another path"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ConfigError(_damaged(path, str(verdict).splitlines()[0]))
    if tables and (broken := connection.execute(_BROKEN).fetchone()[0]):
        raise ConfigError(_damaged(path, f"{broken} entries are not as they were written"))


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _seal(*fields: str | int | bytes) -> bytes:
    """SQLite looks after its own structure, not after what is in it."""
    return xxh3_64_digest(b"\0".join(field if isinstance(field, bytes) else str(field).encode() for field in fields))


def _unwritable(path: Path, why: str | None) -> str:
    return f"state.path: {path} cannot be written: {why}; choose a place that can"


def _damaged(path: Path, why: str) -> str:
    return (
        f"state.path: {path} is damaged or no state at all ({why}); restore a copy of it with the output's files of "
        "the same moment, or move it away, and the files with it, to begin anew"
    )


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
