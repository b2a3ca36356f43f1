"""The state's SQLite file: one process writes it, each write is durable when it returns, and readers never disturb."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from poller.errors import ConfigError

_APPLICATION = 0x706F6C6C
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE chunk (number INTEGER PRIMARY KEY, stream TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX chunk_by_time ON chunk (stream, at);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


class Database:
    """Keys and values, and each stream's chunks of seen in the order they were written.

    Blocking; one call at a time. Raises ConfigError at opening where only the operator can help, sqlite3.Error later.
    """

    def __init__(self, connection: sqlite3.Connection, lock: int | None = None) -> None:
        self._connection = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open for writing, by this process alone; made (mode 0600) where it is missing."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _locked(path)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
        except OSError as error:
            raise ConfigError(
                f"state.path: {path} cannot be written: {error.strerror}; choose a place that can"
            ) from None
        connection = _checked(path, f"file:{_quoted(path)}?mode=rw")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        return cls(connection, lock)

    @classmethod
    def read(cls, path: Path) -> "Database | None":
        """Open for reading, beside whoever writes; None where nothing was written yet."""
        if not path.exists() or path.stat().st_size == 0:
            return None
        return cls(_checked(path, f"file:{_quoted(path)}?mode=ro"))

    def get(self, key: str) -> bytes | None:
        """One value."""
        row = self._connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def under(self, prefix: str) -> dict[str, bytes]:
        """All values whose key begins so, by the rest of the key."""
        query = "SELECT key, value FROM state WHERE key >= ? AND key < ?"
        rows = self._connection.execute(query, (prefix, prefix + "\U0010ffff"))
        return {str(key)[len(prefix) :]: bytes(value) for key, value in rows}

    def chunks(self, stream: str) -> Iterable[bytes]:
        """A stream's chunks, oldest first."""
        rows = self._connection.execute("SELECT data FROM chunk WHERE stream = ? ORDER BY number", (stream,))
        return (bytes(data) for (data,) in rows)

    def write(self, values: Mapping[str, bytes | None], chunks: Sequence[tuple[str, int, bytes]] = ()) -> None:
        """Set values (None: remove) and add chunks (stream, seconds since 1970, data): all durable, or nothing."""
        with self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            gone = [(key,) for key, value in values.items() if value is None]
            kept = [(key, value) for key, value in values.items() if value is not None]
            transaction.executemany("DELETE FROM state WHERE key = ?", gone)
            transaction.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", kept)
            transaction.executemany("INSERT INTO chunk (stream, at, data) VALUES (?, ?, ?)", chunks)

    def drop_chunks(self, stream: str, before: float) -> list[bytes]:
        """Remove and return the chunks committed before this time."""
        with self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            rows = transaction.execute(
                "SELECT data FROM chunk WHERE stream = ? AND at < ?", (stream, before)
            ).fetchall()
            transaction.execute("DELETE FROM chunk WHERE stream = ? AND at < ?", (stream, before))
        return [bytes(data) for (data,) in rows]

    def chunk_bytes(self, stream: str) -> int:
        """How much a stream's chunks hold."""
        query = "SELECT coalesce(sum(length(data)), 0) FROM chunk WHERE stream = ?"
        return int(self._connection.execute(query, (stream,)).fetchone()[0])

    def replace_chunks(self, stream: str, chunks: Sequence[tuple[str, int, bytes]]) -> None:
        """Put these in the place of all that a stream has."""
        with self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            transaction.execute("DELETE FROM chunk WHERE stream = ?", (stream,))
            transaction.executemany("INSERT INTO chunk (stream, at, data) VALUES (?, ?, ?)", chunks)

    def close(self) -> None:
        """Close, and let go of the lock."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)


def _locked(path: Path) -> int:
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ConfigError(
            f"state.path: {path} is in use by another poller; stop that one, or choose another path"
        ) from None
    return lock


def _checked(path: Path, uri: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise ConfigError(_damaged(path, str(error))) from None
    if tables and application != _APPLICATION:
        raise ConfigError(f"state.path: {path} is another program's SQLite file; choose another path")
    if version > _VERSION:
        raise ConfigError(
            f"state.path: {path} was written by a newer version of poller (format {version}, this one knows "
            f"{_VERSION}); run that version, or choose another path"
        )
    if verdict != "ok":
        raise ConfigError(_damaged(path, str(verdict).splitlines()[0]))
    return connection


def _damaged(path: Path, why: str) -> str:
    return (
        f"state.path: {path} is damaged or no state at all ({why}); restore a copy of it with the output's files of the "
        "same moment, or move it away, and the files with it, to begin anew"
    )


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
