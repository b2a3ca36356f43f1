"""The choice of the sweep that reads the next page: what is due, what waits, and who goes first."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from poller.polling.progress.coverage import MADE_UP_FOR
from poller.polling.runtime import StreamRuntime, SweepRuntime
from poller.state.checkpoint import Gap


def due_at(run: SweepRuntime) -> datetime:
    """Return when this sweep may ask for its next page."""
    due = run.state.due or run.stream.checkpoint.started
    if run.current is not None or run.once:
        due = run.stream.checkpoint.started
    return max(due, run.retry.at) if run.retry.at else due


def choose(runs: Iterable[SweepRuntime], now: datetime) -> SweepRuntime | None:
    """Return the sweep that reads next: the shortest `every` first, but one overdue by its own `every` before that."""
    ready = [run for run in runs if not run.done and not run.stream.busy and due_at(run) <= now]
    return min(ready, key=lambda run: _rank(run, now), default=None)


def _rank(run: SweepRuntime, now: datetime) -> tuple[bool, float, timedelta]:
    overdue = (now - (run.state.due or run.stream.checkpoint.started)) / run.sweep.every
    return (overdue <= 1, -overdue if overdue > 1 else 0, run.sweep.every)


def next_gap(runs: Iterable[SweepRuntime], now: datetime) -> tuple[SweepRuntime, Gap] | None:
    """Return the oldest gap that no pass of its sweep will read by itself, and the sweep that may try now."""
    gaps = [(run, gap) for run in runs if _may_make_up(run, now) for gap in _own_gaps(run)]
    return min(gaps, key=lambda pair: pair[1].start, default=None)


def _own_gaps(run: SweepRuntime) -> list[Gap]:
    return [gap for gap in run.stream.checkpoint.gaps if gap.sweep == run.sweep.name and gap.kind in MADE_UP_FOR]


def next_fetch(runs: Iterable[SweepRuntime], now: datetime) -> tuple[SweepRuntime, str] | None:
    """Return the record that waits longest to be read by itself, of a stream that is free to."""
    free = [run for run in runs if not run.stream.busy and run.fetch_retry.ready(now)]
    waiting = [
        (since, run, name) for run in free for name, since in run.state.to_fetch.items() if may_fetch(run, name, now)
    ]
    found = min(waiting, key=lambda candidate: candidate[0], default=None)
    return None if found is None else (found[1], found[2])


def next_history(streams: Iterable[StreamRuntime], now: datetime) -> StreamRuntime | None:
    """Return the stream whose history was ordered first, of those that are free to read some."""
    found = [
        (stream.backfill.ordered, stream)
        for stream in streams
        if stream.backfill and not stream.busy and stream.slice_retry.ready(now)
    ]
    return min(found, key=lambda pair: pair[0], default=(None, None))[1]


def may_fetch(run: SweepRuntime, name: str, now: datetime) -> bool:
    """Return True if a record may be read by itself now: at most once per `every` and record."""
    last = run.state.fetched.get(name)
    return last is None or now - last >= run.sweep.every


def _may_make_up(run: SweepRuntime, now: datetime) -> bool:
    return not run.stream.busy and run.gap_retry.ready(now)


def _fetch_times(run: SweepRuntime) -> list[datetime]:
    """Return the times before which the first of the named records may not be read."""
    first = min(
        run.state.fetched[name] + run.sweep.every if name in run.state.fetched else since
        for name, since in run.state.to_fetch.items()
    )
    return [first, *([run.fetch_retry.at] if run.fetch_retry.at else [])]


def wake_at(runs: Sequence[SweepRuntime], streams: Sequence[StreamRuntime] = ()) -> datetime | None:
    """Return when the next sweep, gap, record or slice may ask; None where nothing waits for a time.

    Never a time that is past, unless there is something to do: the loop would spin.
    """
    free = [run for run in runs if not run.stream.busy]
    times = [due_at(run) for run in free if not run.done]
    times += [run.gap_retry.at for run in free if run.gap_retry.at and _own_gaps(run)]
    times += [max(_fetch_times(run)) for run in free if run.state.to_fetch]
    waiting = [stream for stream in streams if stream.backfill and not stream.busy]
    times += [stream.slice_retry.at for stream in waiting if stream.slice_retry.at]
    return min(times, default=None)
