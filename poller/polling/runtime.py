"""What this process knows of the streams it polls: their sweeps, and the passes under way."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poller.events.batch import Batch
from poller.events.cloudevent import StreamInfo
from poller.events.seen import Seen
from poller.plugin.stream import Cursor, Page, Stream, Sweep, Window
from poller.state.checkpoint import Backfill, Checkpoint, Gap, SweepState


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
        self.cursor = page.end.cursor if page.end else None

    async def close(self) -> None:
        """Let go of the pages that are not read any more."""
        if isinstance(self.pages, AsyncGenerator):
            await self.pages.aclose()


@dataclass(slots=True, eq=False)
class SweepRuntime:
    """One sweep of one stream, as this process knows it; what must outlive the process is in the checkpoint."""

    sweep: Sweep
    stream: "StreamRuntime"
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
class StreamRuntime:
    """One stream, as this process knows it. `busy` from asking for a page until it is committed: one at a time."""

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
    slice: Pass | None = None
    slice_failures: int = 0
    slice_retry_at: datetime | None = None
    given_up: bool = False

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

    def live_reach(self) -> datetime | None:
        """Where the window of `live` begins now; None before its first complete pass."""
        state = self.checkpoint.sweeps.get("live")
        lookback = next((run.sweep.lookback for run in self.sweeps if run.sweep.name == "live"), None)
        return state.cursor.until - lookback if state and state.cursor and lookback else None
