"""What a pass makes true of its stream's checkpoint: complete, broken off, or contradicted by its own totals."""

from datetime import datetime, timedelta

import msgspec

from poller.errors import PollerError, Unexpected
from poller.plugin.stream import Cursor, Page
from poller.polling.progress.coverage import BROKEN, SHIFTED, UNREADABLE, close_gaps, collapsed, open_gap
from poller.polling.progress.windows import next_tick
from poller.polling.runtime import Pass, SweepRuntime
from poller.state.checkpoint import Checkpoint, Gap, LastPass

_SETTLED = timedelta(minutes=1)
"""A record that was read so long after the vendor says it changed shows the change, also on a lagging replica."""
_AGREED = timedelta(hours=24)
OFF = timedelta(days=1)
"""So long a sweep rests that the vendor offers no way for."""
SHIFTS = 3
"""So often in a row a list may move under a pass before the range becomes a gap and the sweep goes on."""


def complete(
    checkpoint: Checkpoint, run: SweepRuntime, current: Pass, now: datetime, off: str | None = None
) -> list[Gap]:
    """All was read and delivered. Returns the gaps that this closed. `off` is why the sweep is of no use for now."""
    if current.gap:
        read = [gap for gap in checkpoint.gaps if gap == current.gap]
        checkpoint.gaps = [gap for gap in checkpoint.gaps if gap != current.gap]
        return read
    state = checkpoint.sweeps[run.sweep.name]
    state.cursor = _not_ahead(current.cursor, now) or state.cursor
    state.due = (
        current.began + OFF if off else next_tick(state.due or checkpoint.started, run.sweep.every, current.began)
    )
    state.complete, state.last_success, state.last_error, state.shifts = True, now, off, 0
    state.last_pass = LastPass(current.window.start, current.window.end, current.read, current.records, current.events)
    return close_gaps(checkpoint, run.sweep, current.window, current.began)


def page(checkpoint: Checkpoint, run: SweepRuntime, read: Page, now: datetime) -> bool:
    """What a page says beside its records: names to read one by one, a range it can't reach. Whether it says any."""
    state = checkpoint.sweeps[run.sweep.name]
    for name, age in read.to_fetch.items():
        changed = now - age
        if state.fetched.get(name, changed) <= changed + _SETTLED:
            state.to_fetch.setdefault(name, now)
    for beyond in read.end.unreadable if read.end else ():
        open_gap(checkpoint, Gap(run.sweep.name, beyond.start, beyond.end, UNREADABLE, now))
    return bool(read.to_fetch or read.end)


def reread(checkpoint: Checkpoint, run: SweepRuntime, name: str, now: datetime) -> None:
    """A named record was read by itself."""
    state = checkpoint.sweeps[run.sweep.name]
    state.to_fetch.pop(name, None)
    remembered = now - (run.sweep.lookback or timedelta(0)) - run.sweep.every - _SETTLED
    state.fetched = {known: at for known, at in state.fetched.items() if at > remembered} | {name: now}


def unread(checkpoint: Checkpoint, run: SweepRuntime, name: str, error: Exception, now: datetime) -> None:
    """A named record could not be read by itself: it stays named, and lets the others go first.

    Where for a day the vendor has had no proper answer to it, it is as unreadable as what a list does not reach.
    """
    state = checkpoint.sweeps[run.sweep.name]
    state.last_error, state.fetched[name] = error_text(error), now
    since = state.to_fetch.get(name, now)
    if isinstance(error, Unexpected) and now - since >= _AGREED:
        del state.to_fetch[name]
        open_gap(checkpoint, Gap(run.sweep.name, since, now, UNREADABLE, now))


def density(run: SweepRuntime, current: Pass) -> float:
    """Records read, comparable from pass to pass: an hour of window, or the whole list."""
    if run.sweep.lookback is None:
        return float(current.records)
    return current.records / ((current.window.end - current.window.start) / timedelta(hours=1))


def suspect(checkpoint: Checkpoint, run: SweepRuntime, current: Pass, now: datetime) -> tuple[float, float] | None:
    """The densities before and now, where a wide pass brought far less than its like before."""
    if not run.sweep.is_audit or current.gap:
        return None
    state, brought = checkpoint.sweeps[run.sweep.name], density(run, current)
    before = state.last_density or 0.0
    return (before, brought) if collapsed(checkpoint, state, brought, now) else None


def broken(checkpoint: Checkpoint, run: SweepRuntime, current: Pass, now: datetime) -> bool:
    """It broke off: after its first page, what it was asked for is a gap until a pass has read it."""
    if not current.read or current.gap or run.sweep.advisory:
        return False
    open_gap(checkpoint, _missing(checkpoint, run, current, BROKEN, now))
    return True


def shifted(checkpoint: Checkpoint, run: SweepRuntime, current: Pass, until: datetime | None, now: datetime) -> bool:
    """The list moved under it. True where that was once too often: the range is a gap, and the sweep goes on."""
    state = checkpoint.sweeps[run.sweep.name]
    state.shifts += 1
    if state.shifts < SHIFTS:
        return False
    open_gap(checkpoint, _missing(checkpoint, run, current, SHIFTED, now))
    state.shifts = 0
    state.cursor = _not_ahead(Cursor(until) if until else None, now) or state.cursor
    state.due = next_tick(state.due or checkpoint.started, run.sweep.every, current.began)
    return True


def error_text(error: Exception) -> str:
    """What to remember of it: the text of ours is safe to show; of a bug, also what it was."""
    return str(error) if isinstance(error, PollerError) else repr(error)


def _missing(checkpoint: Checkpoint, run: SweepRuntime, current: Pass, kind: str, now: datetime) -> Gap:
    cursor = checkpoint.sweeps[run.sweep.name].cursor
    start = cursor.until if cursor else current.window.start
    return Gap(run.sweep.name, min(start, current.window.end), current.window.end, kind, now)


def _not_ahead(cursor: Cursor | None, now: datetime) -> Cursor | None:
    """A vendor's clock in the future must not carry the cursor past what can have happened."""
    return msgspec.structs.replace(cursor, until=min(cursor.until, now)) if cursor else None
