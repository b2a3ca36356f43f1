"""The state of an older version becomes ours: a copy of it first, then one transaction; or nothing is touched."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from poller import VERSION
from poller.errors import ConfigError
from poller.state.rows import WRITER

FORMAT = 3
"""Since format 3 contents are compared as they are meant, which format 2 would deliver again as changes."""
WRITTEN = WRITER.key("written")
"""Says which version of this program wrote the state last; since format 2."""


def migrate(path: Path, connection: sqlite3.Connection, check: Callable[[Path], None]) -> Path | None:
    """Bring an opened state to our format, and note our version in it; return the copy, where one was made.

    Killed at any moment, it leaves the state of before or of after. `check` raises where a copy is not whole. Raises
    ConfigError where there is no room for one: nothing was touched then. Raises sqlite3.Error.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    said = connection.execute("SELECT value FROM state WHERE key = ?", (WRITTEN,)).fetchone()
    if found == FORMAT and said and bytes(said[0]) == VERSION.encode():
        return None
    copy = _copied(path, found, connection, check) if found < FORMAT else None
    try:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            put = "INSERT OR REPLACE INTO state VALUES (?1, ?2, seal(?1, ?2))"
            connection.execute(put, (WRITTEN, VERSION.encode()))
            connection.execute(f"PRAGMA user_version = {FORMAT}")
    except sqlite3.Error:
        if copy:  # the state is as it was: it needs none
            copy.unlink()
        raise
    return copy


def writer(connection: sqlite3.Connection) -> str:
    """Return the version that wrote a state of any format, in words."""
    try:
        row = connection.execute("SELECT value FROM state WHERE key = ?", (WRITTEN,)).fetchone()
        return f"poller {bytes(row[0]).decode()}" if row else "a newer version of poller"
    except (sqlite3.Error, UnicodeDecodeError, TypeError):
        return "a newer version of poller"


def _copied(path: Path, found: int, connection: sqlite3.Connection, check: Callable[[Path], None]) -> Path:
    """A copy beside the state, whole and on the disk, readable by its owner only."""
    part = path.with_name(f"{path.name}.v{found}.part")
    try:
        _discard(part)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(part)) as target:
            connection.backup(target)
        flush(part)
        check(part)
        copy = _named(part, path.with_name(f"{path.name}.v{found}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
        part.unlink()
        flush(path.parent)
    except (OSError, sqlite3.Error, ConfigError) as error:
        _discard(part)
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(
            f"state.path: {path} is of an older version, and no copy of it can be made before it is migrated: {why}; "
            f"make room beside it (it takes as much again). Nothing was changed"
        ) from None
    return copy


def _named(part: Path, wanted: Path) -> Path:
    """Give the copy its name; one that is there already is never overwritten."""
    for number in count(1):
        copy = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        with suppress(FileExistsError):
            copy.hardlink_to(part)
            return copy
    raise AssertionError("there is no end of numbers")


def _discard(part: Path) -> None:
    for name in (part, part.with_name(part.name + "-journal")):
        with suppress(OSError):
            name.unlink()


def flush(path: Path) -> None:
    """Make durable what is in a file, or which files are in a folder. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
