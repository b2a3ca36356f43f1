"""The work of a pass, a sweep's or a gap's: its next page. Single records are in `fetch_work`, slices in `slice_work`.

A work is made for one step. What lasts from page to page, the pass that is under way, is a `Reading`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from poller.errors import Shifted
from poller.events.batch import Batch, PageContext
from poller.plugin.stream import End, Page
from poller.polling.progress import deletions, passes
from poller.polling.progress.coverage import FRESH, OUTAGE
from poller.polling.progress.expected_rate import Polled, count_new, judge_silence
from poller.polling.progress.findings import note_found
from poller.polling.runtime import Names, Reading, StreamRuntime, SweepRuntime
from poller.retry import Retry
from poller.state.checkpoint import Checkpoint, Gap
from poller.telemetry import Telemetry


class Work(Protocol):
    """One request's worth of work on a stream.

    `names` are what it is counted under: source, stream, and the sweep, or "backfill". `retry` counts its own failures;
    what concerns the whole source is the circuit breaker's. `retry_factor` lengthens its waits. `starts_over`: a list
    that moved under it is read again at once. `tidies`: seen is tidied after its last page. `cut_short`: the page that
    came is the last one that is read, though the list goes on.
    """

    stream: StreamRuntime
    names: Names
    retry: Retry
    retry_factor: float
    starts_over: bool
    tidies: bool
    cut_short: bool

    async def ask(self) -> Page:
        """Ask for the next page. Raises SourceError."""
        ...

    def context(self, now: datetime) -> PageContext:
        """Return what the page is judged under."""
        ...

    def received(self, page: Page, batch: Batch) -> bool:
        """Count what came; return True where there is something to commit."""
        ...

    def succeeded(self, checkpoint: Checkpoint, page: Page, batch: Batch, now: datetime) -> None:
        """Change a copy of the stream's checkpoint as the page makes true; it is committed with the batch."""
        ...

    def failed(self, checkpoint: Checkpoint, error: Exception, now: datetime) -> None:
        """Change a copy of the stream's checkpoint after a failure."""
        ...

    def report(self, telemetry: Telemetry, page: Page) -> None:
        """Count and log what the page made true. It is committed."""
        ...

    async def finish(self) -> None:
        """Let go of the pass that is complete and committed, and forget its failures."""
        ...

    async def close(self) -> None:
        """Let go of the pass that failed."""
        ...

    def abandon(self) -> None:
        """Forget the pass under way: its request was given up at a stop, which is no failure."""
        ...


class PassWork:
    """The next page of a sweep's pass over its own window, or of a pass that makes up for a gap."""

    cut_short = False

    def __init__(self, run: SweepRuntime, reading: Reading, behind: Callable[[], timedelta | None]) -> None:
        """`behind` is how far the vendor's clock is behind ours; None where it has not answered yet."""
        self.run, self.reading, self._behind = run, reading, behind
        self.stream, self.names = run.stream, run.names
        gap = reading.covers.gap
        self.retry = run.gap_retry if gap else run.retry
        # A list without an end is read from its gap to now: soon once, for most doubts pass, then ever more seldom.
        self.retry_factor = min(5.0 * (1 + self.retry.failures), 60.0) if gap and not run.sweep.ranges else 1.0
        self.starts_over, self.tidies = gap is None, True
        self._closed: list[Gap] = []
        self._notice: str | None = None
        self._collapse: tuple[float, float] | None = None
        self._silent = False

    async def ask(self) -> Page:
        """Ask for the next page of the pass; a fetch that just returns ends it."""
        return await anext(self.reading.pages, LAST)

    def context(self, now: datetime) -> PageContext:
        """Return what the page is judged under: a sweep's first complete pass notes old records in silence.

        So does what makes up for a first pass; nothing else has a gap from before the stream's `start`.
        """
        gap, start = self.reading.covers.gap, self.stream.checkpoint.start
        is_left = gap is not None and (gap.kind == OUTAGE or (start is not None and gap.start <= start))
        return sweep_context(self.run, now, left_behind=is_left)

    def received(self, page: Page, batch: Batch) -> bool:
        """Count what came; return True where there is something to commit: a page that changes nothing is not."""
        self.reading.covers.count(batch)
        self.cut_short = page.end is None and self._is_outage()
        known = self.stream.checkpoint.facts
        self._notice = None if page.notice in known else page.notice
        told = self._notice or not page.facts <= set(known)
        return bool(page.end or self.cut_short or page.to_fetch or told or batch.messages or batch.seen.entries)

    def _is_outage(self) -> bool:
        """Return True where the first answer says that the pass, begun before it, is too long for one."""
        covers, behind = self.reading.covers, self._behind()
        if covers.pages != 1 or covers.gap or self.run.once or behind is None:
            return False
        return passes.is_too_long(self.stream.checkpoint, self.run.sweep, self._vendor_began())

    def succeeded(self, checkpoint: Checkpoint, page: Page, batch: Batch, now: datetime) -> None:
        """Note what the page names; with the last one the pass is complete."""
        sweep, covers = self.run.sweep, self.reading.covers
        passes.note_page(checkpoint, sweep, page, now)
        note_found(checkpoint, sweep, batch.counts.found_ages)
        if self.run.state.complete and not (covers.gap or sweep.is_audit):
            count_new(checkpoint, batch.counts.created, self._polled(), now)
        if page.end is None:
            if self.cut_short:
                passes.leave_behind(checkpoint, sweep, self._vendor_began())
            return
        if sweep.snapshot:
            gone = deletions.missing_members(checkpoint, sweep, covers.identities, now)
            deletions.add_deletions(batch, self.stream.shape, gone, self.stream.seen, now)
            covers.events += len(gone)
        polled = self._polled()
        self._closed = passes.complete_pass(checkpoint, sweep, covers, page.end, now)
        if sweep.name in FRESH and not covers.gap:
            self._silent = judge_silence(checkpoint, polled, now)
        self._collapse = passes.judge_density(checkpoint, sweep, covers, now)

    def _polled(self) -> Polled:
        """Return how often the stream's main sweep is polled, and when it was complete last."""
        main = next((run for run in self.stream.sweeps if run.sweep.name in FRESH), self.run)
        return Polled(main.sweep.every, main.state.last_success)

    def failed(self, checkpoint: Checkpoint, error: Exception, now: datetime) -> None:
        """Break the pass off; one whose list moved under it starts over."""
        sweep, covers = self.run.sweep, self.reading.covers
        if self.run.once and not covers.gap:
            self.run.once.tries += 1
        if isinstance(error, Shifted) and self.starts_over:
            passes.start_over(checkpoint, sweep, covers, error.until, now)
        elif not (self._never_ends() and passes.leave_behind(checkpoint, sweep, self._vendor_began())):
            passes.break_off(checkpoint, sweep, covers, now)
        checkpoint.sweeps[sweep.name].last_error = passes.error_text(error)

    def _vendor_began(self) -> datetime:
        """Return when the pass began, by the vendor's clock where that is behind ours: ours may have been stepped."""
        return self.reading.covers.began - (self._behind() or timedelta(0))

    def _never_ends(self) -> bool:
        """Return True if the sweep's pass broke off on the way three times in a row: it is too long for this vendor."""
        return bool(self.starts_over and self.reading.covers.pages and self.retry.failures >= passes.SHIFTS)

    def report(self, telemetry: Telemetry, page: Page) -> None:
        """Count and log a pass that is complete, the gaps that it closed, and what is odd about it."""
        if self._notice:
            telemetry.notice("list.doubtful", source=self.names[0], stream=self.names[1], reason=self._notice)
        if page.end is None:
            if self.cut_short:
                left = self.stream.checkpoint.gaps[-1]
                telemetry.gap_opened(*self.names, left.start, left.end, left.kind)
            return
        if page.end.unsupported:
            telemetry.sweep_unsupported(*self.names, why=page.end.unsupported)
        rate = self.stream.checkpoint.rate
        if self._silent and rate:
            telemetry.fell_silent(*self.names[:2], since=rate.last, due=rate.due or 0.0)
        if self._collapse:
            telemetry.suspected(*self.names, *self._collapse)
        for gap in self._closed:
            telemetry.gap_closed(*self.names[:2], gap.sweep)
        covers = self.reading.covers
        asked = (covers.window.start, covers.window.end)
        telemetry.poll_completed(*self.names, pages=covers.pages, records=covers.records, window=asked)

    async def finish(self) -> None:
        """Forget the sweep's failures, or the gap's."""
        self.run.finish(self.reading)
        await self.reading.close()

    async def close(self) -> None:
        """Let go of the pages that are not read any more."""
        self.run.end(self.reading)
        await self.reading.close()

    def abandon(self) -> None:
        """Forget the pass: it begins anew at the next start."""
        self.run.end(self.reading)


def sweep_context(run: SweepRuntime, now: datetime, *, left_behind: bool = False) -> PageContext:
    """Return what a record that a sweep brings is judged under; `left_behind`: it comes out of such a range."""
    stream, state = run.stream, run.state
    is_first = not run.sweep.snapshot and (left_behind or not state.complete)
    return PageContext(
        now=now,
        baseline=stream.checkpoint.start if is_first else None,
        doubts=stream.doubts,
        is_audit=run.sweep.is_audit and state.complete,
        names=run.sweep.snapshot,
        reached=stream.live_reach(),
        live_by_modified=stream.live_by_modified,
    )


LAST = Page((), end=End())
"""The page that stands for a fetch which just returns: the pass is complete."""
