"""The records of a state, as they are written: the same in SQLite and in Kafka."""

from copy import copy
from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from poller.plugin.stream import Cursor

Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""Aware, in UTC."""


class Gap(Struct, frozen=True, gc=False):
    """A range that a sweep has not read, since when, and why.

    `kind` is `broken` (a pass broke off), `shifted` (its list moved under every pass), `outage` (too long for one pass)
    or `unreadable` (the list does not reach so far). A gap that is read in slices was read up to `read_to`; its next
    slice has `step` seconds.
    """

    sweep: str
    start: Time
    end: Time
    kind: str
    since: Time
    read_to: Time | None = None
    step: float | None = None


class LastPass(Struct, frozen=True, gc=False):
    """A complete pass: the window that it asked for, and how many pages, records and events came of it."""

    start: Time
    end: Time
    pages: int
    records: int
    events: int


class SweepState(
    Struct,
    gc=False,
    rename={"to_fetch": "left", "fetched": "reread", "last_density": "found", "last_pass": "brought"},
):
    """The progress of one sweep. In the state some fields keep the names that they were first saved under.

    `origin` is where its first window begins; `due` when it runs next; `complete` whether a first complete pass has
    been; `shifts` how often in a row the list moved under it; `last_density` how many records its last complete pass
    read, for an hour of window or for the whole list. `to_fetch` are the ids of records that are still to be read one
    by one, and since when; `fetched` those that were, and when. `members` are what a snapshot holds: how many passes in
    a row each was missing. `last_pass` is what its last complete pass came to. `found_ages`
    is a histogram, for each reason, of the ages at which an audit found what faster sweeps had missed (`findings`).
    """

    cursor: Cursor | None = None
    origin: Time | None = None
    due: Time | None = None
    complete: bool = False
    last_success: Time | None = None
    last_error: str | None = None
    shifts: int = 0
    last_density: float | None = None
    to_fetch: dict[str, Time] = field(default_factory=dict)
    fetched: dict[str, Time] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    last_pass: LastPass | None = None
    found_ages: dict[str, tuple[int, ...]] = field(default_factory=dict)


class Backfill(Struct, frozen=True, gc=False):
    """A range of history that was ordered at `ordered`, in the words of the command.

    `at` is the time up to which it was read, `step` the seconds of the next slice. `slices`, `records` and `events`
    count what was read so far; `unreadable` are the parts that the vendor's list does not reach; `done` is when all was
    read, or the order was given up.
    """

    words: tuple[str, str]
    start: Time
    end: Time
    at: Time
    step: float
    ordered: Time
    slices: int = 0
    records: int = 0
    events: int = 0
    unreadable: tuple[tuple[Time, Time], ...] = ()
    error: str | None = None
    done: Time | None = None


class Announced(Struct, frozen=True, gc=False):
    """The last progress event of a stream: what it said, and when it was observed."""

    covered_until: Time
    settled_until: Time | None
    gaps: int
    at: Time


class Rate(Struct, frozen=True, gc=False):
    """The new records of a stream, hour by hour, and its silence (`expected_rate`).

    Counted since `since`; `counts` are the last hours', the one that begins at `hour` last. `usual` has a byte for each
    hour of the week (UTC, Monday first): what it brings at least. `active` hours had any. The `last` record came at
    that time, `as_usual` if it was not alone; the `longest` silence was so many seconds. `due`: it is suspect, as so
    many records should have come.
    """

    since: Time
    hour: Time
    counts: Annotated[tuple[int, ...], Meta(min_length=6, max_length=6)]
    usual: Annotated[bytes, Meta(min_length=168, max_length=168)]
    last: Time
    active: int = 0
    as_usual: bool = False
    longest: float = 0.0
    due: float | None = None


class Checkpoint(Struct, gc=False):
    """The progress of one stream.

    `started` is its first poll, `start` the time that this reached back to (None: all there is); `backfill` is the last
    one that was ordered, `announced` what its last progress event said. `facts` are what its pages told of it for ever
    (`Page.facts`), `rate` is how many of its records are new. `identity` and `compared` are what the configuration
    declares of its records (`Declared`), of the latter all there ever were.
    """

    started: Time
    start: Time | None
    sweeps: dict[str, SweepState] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    suspect: Time | None = None
    backfill: Backfill | None = None
    announced: Announced | None = None
    facts: tuple[str, ...] = ()
    identity: str | None = None
    compared: tuple[str, ...] = ()
    rate: Rate | None = None

    def draft(self) -> "Checkpoint":
        """Return a copy to be changed: what changes in place is not shared, and all else is."""
        draft = copy(self)
        draft.sweeps = {name: _draft(state) for name, state in self.sweeps.items()}
        draft.gaps = self.gaps.copy()
        return draft


def _draft(state: SweepState) -> SweepState:
    draft = copy(state)
    draft.to_fetch, draft.fetched, draft.members = state.to_fetch.copy(), state.fetched.copy(), state.members.copy()
    draft.found_ages = state.found_ages.copy()
    return draft


def only_moves_on(before: Checkpoint, after: Checkpoint) -> bool:
    """Return True if a crash may lose the change: the next start polls once more then, or reads a longer window.

    That is so where nothing changed but due times, cursors, what the last passes came to, and hours without records.
    """
    if before.sweeps.keys() != after.sweeps.keys():
        return False
    sweeps = {name: _without_progress(state, before.sweeps[name]) for name, state in after.sweeps.items()}
    return replace(after, sweeps=sweeps, rate=before.rate) == before


def _without_progress(state: SweepState, before: SweepState) -> SweepState:
    """Return the state as far behind as the one before; a token of the vendor's may be good for one use only."""
    moved = state.cursor and before.cursor and state.cursor.token == before.cursor.token
    cursor = before.cursor if moved else state.cursor
    return replace(state, cursor=cursor, due=before.due, last_success=before.last_success, last_pass=before.last_pass)
