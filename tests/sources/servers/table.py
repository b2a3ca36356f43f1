"""A table in SQLite whose rows somebody inserts, edits and deletes, and all that they ever were."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event, Thread

Row = tuple[str, int]
"""The title and the version of a row: the version rises by one with each edit."""
SCHEMA = """CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, version INTEGER NOT NULL,
created_at TEXT NOT NULL, updated_at TEXT NOT NULL)"""


class Table:
    """The table `items` of a file. `ever` has all states of each row by its identity, `now` those that are there."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._rng = path, Random(seed)
        self.ever: dict[str, list[Row]] = {}
        self.now: dict[str, Row] = {}
        with self._open() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(SCHEMA)
            for _ in range(120):
                self._insert(database)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the table all the time, in a thread, until the end."""
        stop = Event()
        thread = Thread(target=self._change, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            yield database
        finally:
            database.close()

    def _change(self, stop: Event) -> None:
        with self._open() as database:
            while not stop.wait(0.01):
                deed = self._rng.choice((self._insert, self._edit, self._edit, self._edit, self._delete))
                deed(database)

    def _insert(self, database: sqlite3.Connection) -> None:
        row, at = (f"Item {self._rng.randrange(10**6)}", 1), _stamp()
        done = database.execute(
            "INSERT INTO items (title, version, created_at, updated_at) VALUES (?, ?, ?, ?)", (*row, at, at)
        )
        self._remember(f"{done.lastrowid}", row)

    def _edit(self, database: sqlite3.Connection) -> None:
        identity = self._any()
        row = f"Item {self._rng.randrange(10**6)}", self.now[identity][1] + 1
        database.execute(
            "UPDATE items SET title = ?, version = ?, updated_at = ? WHERE id = ?", (*row, _stamp(), identity)
        )
        self._remember(identity, row)

    def _delete(self, database: sqlite3.Connection) -> None:
        identity = self._any()
        database.execute("DELETE FROM items WHERE id = ?", (identity,))
        del self.now[identity]

    def _any(self) -> str:
        """Choose one of the newest: with the others nothing would happen at the seams of pages."""
        return self._rng.choice(list(self.now)[-100:])

    def _remember(self, identity: str, row: Row) -> None:
        self.now[identity] = row
        self.ever.setdefault(identity, []).append(row)


def _stamp() -> str:
    """Return the time as Django keeps it in SQLite, which Datasette compares as text."""
    return f"{datetime.fromtimestamp(time.time(), UTC):%Y-%m-%d %H:%M:%S.%f}"
