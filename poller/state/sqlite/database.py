"""The state's SQLite file: one process writes it, each write is durable when it returns, and readers never disturb."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from poller.state.sqlite import file as opening
from poller.state.sqlite.lock import RUN, Lock

Judge: TypeAlias = Callable[["Database"], Collection[str]]
"""Says, a line each, why a state must not be used."""

_PUT = "INSERT OR REPLACE INTO state VALUES (?1, ?2, seal(?1, ?2))"
_ADD = "INSERT INTO chunk (stream, at, data, seal) VALUES (?1, ?2, ?3, seal(?1, ?2, ?3))"


class Database:
    """Keys and values, and each stream's chunks of seen in the order they were written.

    Blocking; one call at a time. `copy` is of the state of an older version, made before it was migrated. Raises
    ConfigError at opening where only the operator can help, sqlite3.Error later.
    """

    def __init__(self, connection: sqlite3.Connection, lock: Lock | None = None, copy: Path | None = None) -> None:
        self._connection = connection
        self._lock = lock
        self.copy = copy

    @classmethod
    def open(cls, path: Path, judge: Judge = lambda _: (), *, command: str = RUN, make: bool = True) -> "Database":
        """Open for writing, by this process alone; made (mode 0600) where it is missing, unless it is not to be.

        `command` is ours, as typed behind `poller`. What `judge` says of a state that is there is raised as a
        ConfigError, before anything is changed in it. Raises StateInUse where another process has it.
        """
        return cls(*opening.writable(path, lambda connection: judge(cls(connection)), command=command, make=make))

    @classmethod
    def read(cls, path: Path) -> "Database | None":
        """Open for reading, beside a process that writes; return None where nothing was written yet."""
        connection = opening.readable(path)
        return None if connection is None else cls(connection)

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
        numbers = self._connection.execute("SELECT number FROM chunk WHERE stream = ?", (stream,)).fetchall()
        query = "SELECT data FROM chunk WHERE number = ?"  # sorted by SQLite, all data would be copied first
        return (bytes(self._connection.execute(query, number).fetchone()[0]) for number in sorted(numbers))

    def all_chunks(self) -> Iterable[tuple[str, int, bytes]]:
        """Every stream's chunks, oldest first: stream, seconds since 1970, data."""
        rows = self._connection.execute("SELECT stream, at, data FROM chunk ORDER BY number")
        return ((str(stream), int(at), bytes(data)) for stream, at, data in rows)

    def forget(self, keys: Collection[str], streams: Collection[str]) -> None:
        """Remove these values, and these streams' chunks: all of them, or nothing."""
        self.move({}, (), keys, streams)

    def move(
        self,
        values: Mapping[str, bytes],
        chunks: Sequence[tuple[str, int, bytes]],
        keys: Collection[str],
        streams: Collection[str],
    ) -> None:
        """Remove values and streams' chunks, and put others in their place: all of it is durable, or nothing."""
        with self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            transaction.executemany("DELETE FROM state WHERE key = ?", [(key,) for key in keys])
            transaction.executemany("DELETE FROM chunk WHERE stream = ?", [(stream,) for stream in streams])
            transaction.executemany(_PUT, values.items())
            transaction.executemany(_ADD, chunks)

    def write(self, values: Mapping[str, bytes | None], chunks: Sequence[tuple[str, int, bytes]] = ()) -> None:
        """Set values (None: remove) and add chunks (stream, seconds since 1970, data): all durable, or nothing."""
        with self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            gone = [(key,) for key, value in values.items() if value is None]
            kept = [(key, value) for key, value in values.items() if value is not None]
            transaction.executemany("DELETE FROM state WHERE key = ?", gone)
            transaction.executemany(_PUT, kept)
            transaction.executemany(_ADD, chunks)

    def drop_chunks(self, stream: str, before: float) -> None:
        """Remove the chunks committed before this time."""
        self._connection.execute("DELETE FROM chunk WHERE stream = ? AND at < ?", (stream, before))

    def drop_numbers(self, stream: str, first: int, last: int) -> None:
        """Remove the chunks that were written from `first` to `last`, by their numbers."""
        query = "DELETE FROM chunk WHERE stream = ? AND number BETWEEN ? AND ?"
        self._connection.execute(query, (stream, first, last))

    def last_number(self) -> int:
        """Return the number of the chunk that was written last; a later one has a higher number."""
        return int(self._connection.execute("SELECT coalesce(max(number), 0) FROM chunk").fetchone()[0])

    def chunk_bytes(self, stream: str) -> int:
        """Return the bytes that a stream's chunks hold."""
        query = "SELECT coalesce(sum(length(data)), 0) FROM chunk WHERE stream = ?"
        return int(self._connection.execute(query, (stream,)).fetchone()[0])

    def end(self) -> None:
        """Say in the lock that this process is about to end, so that its successor waits."""
        if self._lock is not None:
            self._lock.end()

    def close(self) -> None:
        """Close, and let go of the lock."""
        self._connection.close()
        if self._lock is not None:
            self._lock.close()
