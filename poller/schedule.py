"""Which sweep reads the next page: what is due, what waits, and who goes first."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poller.batch import Batch
from poller.coverage import SHIFTED
from poller.events import Shape
from poller.ledger.records import Backfill, Checkpoint, Gap, SweepState
from poller.model import Cursor, Page, Stream, Sweep, Window
from poller.seen import Seen


@dataclass(slots=True, eq=False)
class Pass:
    """One run of one sweep, under way; `gap` is the range it makes up for, where it is not the sweep's own window.
    `found` are the identities it met, where that matters (a snapshot)."""

    window: Window
    pages: AsyncIterator[Page]
    began: datetime
    gap: Gap | None = None
    cursor: Cursor | None = None
    read: int = 0
    records: int = 0
    events: int = 0
    found: set[str] = field(default_factory=set)

    async def next_page(self) -> Page | None:
        """Ask for the next page; None after the last."""
        return await anext(self.pages, None)

    def take(self, page: Page, batch: Batch) -> None:
        """Count what a page came to."""
        self.read += 1
        self.records += batch.records
        self.events += batch.events.total()
        self.found |= batch.identities
        self.cursor = page.cursor or self.cursor

    async def close(self) -> None:
        """Let go of the pages that are not read any more."""
        if isinstance(self.pages, AsyncGenerator):
            await self.pages.aclose()


@dataclass(slots=True, eq=False)
class SweepRun:
    """One sweep of one stream, as this process knows it; what must outlive the process is in the checkpoint."""

    sweep: Sweep
    stream: "StreamRun"
    current: Pass | None = None
    makes_up: Pass | None = None
    failures: int = 0
    retry_at: datetime | None = None
    tries: int = 0
    forced: bool = False
    completed: bool = False
    done: bool = False
    gap_failures: int = 0
    gap_retry_at: datetime | None = None
    reread_failures: int = 0
    reread_retry_at: datetime | None = None

    def begin(self, begun: Pass) -> Pass:
        """A pass is under way; one that makes up for a gap does not stand in the way of the sweep's own."""
        if begun.gap:
            self.makes_up = begun
        else:
            self.current = begun
        return begun

    def under_way(self, gap: Gap | None) -> Pass | None:
        """The pass over this gap, or the sweep's own."""
        if gap is None:
            return self.current
        return self.makes_up if self.makes_up and self.makes_up.gap == gap else None

    def end(self, ended: Pass) -> None:
        """A pass is over, one way or the other."""
        if ended is self.makes_up:
            self.makes_up = None
        if ended is self.current:
            self.current = None

    def finish(self, finished: Pass) -> None:
        """A pass is complete."""
        self.end(finished)
        if finished.gap:
            self.gap_failures, self.gap_retry_at = 0, None
        else:
            self.failures, self.retry_at, self.completed = 0, None, True

    @property
    def names(self) -> tuple[str, str, str]:
        """Source, stream and sweep, as every metric and log line has them."""
        return self.stream.source, self.stream.stream.name, self.sweep.name

    @property
    def state(self) -> SweepState:
        """Where the checkpoint has this sweep."""
        return self.stream.checkpoint.sweeps[self.sweep.name]


@dataclass(slots=True, eq=False)
class StreamRun:
    """One stream, as this process knows it. `busy` from asking for a page until it is committed: one at a time."""

    source: str
    stream: Stream
    shape: Shape
    checkpoint: Checkpoint
    seen: Seen
    doubts: set[int]
    keep: timedelta | None
    sweeps: list[SweepRun] = field(default_factory=list)
    polled: bool = False
    busy: bool = False
    tidied: datetime | None = None
    slice: Pass | None = None
    slice_failures: int = 0
    slice_retry_at: datetime | None = None
    given_up: bool = False

    @property
    def name(self) -> str:
        """`source/stream`, as the state names it."""
        return f"{self.source}/{self.stream.name}"

    @property
    def backfill(self) -> Backfill | None:
        """The history that is still to be read."""
        backfill = self.checkpoint.backfill
        return backfill if backfill and self.stream.history and not backfill.done and not self.given_up else None

    def live_reach(self) -> datetime | None:
        """Where the window of `live` begins now; None before its first complete pass."""
        state = self.checkpoint.sweeps.get("live")
        lookback = next((run.sweep.lookback for run in self.sweeps if run.sweep.name == "live"), None)
        return state.cursor.until - lookback if state and state.cursor and lookback else None


def due_at(run: SweepRun) -> datetime:
    """When this sweep may ask for its next page."""
    due = run.state.due or run.stream.checkpoint.started
    if run.current is not None or run.forced:
        due = run.stream.checkpoint.started
    return max(due, run.retry_at) if run.retry_at else due


def choose(runs: Iterable[SweepRun], now: datetime) -> SweepRun | None:
    """The sweep that reads next: the shortest `every` first, but what is overdue by its own `every` before that."""
    ready = [run for run in runs if not run.done and not run.stream.busy and due_at(run) <= now]
    return min(ready, key=lambda run: _rank(run, now), default=None)


def _rank(run: SweepRun, now: datetime) -> tuple[bool, float, timedelta]:
    overdue = (now - (run.state.due or run.stream.checkpoint.started)) / run.sweep.every
    return (overdue <= 1, -overdue if overdue > 1 else 0, run.sweep.every)


def next_gap(runs: Iterable[SweepRun], now: datetime) -> tuple[SweepRun, Gap] | None:
    """The oldest gap that no pass of its sweep will read by itself, and the sweep that may try now."""
    gaps = [(run, gap) for run in runs if _may_make_up(run, now) for gap in _own_gaps(run)]
    return min(gaps, key=lambda pair: pair[1].start, default=None)


def _own_gaps(run: SweepRun) -> list[Gap]:
    return [gap for gap in run.stream.checkpoint.gaps if gap.sweep == run.sweep.name and gap.kind == SHIFTED]


def next_reread(runs: Iterable[SweepRun], now: datetime) -> tuple[SweepRun, str] | None:
    """The record that waits longest to be read by itself, of a stream that is free to."""
    free = [run for run in runs if not run.stream.busy and (run.reread_retry_at is None or run.reread_retry_at <= now)]
    waiting = [
        (since, run, name) for run in free for name, since in run.state.left.items() if may_reread(run, name, now)
    ]
    found = min(waiting, key=lambda candidate: candidate[0], default=None)
    return None if found is None else (found[1], found[2])


def next_history(streams: Iterable[StreamRun], now: datetime) -> StreamRun | None:
    """The stream whose history was ordered first, of those that are free to read some."""
    found = [
        (stream.backfill.ordered, stream)
        for stream in streams
        if stream.backfill and not stream.busy and (stream.slice_retry_at is None or stream.slice_retry_at <= now)
    ]
    return min(found, key=lambda pair: pair[0], default=(None, None))[1]


def may_reread(run: SweepRun, name: str, now: datetime) -> bool:
    """At most once per `every` and record."""
    last = run.state.reread.get(name)
    return last is None or now - last >= run.sweep.every


def _may_make_up(run: SweepRun, now: datetime) -> bool:
    return not run.stream.busy and (run.gap_retry_at is None or run.gap_retry_at <= now)


def _reread_times(run: SweepRun) -> list[datetime]:
    """When the first of the named records may be read: not before these."""
    first = min(
        run.state.reread[name] + run.sweep.every if name in run.state.reread else since
        for name, since in run.state.left.items()
    )
    return [first, *([run.reread_retry_at] if run.reread_retry_at else [])]


def wake_at(runs: Sequence[SweepRun], streams: Sequence[StreamRun] = ()) -> datetime | None:
    """When the next sweep, gap, record or slice that waits for its time may ask; None where nothing waits for a time.

    Never a time that is past, unless there is something to do: the loop would spin.
    """
    free = [run for run in runs if not run.stream.busy]
    times = [due_at(run) for run in free if not run.done]
    times += [run.gap_retry_at for run in free if run.gap_retry_at and _own_gaps(run)]
    times += [max(_reread_times(run)) for run in free if run.state.left]
    waiting = [stream for stream in streams if stream.backfill and not stream.busy]
    times += [stream.slice_retry_at for stream in waiting if stream.slice_retry_at]
    return min(times, default=None)
