"""The back end of a simulated vendor: what its lists show at a request, page by page, and its failures of the day."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from zlib import crc32

import msgspec
import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute

from poller.sandbox.api.date_ranges import ALWAYS
from poller.sandbox.world.records import JSON, Kind, Version
from poller.sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list; `claimed` is the number of rows that the answer says it holds."""

    rows: Sequence[Version]
    claimed: int
    page: int
    size: int
    total: int
    last_page: int


SHIFT = timedelta(hours=5)
"""How far off the bounds of a range are under the breach `bounds_shifted`."""
MOST_ROWS = 50
"""The most rows of a page under the vice `size_capped`, whatever size was asked for."""
SIZE_SAID = frozenset({"callcap", "flextell"})
"""The vendors that have the vice `last_uncounted`. They say what a page has room for, so that one is seen to be full
which is the last by its total. Of an answer without that nobody can know: there it would be a lie, not a vice."""
Sift = Callable[[list[Version]], list[Version]]
"""A function that picks and sorts the rows that were asked for."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A vendor's view of the world and of its own vices."""

    vendor: str
    world: World
    _finds: dict[Hashable, tuple[int, list[Version]]] = field(default_factory=dict)

    @property
    def rng(self) -> Random:
        """The source of everything that must be random but repeatable."""
        return self.world.vices.rng

    def now(self) -> datetime:
        """Return the time of the vendor's clock."""
        return self.world.now()

    def strikes(self, vice: str) -> bool:
        """Return True if this vice happens this time."""
        return self.world.vices.strikes(self.vendor, vice)

    def amount(self, name: str) -> float:
        """Return the amount of this name, as it is set for the vendor."""
        return self.world.vices.amount(self.vendor, name)

    def find(self, kind: Kind, page: int, key: Hashable, sift: Sift) -> Sequence[Version]:
        """Return what a request for page `page` of a walk finds, sifted and sorted.

        `key` is all that `sift` depends on; a text looks up single records.
        """
        found = self._found(kind, page, key, sift)
        if self.strikes("order_ignored"):
            found = sorted(found, key=lambda row: crc32(repr(row.fields[kind.key]).encode()))
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
        if self.strikes("late_rows"):
            return sift(self.world.look(kind.name, self.now() - timedelta(seconds=self.amount("late_seconds"))))
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
        """Return the rows; while a list is unchanged, all pages of a walk are cut from one sorted piece."""
        if self._finds.get(key, (None, []))[0] != state:
            if len(self._finds) >= 16:
                self._finds.clear()
            self._finds[key] = (state, found())
        return self._finds[key][1]

    def cut(self, rows: Sequence[Version], page: int, size: int) -> Slice:
        """Return page `page` (from 1) of the sorted rows; a page beyond the last one is empty."""
        if self.strikes("wrong_page_size"):
            size = max(1, size // 2)
        if self.strikes("size_capped"):
            size = min(size, MOST_ROWS)
        asked, page = page, 1 if self.strikes("same_page") else page
        total = len(rows)
        if self.vendor in SIZE_SAID and total > 1 and self.strikes("last_uncounted"):
            total, size = total - 1, min(size, total - 1)
        shown = rows[(page - 1) * size : page * size]
        claimed = len(shown)
        if self.strikes("silent_page_cap"):
            shown = shown[: (claimed + 1) // 2]
        if page > 1 and self.strikes("shrinking_total"):
            total = max(0, total - self.rng.randint(1, 5))
        return Slice(shown, claimed, asked, size, total, max(1, -(-total // size)))

    def bounds(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Return the bounds by which a list is really filtered; without a bound they are those of ALWAYS."""
        if self.strikes("filter_ignored"):
            return ALWAYS
        if self.strikes("bounds_shifted"):
            first, last = (bound if bound in ALWAYS else bound + SHIFT for bound in (start, end))
            return first, last
        return start, end

    def answer(self, body: object) -> Response:
        """Return a good answer; `body` may hold records as orjson fragments."""
        text = orjson.dumps(body, option=JSON)
        if self.strikes("pretty_body"):
            text = msgspec.json.format(text)
        return Response(text, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Vendor:
    """A simulated vendor, mounted under `/<name>`.

    `refusal` builds its error answer for a status; status 200 is an error that only the body tells of.
    """

    name: str
    kinds: Sequence[Kind]
    routes: Callable[[Desk], Sequence[BaseRoute]]
    refusal: Callable[[int, str], Response]


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return any other answer in JSON, with its status and headers; `pretty_body` does not change it."""
    return Response(orjson.dumps(body, option=JSON), status, headers, "application/json")
