"""A vendor's list that moves while it is read, by a seed: what a complete pass promises is held against it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from poller.plugin.stream import Http, Query, Response
from tests.sources.scripted import NOW, json_bytes

SECOND = timedelta(seconds=1)
BEGAN = NOW - timedelta(minutes=40)
"""Before this nothing was ever stamped."""
SIZE = 4
"""The rows of a page, whatever was asked for."""
LATE = 20 * SECOND
"""So much older than the truth a replica may be."""
STAMPS = (600, 1200, 1201)
"""Seconds in which many records come to be."""


@dataclass(frozen=True)
class Row:
    """A record: its time in the list's order, and its last modification."""

    name: int
    made: datetime
    modified: datetime


Show: TypeAlias = Callable[[Mapping[str, str], Sequence[Row]], Any]
"""Return the answer to a query by the rows there are: those of one time keep their order."""


@dataclass
class Living(Http):
    """Implements `Http` over a list in which, before each answer but the first, some of these `moves` happen.

    With "ties" rows come in another order each time, with "replica" one answer in two is of an older copy. `steady` are
    the rows that have been there unchanged since the first answer.
    """

    show: Show
    rng: Random
    moves: Sequence[str]
    rows: dict[int, Row] = field(default_factory=dict)
    steady: set[Row] = field(default_factory=set)
    past: list[tuple[datetime, Mapping[int, Row]]] = field(default_factory=list)
    now: datetime = NOW
    names: int = 0

    def __post_init__(self) -> None:
        """Fill the list."""
        for _ in range(self.rng.randint(1, 14)):
            self.add(BEGAN + self.rng.choice((self.rng.randrange(2300), *STAMPS)) * SECOND)

    def add(self, made: datetime) -> None:
        """Add a record."""
        self.names += 1
        self.rows[self.names] = Row(self.names, made, made)

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Answer a request, after the list moved."""
        assert isinstance(query, Mapping)
        if self.past:
            self.now += self.rng.randint(1, 3) * SECOND
            for _ in range(self.rng.choice((0, 0, 1, 1, 2, 3))):
                self._move(self.rng.choice(self.moves))
        present = set(self.rows.values())
        self.steady = self.steady & present if self.past else present
        self.past.append((self.now, dict(self.rows)))
        said = self.show({name: str(value) for name, value in query.items()}, self._seen())
        return Response(200, json_bytes(said), self.now)

    def answered(self, path: str) -> bool:
        """Return whether a path was answered: there is one."""
        return True

    def _move(self, what: str) -> None:
        if what == "new":
            self.add(self.now)
        elif self.rows and what in {"edit", "delete"}:
            row = self.rows.pop(self.rng.choice(sorted(self.rows)))
            if what == "edit":
                self.rows[row.name] = replace(row, modified=self.now)

    def _seen(self) -> list[Row]:
        since = self.now
        if "replica" in self.moves and self.rng.random() < 0.5:
            since -= self.rng.random() * LATE
        known = [rows for at, rows in self.past if at <= since] or [self.past[0][1]]
        rows = sorted(known[-1].values(), key=lambda row: row.name)
        if "ties" in self.moves:
            self.rng.shuffle(rows)
        return rows
