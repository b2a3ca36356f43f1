"""Where a simulated vendor answers from: what its lists show at a request, page by page, and how it fails today."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import msgspec
import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute

from poller.sandbox.world.records import JSON, Kind, Version
from poller.sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list; `claimed` is how many rows the answer says it holds."""

    rows: Sequence[Version]
    claimed: int
    page: int
    size: int
    total: int
    last_page: int


MOST_ROWS = 50
"""What the vice `size_capped` leaves of any page size."""
Sift = Callable[[list[Version]], list[Version]]
"""Picks and sorts the rows that were asked for."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One vendor's view of the world and of its own vices."""

    vendor: str
    world: World
    _finds: dict[Hashable, tuple[int, list[Version]]] = field(default_factory=dict)

    @property
    def rng(self) -> Random:
        """For what must be random but repeatable."""
        return self.world.vices.rng

    def now(self) -> datetime:
        """The vendor's clock."""
        return self.world.now()

    def strikes(self, vice: str) -> bool:
        """Whether this vice happens this time."""
        return self.world.vices.strikes(self.vendor, vice)

    def amount(self, name: str) -> float:
        """How much of it."""
        return self.world.vices.amount(self.vendor, name)

    def find(self, kind: Kind, page: int, key: Hashable, sift: Sift) -> Sequence[Version]:
        """Return what a request for page `page` of a walk finds, sifted and sorted.

        `key` is all that `sift` depends on; a text looks up single records.
        """
        found = self._found(kind, page, key, sift)
        if isinstance(key, str) or not self.strikes("stray_row"):
            return found
        dated = [row for row in self.world.look(kind.name) if kind.born and row.fields[kind.born]]
        oldest = min(dated, key=lambda row: row.fields[kind.born], default=None)
        return found if oldest is None or oldest in found else [*found, oldest]

    def _found(self, kind: Kind, page: int, key: Hashable, sift: Sift) -> Sequence[Version]:
        if page > 1 and self.strikes("shifting_pages"):
            for _ in range(self.rng.randint(1, 3)):
                self.world.stir(kind.name, self.rng)
        if self.strikes("sick_replica"):
            return []
        if self.strikes("lagging_replica"):
            lag = timedelta(seconds=self.rng.random() * self.amount("replica_seconds"))
            return sift(self.world.look(kind.name, self.now() - lag))
        if self.strikes("tied_stamps"):
            rows = self.world.look(kind.name)
            self.rng.shuffle(rows)
            return sift(rows)
        return self._remembered(
            (kind.name, key), self.world.changes(kind.name), lambda: sift(self.world.look(kind.name))
        )

    def _remembered(self, key: Hashable, state: int, found: Callable[[], list[Version]]) -> Sequence[Version]:
        """The pages of a walk over an unchanged list are cut from one sorted piece."""
        if self._finds.get(key, (None, []))[0] != state:
            if len(self._finds) >= 16:
                self._finds.clear()
            self._finds[key] = (state, found())
        return self._finds[key][1]

    def cut(self, rows: Sequence[Version], page: int, size: int) -> Slice:
        """Page `page` (from 1) of the sorted rows; beyond the last one it is empty."""
        if self.strikes("wrong_page_size"):
            size = max(1, size // 2)
        if self.strikes("size_capped"):
            size = min(size, MOST_ROWS)
        total, shown = len(rows), rows[(page - 1) * size : page * size]
        claimed = len(shown)
        if self.strikes("silent_page_cap"):
            shown = shown[: (claimed + 1) // 2]
        if page > 1 and self.strikes("shrinking_total"):
            total = max(0, total - self.rng.randint(1, 5))
        return Slice(shown, claimed, page, size, total, max(1, -(-total // size)))

    def answer(self, body: object) -> Response:
        """A good answer; `body` may hold records as orjson fragments."""
        text = orjson.dumps(body, option=JSON)
        if self.strikes("pretty_body"):
            text = msgspec.json.format(text)
        return Response(text, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Vendor:
    """One simulated vendor, mounted under `/<name>`.

    `refusal` builds its error answer for a status; status 200 is an error that only the body tells of.
    """

    name: str
    kinds: Sequence[Kind]
    routes: Callable[[Desk], Sequence[BaseRoute]]
    refusal: Callable[[int, str], Response]


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Any other answer in JSON."""
    return Response(orjson.dumps(body, option=JSON), status, headers, "application/json")
