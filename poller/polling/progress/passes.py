"""The changes that a pass makes to its stream's checkpoint: complete, broken off, or contradicted by its own totals."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from poller.errors import PollerError, Unexpected
from poller.events.batch import Batch
from poller.plugin.stream import Cursor, End, Page, Sweep, Window
from poller.polling.progress.coverage import (
    BROKEN,
    OUTAGE,
    SHIFTED,
    UNREADABLE,
    close_gaps,
    collapsed,
    open_gap,
    replace_gap,
)
from poller.polling.progress.slices import gap_failed, gap_read
from poller.polling.progress.windows import next_tick
from poller.redaction import SECRETS
from poller.state.checkpoint import Checkpoint, Gap, LastPass

_SETTLED = timedelta(minutes=1)
"""A record that was read so long after the vendor says it changed shows the change, also on a lagging replica."""
_AGREED = timedelta(hours=24)
OFF = timedelta(days=1)
"""So long a sweep rests that the vendor offers no way for."""
TOO_LONG = timedelta(days=1)
"""A sweep that is further behind than usual by so much has an outage to make up for."""
LEAST = timedelta(hours=1)
"""Less is not left behind: a vendor that fails all the time would make a gap of every try."""
RECENT = timedelta(hours=6)
"""The sweep itself reads what began this recently; no vendor's clock is so far behind ours."""
SHIFTS = 3
"""So often in a row a list may move under a pass before the range becomes a gap and the sweep goes on."""


@dataclass(slots=True, eq=False)
class Pass:
    """One run of one sweep over a window, and what it came to so far.

    `began` is our clock when its first page was asked for. `gap` is the range that it makes up for, where it is not the
    sweep's own window. `identities` are those it met, where that matters (a snapshot).
    """

    window: Window
    began: datetime
    gap: Gap | None = None
    pages: int = 0
    records: int = 0
    events: int = 0
    identities: set[str] = field(default_factory=set)

    def count(self, batch: Batch) -> None:
        """Count a page that came."""
        self.pages += 1
        self.records += batch.counts.records
        self.events += batch.counts.events.total()
        self.identities |= batch.identities


def complete_pass(checkpoint: Checkpoint, sweep: Sweep, covers: Pass, end: End, now: datetime) -> list[Gap]:
    """Note that all was read and delivered; return the gaps that this closed."""
    if covers.gap:
        return _complete_gap(checkpoint, sweep, covers, covers.gap)
    state = checkpoint.sweeps[sweep.name]
    state.cursor = _moved(state.cursor, end.cursor, covers, now)
    due = next_tick(state.due or checkpoint.started, sweep.every, covers.began)
    state.due = covers.began + OFF if end.unsupported else due
    state.complete, state.last_success, state.last_error, state.shifts = True, now, end.unsupported, 0
    state.last_pass = LastPass(covers.window.start, covers.window.end, covers.pages, covers.records, covers.events)
    return close_gaps(checkpoint, sweep, covers.window, covers.began)


def _complete_gap(checkpoint: Checkpoint, sweep: Sweep, covers: Pass, gap: Gap) -> list[Gap]:
    """Take off the gap, or the slice of it, that was read."""
    if gap not in checkpoint.gaps:
        return []
    left = gap_read(gap, sweep.ranges, covers.window, covers.records) if sweep.ranges else None
    replace_gap(checkpoint, gap, left)
    return [] if left else [gap]


def note_page(checkpoint: Checkpoint, sweep: Sweep, page: Page, now: datetime) -> None:
    """Note the ids that a page names, to be fetched one by one, and the ranges that its list does not reach.

    An id that was fetched long enough after the vendor says that it changed is not noted.
    """
    note_facts(checkpoint, page)
    state = checkpoint.sweeps[sweep.name]
    for record_id, age in page.to_fetch.items():
        changed = now - age
        if state.fetched.get(record_id, changed) <= changed + _SETTLED:
            state.to_fetch.setdefault(record_id, now)
    for beyond in page.end.unreadable if page.end else ():
        open_gap(checkpoint, Gap(sweep.name, beyond.start, beyond.end, UNREADABLE, now))


def note_facts(checkpoint: Checkpoint, page: Page) -> None:
    """Remember what a page told of its stream for ever."""
    if not (page.facts or page.notice):
        return
    found = sorted(page.facts) + ([page.notice] if page.notice else [])
    if not all(isinstance(fact, str) for fact in found):  # no state could be read again that holds it
        raise TypeError("the facts and the notice of a page are texts")
    checkpoint.facts += tuple(fact for fact in found if fact not in checkpoint.facts)


def note_fetched(checkpoint: Checkpoint, sweep: Sweep, name: str, now: datetime) -> None:
    """A named record was read by itself."""
    state = checkpoint.sweeps[sweep.name]
    state.to_fetch.pop(name, None)
    remembered = now - (sweep.lookback or timedelta(0)) - sweep.every - _SETTLED
    state.fetched = {known: at for known, at in state.fetched.items() if at > remembered} | {name: now}


def note_unfetched(checkpoint: Checkpoint, sweep: Sweep, name: str, error: Exception, now: datetime) -> None:
    """A named record could not be read by itself: it stays named, and lets the others go first.

    Where for a day the vendor has had no proper answer to it, it is as unreadable as what a list does not reach.
    """
    state = checkpoint.sweeps[sweep.name]
    state.last_error, state.fetched[name] = error_text(error), now
    since = state.to_fetch.get(name, now)
    if isinstance(error, Unexpected) and now - since >= _AGREED:
        del state.to_fetch[name]
        open_gap(checkpoint, Gap(sweep.name, since, now, UNREADABLE, now))


def density(sweep: Sweep, covers: Pass) -> float:
    """Records read, comparable from pass to pass: an hour of window, or the whole list."""
    if sweep.lookback is None:
        return float(covers.records)
    return covers.records / ((covers.window.end - covers.window.start) / timedelta(hours=1))


def judge_density(checkpoint: Checkpoint, sweep: Sweep, covers: Pass, now: datetime) -> tuple[float, float] | None:
    """The densities before and now, where a wide pass brought far less than its like before."""
    if not sweep.is_audit or covers.gap:
        return None
    state, brought = checkpoint.sweeps[sweep.name], density(sweep, covers)
    before = state.last_density or 0.0
    return (before, brought) if collapsed(checkpoint, state, brought, now) else None


def break_off(checkpoint: Checkpoint, sweep: Sweep, covers: Pass, now: datetime) -> bool:
    """Note that a pass broke off; return True where what it was asked for is a gap now, until a pass has read it.

    That is so after its first page. A slice of a gap is half as long the next time.
    """
    if covers.gap and sweep.ranges and covers.gap in checkpoint.gaps:
        replace_gap(checkpoint, covers.gap, gap_failed(covers.gap, sweep.ranges))
    if not covers.pages or covers.gap or sweep.advisory:
        return False
    open_gap(checkpoint, _missing(checkpoint, sweep, covers, BROKEN, now))
    return True


def start_over(checkpoint: Checkpoint, sweep: Sweep, covers: Pass, until: datetime | None, now: datetime) -> bool:
    """Note that the list moved under a pass, which starts over.

    Returns True where that was once too often: the range is a gap, and the sweep goes on.
    """
    state = checkpoint.sweeps[sweep.name]
    state.shifts += 1
    if state.shifts < SHIFTS:
        return False
    open_gap(checkpoint, _missing(checkpoint, sweep, covers, SHIFTED, now))
    state.shifts = 0
    state.cursor = _moved(state.cursor, Cursor(until) if until else None, covers, now)
    state.due = next_tick(state.due or checkpoint.started, sweep.every, covers.began)
    return True


def leave_behind(checkpoint: Checkpoint, sweep: Sweep, now: datetime) -> bool:
    """Make a gap of what is too long for one pass, but for the last hours; the sweep goes on from there.

    Returns False where there is nothing to leave behind, or where the sweep's list cannot be read in slices.
    """
    state, until = checkpoint.sweeps[sweep.name], now - RECENT
    reached = state.cursor.until if state.cursor else state.origin
    if sweep.ranges is None or reached is None or until - reached < LEAST:
        return False
    open_gap(checkpoint, Gap(sweep.name, reached, until, OUTAGE, now))
    state.cursor = Cursor(until, state.cursor.token if state.cursor else None)
    return True


def is_too_long(checkpoint: Checkpoint, sweep: Sweep, now: datetime) -> bool:
    """Return True where a sweep is so far behind, after an outage, that it had better read in slices.

    A first pass, however far it reaches back, is tried whole: most accounts are small.
    """
    cursor = checkpoint.sweeps[sweep.name].cursor
    return sweep.ranges is not None and cursor is not None and now - cursor.until > sweep.every + TOO_LONG


def error_text(error: Exception) -> str:
    """Return the text to remember of an error, without secrets: that of a bug also names its type."""
    return SECRETS.hide(str(error) if isinstance(error, PollerError) else repr(error))


def _missing(checkpoint: Checkpoint, sweep: Sweep, covers: Pass, kind: str, now: datetime) -> Gap:
    cursor = checkpoint.sweeps[sweep.name].cursor
    start = cursor.until if cursor else covers.window.start
    return Gap(sweep.name, min(start, covers.window.end), covers.window.end, kind, now)


def _moved(before: Cursor | None, cursor: Cursor | None, covers: Pass, now: datetime) -> Cursor | None:
    """Return the cursor that a pass earned: never ahead of what can have happened, and never back.

    A vendor's clock in the future must not carry it on, nor one odd `Date` (1970, a cached answer) back: a first pass
    has covered what lies before its window, for nobody asks for that. All else a first pass has covered by the vendor's
    clock, which may be behind ours.
    """
    if cursor is None:
        return before
    if not isinstance(cursor.token, str | None):  # no state could be read again that holds it
        raise TypeError(f"the token of a cursor is a text, and not {type(cursor.token).__name__}")
    least = before.until if before else covers.window.start
    return msgspec.structs.replace(cursor, until=max(min(cursor.until, now), min(least, now)))
