"""What the audits of a stream found: why faster sweeps missed it, how old it was, and which lookback would reach it.

An audit that finds a record cannot tell when the vendor began to show it; but by then it did. So the age at which it
was found is the longest time that it can have taken to appear, and a sweep that looks back as far would have brought
it. Ages are kept as a histogram for each reason, in the checkpoint.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import accumulate

from poller.humanize import format_duration, format_seconds
from poller.plugin.stream import Sweep
from poller.state.checkpoint import Checkpoint
from poller.telemetry.status import FindingStatus

_M, _H = 60, 3600
BOUNDS = (_M, 5 * _M, 10 * _M, 20 * _M, 40 * _M, _H, 2 * _H, 4 * _H, 8 * _H, 24 * _H, 48 * _H, 72 * _H, 168 * _H)
"""Upper bounds of the ages that are told apart, in seconds."""
_LOOKBACKS = (5 * _M, 10 * _M, 30 * _M, _H, 3 * _H, 6 * _H, 12 * _H, 36 * _H, 72 * _H, 96 * _H, 240 * _H)
"""The lookbacks that are recommended, in seconds."""
_MARGIN = 1.25
"""A lookback is longer than the ages that it is to reach, at least by so much."""
_MOST = 0.95
"""The share of what was found that a lookback has to reach."""
_REPEATS = 10
"""The number of records from which a reason repeats."""
_REMEMBERED = 1000
"""With more records than these in a histogram, each of its numbers is halved: what was long ago counts less."""


def note_found(checkpoint: Checkpoint, sweep: Sweep, found: Iterable[tuple[str, float]]) -> None:
    """Count what an audit brought: a reason and an age in seconds for each record."""
    state = checkpoint.sweeps[sweep.name]
    for reason, age in found:
        counts = list(state.found_ages.get(reason, ()))
        if len(counts) != len(BOUNDS) + 1:  # the first one; or another version told other ages apart
            counts = [0] * (len(BOUNDS) + 1)
        counts[bisect_left(BOUNDS, age)] += 1
        if sum(counts) > _REMEMBERED:
            counts = [count // 2 for count in counts]
        state.found_ages[reason] = tuple(counts)


def findings(checkpoint: Checkpoint, sweeps: Sequence[Sweep]) -> list[FindingStatus]:
    """Return what the audits among a stream's sweeps found, by sweep and reason."""
    return [
        _finding(sweep, reason, counts, sweeps)
        for sweep in sweeps
        if sweep.name in checkpoint.sweeps
        for reason, counts in sorted(checkpoint.sweeps[sweep.name].found_ages.items())
        if len(counts) == len(BOUNDS) + 1
    ]


def _finding(audit: Sweep, reason: str, counts: Sequence[int], sweeps: Sequence[Sweep]) -> FindingStatus:
    records = sum(counts)
    place = next(number for number, sofar in enumerate(accumulate(counts)) if sofar >= _MOST * records)
    text = f"{audit.name} found {records:,} {reason}"
    if reason == "skipped" or records < _REPEATS or place == len(BOUNDS):
        return FindingStatus(audit.name, reason, records, text)
    share, within = sum(counts[: place + 1]) / records, BOUNDS[place]
    text += f", {share:.0%} of them within {format_seconds(within)} of their own time"
    if advice := _advice(audit, timedelta(seconds=within), sweeps):
        by_stamp = "" if reason == "late" else " (unless it asks by modification)"  # of an edit that is a later time
        text += f"; these would have come sooner with {advice}{by_stamp}"
    return FindingStatus(audit.name, reason, records, text, share, within, advice)


def _advice(audit: Sweep, within: timedelta, sweeps: Sequence[Sweep]) -> str | None:
    """Return the setting by which the widest of the faster sweeps would reach so far back; None where it does."""
    faster = [
        (sweep.lookback, sweep.name)
        for sweep in sweeps
        if sweep.lookback and not (sweep.is_audit or sweep.advisory or sweep.from_lookback_only)
    ]
    wanted = next((found for found in _LOOKBACKS if found >= _MARGIN * within.total_seconds()), None)
    if not faster or wanted is None:
        return None
    (has, name), lookback = max(faster), timedelta(seconds=wanted)
    if has >= lookback or (audit.lookback and lookback > audit.lookback):
        return None
    return f"{name}.lookback: {format_duration(lookback)}"
