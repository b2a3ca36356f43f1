"""The seeded world behind the simulated vendors: records come, change and go in its own time; it keeps the truth."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from poller.sandbox.world.records import RECORD_VICES, Fields, Kind, Version, View, second
from poller.sandbox.world.truth import History, told
from poller.sandbox.world.vices import Vices

LONGEST_TIE = 20


class _Stream:
    """A kind's records: every version of each, and the versions visible now."""

    def __init__(self, kind: Kind, seed: str) -> None:
        self.kind = kind
        self.vendor = kind.vendor
        self.rows: dict[str, list[Version]] = {}
        self.current: dict[str, Version] = {}
        self.numbers = count()
        self.changes = 0
        self.rng = Random(seed)
        self.tie = 0

    def add(self, identity: str, version: Version) -> None:
        self.changes += 1
        self.rows.setdefault(identity, []).append(version)
        self.current[identity] = version
        if version.gone:
            del self.current[identity]


_Due = tuple[datetime, int, _Stream, str | None, Fields | None]
"""What is to happen: when, in which order, to which record of a stream (None: one comes), and its new fields."""


class World:
    """A world of records that start, end, are edited, imported, deleted, restored: all that the vendors' lists show.

    `rate` is new records a minute and stream; `history` of them exist at birth, at most `past_limit` a stream, which
    thins a long history out. Time is what `now` says (aware UTC), and what happens does not depend on when it is asked
    for. `history=timedelta(0), rate=0` is an empty world, filled by `put`, `edit` and `delete`.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        seed: int,
        rate: float,
        now: Callable[[], datetime],
        history: timedelta = timedelta(days=2),
        past_limit: int = 5_000,
    ) -> None:
        self.now = now
        self.vices = Vices(seed, vendors={kind.name.partition("/")[0] for kind in kinds})
        self._seed, self._rate, self._born = seed, rate, now()
        minutes = history / timedelta(minutes=1)
        self._past_rate = min(rate, past_limit / minutes) if minutes else 0.0
        self._streams = {kind.name: _Stream(kind, f"{seed}/{kind.name}") for kind in kinds}
        self._agendas: dict[str, list[_Due]] = {kind.vendor: [] for kind in kinds}
        self._order = count()
        for stream in self._streams.values():
            self._plan_arrival(stream, self._born - history)

    def advance(self, vendor: str | None = None) -> None:
        """Let everything happen that is due by now; or what is due at one `vendor`, where nobody looks at another."""
        now = self.now()
        for agenda in self._agendas.values() if vendor is None else (self._agendas.get(vendor, []),):
            while agenda and agenda[0][0] <= now:
                at, _, stream, identity, updates = heappop(agenda)
                if identity is None:
                    self._arrive(stream, at)
                else:
                    self._apply(stream, identity, at, updates)

    def quiet(self) -> None:
        """Let nothing happen any more from now on, except by hand."""
        self.advance()
        for agenda in self._agendas.values():
            agenda.clear()

    def look(self, name: str, at: datetime | None = None) -> list[Version]:
        """Return what a reader sees, now or in a copy of the database as it was `at`, in no particular order."""
        stream = self._streams[name]
        if at is None:
            return list(stream.current.values())
        seen = (_version_at(versions, at) for versions in stream.rows.values())
        return [version for version in seen if version is not None]

    def lives(self, name: str) -> Iterable[Sequence[Version]]:
        """Return all versions of each record that there ever was, oldest first."""
        return self._streams[name].rows.values()

    def changes(self, name: str) -> int:
        """Return the number of versions so far: while it stays the same, so does what a reader sees."""
        return self._streams[name].changes

    def truth(self, name: str, view: View | None = None) -> dict[str, History]:
        """Return by identity all that ever became visible of a record, as a list asked with `view` shows it."""
        stream = self._streams[name]
        self.advance(stream.vendor)
        view = stream.kind.view if view is None else view
        return {
            identity: told(stream.kind, view, versions)
            for identity, versions in stream.rows.items()
            if not stream.kind.aside(versions[0].fields)
        }

    def put(self, name: str, fields: Mapping[str, Any] | None = None, *, at: datetime | None = None) -> str:
        """Add a complete record that happened `at` (default now), visible and stamped now; return its identity."""
        stream, now = self._streams[name], self.now()
        self.advance(stream.vendor)
        number = next(stream.numbers)
        blank = stream.kind.blank(number, at or now, self._rng(stream, number))
        record = {**blank, stream.kind.stamp: second(now), **(fields or {})}
        identity = str(record[stream.kind.key])
        if identity in stream.rows:
            raise ValueError(f"{name} had {identity} before")
        self._apply(stream, identity, now, record)
        return identity

    def edit(self, name: str, identity: str, fields: Mapping[str, Any] | None = None, *, stamped: bool = True) -> None:
        """Change these fields (any one, by default) now; `stamped` moves the modification stamp too."""
        stream, now = self._streams[name], self.now()
        self.advance(stream.vendor)
        before = stream.current[identity].fields
        change = stream.kind.touch(now, self.vices.rng) if fields is None else dict(fields)
        stamp = second(now) if stamped else before[stream.kind.stamp]
        self._apply(stream, identity, now, {**change, stream.kind.stamp: (fields or {}).get(stream.kind.stamp, stamp)})

    def delete(self, name: str, identity: str, *, vanish: bool = False) -> None:
        """Delete a record the vendor's way (marked, where the vendor has marks), or let it `vanish`."""
        stream, now = self._streams[name], self.now()
        self.advance(stream.vendor)
        if identity not in stream.current:
            raise KeyError(identity)
        self._apply(stream, identity, now, None if vanish else stream.kind.bury(second(now)))

    def stir(self, name: str, rng: Random) -> None:
        """Do one thing now that moves rows of the list: an insert, an edit or a deletion, anywhere in the list."""
        stream, now = self._streams[name], self.now()
        present = list(stream.current)
        deed = rng.choice(("insert", "edit", "delete")) if present else "insert"
        if deed == "insert":
            self.put(name, at=now - rng.random() * timedelta(days=1))
        elif deed == "edit":
            self.edit(name, rng.choice(present))
        else:
            self.delete(name, rng.choice(present))

    def _plan(self, stream: _Stream, at: datetime, identity: str | None, updates: Fields | None) -> None:
        heappush(self._agendas[stream.vendor], (at, next(self._order), stream, identity, updates))

    def _plan_arrival(self, stream: _Stream, after: datetime) -> None:
        rate = (self._past_rate if after < self._born else self._rate) * stream.kind.pace
        if not rate:
            return
        tied = stream.tie < LONGEST_TIE and self.vices.strikes(stream.vendor, "tied_stamps", stream.rng)
        stream.tie = stream.tie + 1 if tied else 0
        gap = timedelta() if tied else timedelta(minutes=stream.rng.expovariate(rate))
        self._plan(stream, after + gap, None, None)

    def _arrive(self, stream: _Stream, at: datetime) -> None:
        number, own = next(stream.numbers), ("", "")
        for change in stream.kind.life(number, at, self._rng(stream, number)):
            own = own if own[0] else (stream.kind.name, str((change.updates or {})[stream.kind.key]))
            name, identity = change.of or own
            self._plan(self._streams[name], change.at, identity, change.updates)
        self._plan_arrival(stream, at)

    def _rng(self, stream: _Stream, number: int) -> Random:
        return Random(f"{self._seed}/{stream.kind.name}/{number}")

    def _apply(self, stream: _Stream, identity: str, at: datetime, updates: Fields | None) -> None:
        kind, versions = stream.kind, stream.rows.get(identity, [])
        if versions[-1].gone if versions else updates is None:
            return
        before = versions[-1].fields if versions else {}
        fields = {**before, **(updates or {})}
        if before and self.vices.strikes(stream.vendor, "unstamped_edits", stream.rng):
            fields[kind.stamp] = before[kind.stamp]
        if before.get(kind.stamp) and fields[kind.stamp]:
            fields[kind.stamp] = max(before[kind.stamp], fields[kind.stamp])
        stream.add(identity, self._dress(stream, f"{identity}/{len(versions)}", at, fields, updates is None))
        edited = before and updates and before[kind.stamp] != fields[kind.stamp]
        if edited and self.vices.strikes(stream.vendor, "tied_stamps", stream.rng):
            again = {**kind.touch(at, stream.rng), kind.stamp: fields[kind.stamp]}
            self._plan(stream, at + timedelta(milliseconds=300), identity, again)

    def _dress(self, stream: _Stream, turn: str, at: datetime, fields: Fields, gone: bool) -> Version:
        kind, vendor, salt = stream.kind, stream.vendor, f"{self._seed}/{turn}"
        if not self.vices:
            return Version(at, fields, kind.deleted(fields), gone)
        rng = Random(salt)
        worn = tuple(vice for vice in RECORD_VICES if self.vices.strikes(vendor, vice, rng))
        if kind.nullable and self.vices.strikes(vendor, "null_dates", rng):
            fields[rng.choice(kind.nullable)] = None
        return Version(at, fields, kind.deleted(fields), gone, worn, salt)


def _version_at(versions: Iterable[Version], at: datetime) -> Version | None:
    seen = [version for version in versions if version.since <= at]
    return seen[-1] if seen and not seen[-1].gone else None
