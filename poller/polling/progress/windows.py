"""The beginning of a pass, and the time when the next one is due: arithmetic over ranges and ticks."""

from datetime import datetime, timedelta

from poller.plugin.stream import BEGINNING, Cursor, Sweep, Window


def first_window(sweep: Sweep, start: datetime | None, now: datetime) -> datetime:
    """Return where a sweep's first pass begins: `start` (None: all there is) or a lookback ago, whichever is first."""
    reach = now - (sweep.lookback or timedelta(0))
    if sweep.from_lookback_only:
        return reach
    return min(start or BEGINNING, reach)


def window(sweep: Sweep, origin: datetime | None, cursor: Cursor | None, now: datetime) -> Window:
    """Return the window of the next pass: it overlaps what the last complete pass covered by the lookback.

    None begins before `origin`, where the first one did: what was unseen there would come as news. (A state of old may
    have none.)
    """
    if cursor is None or sweep.lookback is None:
        return Window(min(origin or now, now), now)
    start = cursor.until - sweep.lookback
    return _until_now(Window(max(start, origin or start), now))


def _until_now(asked: Window) -> Window:
    """Return a window that ends where it begins, where our clock went back before its beginning."""
    return Window(asked.start, max(asked.start, asked.end))


def next_tick(due: datetime, every: timedelta, began: datetime) -> datetime:
    """The first tick after a pass began; missed ones count as one."""
    return due + ((began - due) // every + 1) * every
