"""The knowledge of this process about the streams that it polls: their sweeps, and the passes under way."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.clock import later
from poller.events.batch import Batch
from poller.events.cloudevent import StreamInfo
from poller.events.seen import Seen
from poller.plugin.stream import Page, Stream, Sweep
from poller.polling.progress.announce import Progress
from poller.polling.progress.expected_rate import follow_step
from poller.polling.progress.passes import Pass
from poller.retry import Retry
from poller.state.checkpoint import Backfill, Checkpoint, Gap, SweepState

Names: TypeAlias = tuple[str, str, str]
"""Source, stream and sweep, as every metric and log line has them."""


@dataclass(slots=True, eq=False)
class Reading:
    """A pass under way: what it covers so far, and its pages that are still to come."""

    covers: Pass
    pages: AsyncIterator[Page]

    async def close(self) -> None:
        """Let go of the pages that are not read any more."""
        if isinstance(self.pages, AsyncGenerator):
            await self.pages.aclose()


@dataclass(slots=True)
class Once:
    """A sweep's record for `run --once`: how often its pass failed, and whether it is done, or given up.

    `unfetched`: a record that the sweep named could not be read by itself.
    """

    tries: int = 0
    done: bool = False
    unfetched: bool = False


@dataclass(slots=True, eq=False)
class SweepRuntime:
    """One sweep of one stream, as this process knows it; what must outlive the process is in the checkpoint.

    `current` is its own pass, `makes_up` the one over a gap; each kind of work has a `Retry` of its own. `once` is None
    where the sweep is polled again and again.
    """

    sweep: Sweep
    stream: "StreamRuntime"
    current: Reading | None = None
    makes_up: Reading | None = None
    retry: Retry = field(default_factory=Retry)
    gap_retry: Retry = field(default_factory=Retry)
    fetch_retry: Retry = field(default_factory=Retry)
    once: Once | None = None

    def begin(self, begun: Reading) -> Reading:
        """Note a pass that begins; one that makes up for a gap does not stand in the way of the sweep's own."""
        if begun.covers.gap:
            self.makes_up = begun
        else:
            self.current = begun
        return begun

    def under_way(self, gap: Gap | None) -> Reading | None:
        """Return the pass over this gap, or the sweep's own; None where none is under way."""
        if gap is None:
            return self.current
        return self.makes_up if self.makes_up and self.makes_up.covers.gap == gap else None

    def end(self, ended: Reading) -> None:
        """Forget a pass that is over, complete or not."""
        if ended is self.makes_up:
            self.makes_up = None
        if ended is self.current:
            self.current = None

    def finish(self, finished: Reading) -> None:
        """Note that a pass is complete: its failures are forgotten."""
        self.end(finished)
        if finished.covers.gap:
            self.gap_retry.succeeded()
            return
        self.retry.succeeded()
        if self.once:
            self.once.done = True

    def delay_first_poll(self, by: timedelta) -> None:
        """Have the ticks of a sweep that was never complete begin later: those of all sources would be the same."""
        if self.state.last_success is None and self.state.due:
            self.state.due += by

    @property
    def retries(self) -> tuple[Retry, Retry, Retry]:
        """The failures of its passes, of its gaps, of its single records."""
        return self.retry, self.gap_retry, self.fetch_retry

    @property
    def done(self) -> bool:
        """True if `run --once` is done with this sweep."""
        return self.once is not None and self.once.done

    @property
    def names(self) -> Names:
        """Source, stream and sweep."""
        return self.stream.source, self.stream.stream.name, self.sweep.name

    @property
    def state(self) -> SweepState:
        """The checkpoint's state of this sweep."""
        return self.stream.checkpoint.sweeps[self.sweep.name]


@dataclass(slots=True, eq=False)
class StreamRuntime:
    """One stream, as this process knows it. `busy` from asking for a page until it is committed: one at a time.

    `slice` is the slice of ordered history that is under way, `slice_shifts` how often in a row it contradicted itself;
    `given_up` says that its order is, by this process. `stepped` are the steps of our clock that its times follow,
    `said` is what its status said last of how far it is complete; `looked` is when the fields of a record of it were
    looked at last (`drift`).
    """

    source: str
    stream: Stream
    shape: StreamInfo
    checkpoint: Checkpoint
    seen: Seen
    doubts: set[int]
    keep: timedelta | None
    sweeps: list[SweepRuntime] = field(default_factory=list)
    polled: bool = False
    busy: bool = False
    tidied: datetime | None = None
    slice: Reading | None = None
    slice_retry: Retry = field(default_factory=Retry)
    slice_shifts: int = 0
    given_up: bool = False
    stepped: timedelta = timedelta(0)
    said: Progress | None = None
    looked: datetime | None = None

    @property
    def names(self) -> tuple[str, str]:
        """Source and stream."""
        return self.source, self.stream.name

    @property
    def name(self) -> str:
        """`source/stream`, as the state names it."""
        return f"{self.source}/{self.stream.name}"

    @property
    def backfill(self) -> Backfill | None:
        """The history that is still to be read."""
        backfill = self.checkpoint.backfill
        return backfill if backfill and self.stream.history and not backfill.done and not self.given_up else None

    def adopt(self, checkpoint: Checkpoint, batch: Batch) -> None:
        """Take over what a commit has just made true."""
        self.checkpoint = checkpoint
        self.doubts -= batch.seen.delivered
        self.seen.put(batch.seen.touched)
        self.seen.put(batch.seen.entries, batch.seen.rows())

    def shift(self, by: timedelta) -> None:
        """Have all that waits for a time wait for one so much later: our clock was stepped."""
        for run in self.sweeps:
            state = run.state
            state.due = later(state.due, by)
            state.to_fetch = {record_id: since + by for record_id, since in state.to_fetch.items()}
            state.fetched = {record_id: at + by for record_id, at in state.fetched.items()}
        for retry in (self.slice_retry, *(retry for run in self.sweeps for retry in run.retries)):
            retry.at = later(retry.at, by)
        for reading in (self.slice, *(reading for run in self.sweeps for reading in (run.current, run.makes_up))):
            if reading:
                reading.covers.began += by
        self.tidied = later(self.tidied, by)
        checkpoint = self.checkpoint
        checkpoint.suspect = later(checkpoint.suspect, by)
        checkpoint.rate = follow_step(checkpoint.rate, by) if checkpoint.rate else None

    @property
    def live_by_modified(self) -> bool:
        """True if the window of `live` is about the records' modification stamp."""
        return any(run.sweep.by_modified for run in self.sweeps if run.sweep.name == "live")

    def live_reach(self) -> datetime | None:
        """Return where the window of `live` begins now; None before its first complete pass."""
        state = self.checkpoint.sweeps.get("live")
        lookback = next((run.sweep.lookback for run in self.sweeps if run.sweep.name == "live"), None)
        return state.cursor.until - lookback if state and state.cursor and lookback else None
