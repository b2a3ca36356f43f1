"""The completeness of a stream: what its passes covered, where they broke off, and what to call that."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from poller.plugin.stream import Sweep, Window
from poller.state.checkpoint import Checkpoint, Gap, SweepState

BROKEN, SHIFTED, OUTAGE, UNREADABLE = "broken", "shifted", "outage", "unreadable"
"""Kinds of gaps. Where a pass broke off, its sweep's next pass reads on. What shifted under every pass, or is too long
for one pass, is made up for by passes of its own. What a list does not reach is closed by an audit."""
MADE_UP_FOR = frozenset({SHIFTED, OUTAGE})
"""Kinds of gaps that no pass of the sweep reads by itself."""

FRESH = ("live", "snapshot")
"""The sweeps by which a stream is covered: the first of these that it has."""
_AGREED = timedelta(hours=24)
_FEW = 10


def complete_until(checkpoint: Checkpoint, names: Sequence[str]) -> datetime | None:
    """Return the end that the last complete pass of a sweep covered, the first of these names that the stream has.

    It is no later than the oldest gap that holds something back. None before the first complete pass.
    """
    state = next((checkpoint.sweeps[name] for name in names if name in checkpoint.sweeps), None)
    if state is None or not state.complete or state.cursor is None:
        return None
    return min([state.cursor.until, *(gap.start for gap in checkpoint.gaps if gap.kind != UNREADABLE)])


def covered_until(checkpoint: Checkpoint) -> datetime | None:
    """Everything before this was delivered; None where nothing can be said yet (the first pass of `start: all`).

    What a list cannot reach is left to other sweeps, and holds nothing back.
    """
    main = checkpoint.sweeps.get("live") or checkpoint.sweeps.get("snapshot")
    covered = main.cursor.until if main and main.cursor else checkpoint.start
    missing = [gap.start for gap in checkpoint.gaps if gap.kind != UNREADABLE]
    waiting = [since for state in checkpoint.sweeps.values() for since in state.to_fetch.values()]
    return min([covered, *missing, *waiting]) if covered else None


def gap_seconds(checkpoint: Checkpoint) -> float:
    """Return the seconds of the covered range that are still missing; overlapping gaps count once."""
    total, reached = 0.0, None
    for gap in sorted(checkpoint.gaps, key=lambda gap: gap.start):
        begin = gap.start if reached is None else max(gap.start, reached)
        if gap.end > begin:
            total += (gap.end - begin).total_seconds()
        reached = gap.end if reached is None else max(reached, gap.end)
    return total


def open_gap(checkpoint: Checkpoint, found: Gap) -> None:
    """Remember a gap; one that overlaps it, of the same sweep and kind, grows.

    What an audit found unreadable again is as good as new: no audit closes what it did not read itself.
    """
    again = found.sweep == "audit" and found.kind == UNREADABLE
    for gap in [gap for gap in checkpoint.gaps if _touch(gap, found)]:
        checkpoint.gaps.remove(gap)
        start, end = min(gap.start, found.start), max(gap.end, found.end)
        since = found.since if again else min(gap.since, found.since)
        read_to = gap.read_to if found.start >= gap.start else None
        found = msgspec.structs.replace(found, start=start, end=end, since=since, read_to=read_to, step=gap.step)
    checkpoint.gaps.append(found)


def replace_gap(checkpoint: Checkpoint, gap: Gap, left: Gap | None) -> None:
    """Put what is left of a gap in its place; None takes it off."""
    checkpoint.gaps = [known for known in checkpoint.gaps if known != gap] + ([left] if left else [])


def close_gaps(checkpoint: Checkpoint, sweep: Sweep, window: Window, began: datetime) -> list[Gap]:
    """Take off the gaps that a complete pass over this window has read; says which."""
    read = [gap for gap in checkpoint.gaps if _reads(sweep, window, began, gap)]
    checkpoint.gaps = [gap for gap in checkpoint.gaps if gap not in read]
    return read


def collapsed(checkpoint: Checkpoint, state: SweepState, records: float, now: datetime) -> bool:
    """Return True if a complete pass brought less than half of what its like brought before, as with a narrowed key.

    `records` is comparable between passes (an hour of window, or the whole list). The stream is suspect until a pass
    brings more again, or until passes over 24 h agree.
    """
    before = state.last_density
    if before is None or before < _FEW or records >= before / 2:
        checkpoint.suspect, state.last_density = None, records
        return False
    checkpoint.suspect = checkpoint.suspect or now
    if now - checkpoint.suspect >= _AGREED:
        checkpoint.suspect, state.last_density = None, records
        return False
    return True


def _touch(gap: Gap, other: Gap) -> bool:
    same = gap.sweep == other.sweep and gap.kind == other.kind
    return same and gap.start <= other.end and other.start <= gap.end


def _reads(sweep: Sweep, window: Window, began: datetime, gap: Gap) -> bool:
    if gap.kind == UNREADABLE:
        return sweep.name == "audit" and gap.since <= began
    covers = sweep.lookback is None or (window.start <= gap.start and gap.end <= window.end)
    return gap.sweep == sweep.name and covers
