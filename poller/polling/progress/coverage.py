"""The completeness of a stream: what its passes covered, where they broke off, and what to call that."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from poller.plugin.stream import Sweep, Window
from poller.polling.progress.ranges import Ranges
from poller.state.checkpoint import Checkpoint, Gap, SweepState

BROKEN, SHIFTED, OUTAGE, UNREADABLE = "broken", "shifted", "outage", "unreadable"
"""Kinds of gaps. Where a pass broke off, its sweep's next pass reads on. What shifted under every pass, or is too long
for one pass, is made up for by passes of its own. What a list does not reach is closed by an audit."""
MADE_UP_FOR = frozenset({SHIFTED, OUTAGE})
"""Kinds of gaps that no pass of the sweep reads by itself."""

FRESH = ("live", "snapshot")
"""The sweeps by which a stream is covered: the first of these that it has."""
FINAL = ("audit", "full", "snapshot")
"""The sweeps by which a stream is settled: the first of these that it has."""
AGREED = timedelta(hours=24)
"""So long passes have to agree before it is believed that what vanished at once is gone."""
_MOST_PARTS = 50
_FEW = 10


def read_ranges(checkpoint: Checkpoint) -> dict[str, Ranges]:
    """Return which of the vendor's time was read completely, by each sweep, and by `backfill`.

    A sweep has read all from where its first pass began up to its cursor, but for its gaps: those are the complement of
    what is covered, and the checkpoint holds them. All else that is said of completeness follows.
    """
    read = {
        name: _but_for_gaps(checkpoint, (state.origin or state.cursor.until, state.cursor.until), name)
        for name, state in checkpoint.sweeps.items()
        if state.cursor and state.complete
    }
    if order := checkpoint.backfill:
        read["backfill"] = Ranges.of([(order.start, order.at)]) - Ranges.of(order.unreadable)
    return read


def complete_until(checkpoint: Checkpoint, names: Sequence[str]) -> datetime | None:
    """Return the end that the last complete pass of a sweep covered, the first of these names that the stream has.

    It is no later than the oldest gap that holds it back. None before the first complete pass.
    """
    name, state = _first_of(checkpoint, names)
    return _held_to(checkpoint, name, state.cursor.until) if state and state.complete and state.cursor else None


def covered_until(checkpoint: Checkpoint) -> datetime | None:
    """Everything before this was delivered; None where nothing can be said yet (the first pass of `start: all`).

    What a list cannot reach is left to other sweeps, and holds nothing back; a record that is still to be read by
    itself does.
    """
    name, main = _first_of(checkpoint, FRESH)
    covered = main.cursor.until if main and main.cursor else checkpoint.start
    if covered is None:
        return None
    covered = _held_to(checkpoint, name, covered)
    for state in checkpoint.sweeps.values():
        if state.to_fetch:
            covered = min([covered, *state.to_fetch.values()])
    return covered


def _first_of(checkpoint: Checkpoint, names: Sequence[str]) -> tuple[str, SweepState | None]:
    for name in names:
        if state := checkpoint.sweeps.get(name):
            return name, state
    return "", None


def gap_seconds(checkpoint: Checkpoint) -> float:
    """Return the seconds of the covered range that are still missing; overlapping gaps count once."""
    if not checkpoint.gaps:  # as nearly always, and each scrape asks for each stream
        return 0.0
    return Ranges.of((gap.start, gap.end) for gap in checkpoint.gaps).length.total_seconds()


def _but_for_gaps(checkpoint: Checkpoint, asked: tuple[datetime, datetime], sweep: str) -> Ranges:
    """Return a range but for what this sweep has not read of it; the latest parts of that, if there are many."""
    if not checkpoint.gaps:
        return Ranges((asked,)) if asked[0] < asked[1] else Ranges()
    gaps = [(gap.start, gap.end) for gap in checkpoint.gaps if gap.sweep == sweep]
    return (Ranges.of([asked]) - Ranges.of(gaps)).last(_MOST_PARTS)


def _held_to(checkpoint: Checkpoint, sweep: str, until: datetime) -> datetime:
    """Return up to when nothing is missing that holds this sweep back, `until` at most.

    What a list does not reach is left to an audit: it holds back the one that could not read it, and no other sweep.
    """
    if not checkpoint.gaps:
        return until
    own = [gap for gap in checkpoint.gaps if gap.kind != UNREADABLE or gap.sweep == sweep == "audit"]
    missing = [(gap.start, gap.end) for gap in own]
    if not missing:
        return until
    start = min(until, *(since for since, _ in missing))
    return (Ranges.of([(start, until)]) - Ranges.of(missing)).reaches(start)


def open_gap(checkpoint: Checkpoint, found: Gap) -> None:
    """Remember a gap; one that overlaps it, of the same sweep and kind, grows.

    What an audit found unreadable again is as good as new: no audit closes what it did not read itself. What is left to
    passes of its own is missing once: where the sweep's pass broke off in it before, that gap gives way, for its next
    pass begins beyond it.
    """
    again = found.sweep == "audit" and found.kind == UNREADABLE
    for gap in [gap for gap in checkpoint.gaps if _touch(gap, found)]:
        checkpoint.gaps.remove(gap)
        start, end = min(gap.start, found.start), max(gap.end, found.end)
        since = found.since if again else min(gap.since, found.since)
        read_to = gap.read_to if found.start >= gap.start else None
        found = msgspec.structs.replace(found, start=start, end=end, since=since, read_to=read_to, step=gap.step)
    if found.kind in MADE_UP_FOR:
        checkpoint.gaps = [left for gap in checkpoint.gaps if (left := _given_way(gap, found))]
    checkpoint.gaps.append(found)


def _given_way(gap: Gap, found: Gap) -> Gap | None:
    """Return what of a gap, of a pass that broke off, is not part of one that was found; None where nothing is."""
    if gap.kind != BROKEN or gap.sweep != found.sweep or not found.start <= gap.start < found.end:
        return gap
    return msgspec.structs.replace(gap, start=found.end) if found.end < gap.end else None


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
    if now - checkpoint.suspect >= AGREED:
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
