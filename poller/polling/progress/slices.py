"""A long range is read in slices: how long the next one is, and what of a gap is left once one was read.

A pass must be able to end. Its length is what the vendor fails seldom enough to serve, so a slice that failed is
followed by one half as long, and one that brought few records by one twice as long.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from poller.plugin.stream import Fetch, History, Sweep, Window
from poller.state.checkpoint import Gap

FIRST = timedelta(days=1)
"""The length of the first slice."""
_LONGEST = timedelta(days=32)
_FEW, _MANY = 250, 1000
"""A slice that brought fewer records is followed by one twice as long, one that brought more by one half as long."""


def factor(records: int) -> float:
    """Return by how much the slice after one that brought so many records is longer."""
    return 2.0 if records < _FEW else 0.5 if records > _MANY else 1.0


def adapt(step: float, ranges: History, by: float) -> float:
    """Return the seconds of the next slice: whole ones, never below what the vendor's filter can tell apart."""
    if ranges.smallest is None:
        return step
    wanted = timedelta(seconds=int(step * by))
    return min(max(wanted, ranges.smallest), _LONGEST).total_seconds()


def slice_window(at: datetime, end: datetime, step: float) -> Window:
    """Return the slice of so many seconds that begins at `at`; a short rest before `end` is part of it."""
    length = timedelta(seconds=step)
    return Window(at, end if end - at < 1.5 * length else at + length)


def gap_reading(gap: Gap, sweep: Sweep) -> tuple[Fetch, Window]:
    """Return how a gap is read, and what of it is read next: a slice, or all where the list takes no end.

    It begins a lookback earlier, as windows overlap.
    """
    start, ranges = gap.start - (sweep.lookback or timedelta(0)), sweep.ranges
    if ranges is None:
        return sweep.fetch, Window(start, gap.end)
    return ranges.fetch, slice_window(gap.read_to or start, gap.end, gap.step or first_step(ranges))


def first_step(ranges: History) -> float:
    """Return the seconds of the first slice."""
    return max(FIRST, ranges.smallest or FIRST).total_seconds()


def gap_read(gap: Gap, ranges: History, window: Window, records: int) -> Gap | None:
    """Return what is left of a gap after a slice of it was read; None where nothing is."""
    if window.end >= gap.end:
        return None
    step = adapt(gap.step or first_step(ranges), ranges, factor(records))
    return replace(gap, start=max(gap.start, window.end), read_to=window.end, step=step)


def gap_failed(gap: Gap, ranges: History) -> Gap:
    """Return a gap after a slice of it failed: the next try is half as long."""
    return replace(gap, step=adapt(gap.step or first_step(ranges), ranges, 0.5))
