"""What a pass makes true of its stream's checkpoint: complete, broken off, or contradicted by its own totals."""

from datetime import datetime, timedelta

from poller.coverage import close_gaps, collapsed, open_gap
from poller.ledger.records import Checkpoint, Gap
from poller.model import Cursor
from poller.schedule import BROKEN, SHIFTED, Pass, SweepRun
from poller.windows import next_tick

SHIFTS = 3
"""So often in a row a list may move under a pass before the range becomes a gap and the sweep goes on."""


def complete(checkpoint: Checkpoint, run: SweepRun, current: Pass, now: datetime) -> list[Gap]:
    """All was read and delivered. Returns the gaps that this closed."""
    if current.gap:
        checkpoint.gaps.remove(current.gap)
        return [current.gap]
    state = checkpoint.sweeps[run.sweep.name]
    state.cursor = _not_ahead(current.cursor, now) or state.cursor
    state.due = next_tick(state.due or checkpoint.started, run.sweep.every, current.began)
    state.complete, state.last_success, state.last_error, state.shifts = True, now, None, 0
    return close_gaps(checkpoint, run.sweep, current.window)


def density(run: SweepRun, current: Pass) -> float:
    """Records read, comparable from pass to pass: an hour of window, or the whole list."""
    if run.sweep.lookback is None:
        return float(current.records)
    return current.records / ((current.window.end - current.window.start) / timedelta(hours=1))


def suspect(checkpoint: Checkpoint, run: SweepRun, current: Pass, now: datetime) -> tuple[float, float] | None:
    """The densities before and now, where a wide pass brought far less than its like before."""
    if not run.sweep.net or current.gap:
        return None
    state, brought = checkpoint.sweeps[run.sweep.name], density(run, current)
    before = state.found or 0.0
    return (before, brought) if collapsed(checkpoint, state, brought, now) else None


def broken(checkpoint: Checkpoint, run: SweepRun, current: Pass, now: datetime) -> bool:
    """It broke off: after its first page, what it was asked for is a gap until a pass has read it."""
    if not current.read or current.gap or run.sweep.glance:
        return False
    open_gap(checkpoint, _missing(checkpoint, run, current, BROKEN, now))
    return True


def shifted(checkpoint: Checkpoint, run: SweepRun, current: Pass, until: datetime | None, now: datetime) -> bool:
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


def _missing(checkpoint: Checkpoint, run: SweepRun, current: Pass, kind: str, now: datetime) -> Gap:
    cursor = checkpoint.sweeps[run.sweep.name].cursor
    start = cursor.until if cursor else current.window.start
    return Gap(run.sweep.name, min(start, current.window.end), current.window.end, kind, now)


def _not_ahead(cursor: Cursor | None, now: datetime) -> Cursor | None:
    """A vendor's clock in the future must not carry the cursor past what can have happened."""
    return Cursor(min(cursor.until, now)) if cursor else None
