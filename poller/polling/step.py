"""One step of the loop: a page is asked for, transformed and delivered; or it failed, and who must waits."""

import copy
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import anyio

from poller.errors import Denied, Shifted, SourceError, Throttled
from poller.events.batch import Batch, PageContext
from poller.events.transform import transform
from poller.http.session import Session
from poller.plugin.stream import End, Page
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress import deletions, passes
from poller.polling.progress.windows import around, window
from poller.polling.runtime import Pass, StreamRuntime, SweepRuntime
from poller.state.checkpoint import Checkpoint, Gap
from poller.state.ledger import Change, Ledger, OwnershipLost
from poller.telemetry import Telemetry

Names: TypeAlias = tuple[str, str, str]
"""Source, stream and sweep, as every metric and log line has them."""

_TIDY_EVERY = timedelta(hours=1)


class Steps:
    """The steps of one source's pipeline. A stream takes one at a time; the pipeline sees to that."""

    def __init__(
        self,
        session: Session,
        ledger: Ledger,
        telemetry: Telemetry,
        now: Callable[[], datetime],
        breaker: CircuitBreaker,
    ) -> None:
        self._session, self._ledger, self._telemetry, self._now = session, ledger, telemetry, now
        self._patience = breaker
        self._reading: set[anyio.CancelScope] = set()

    @property
    def reading(self) -> bool:
        """Whether a page is being asked for."""
        return bool(self._reading)

    def cancel_requests(self) -> None:
        """Give up what is being asked for."""
        for scope in self._reading:
            scope.cancel()

    def _begin(self, run: SweepRuntime, gap: Gap | None) -> Pass:
        now, state = self._now(), run.state
        asked = window(run.sweep, state.origin or now, state.cursor, now)
        if gap:
            asked = around(run.sweep, gap.start, gap.end)
        return run.begin(Pass(asked, run.sweep.fetch(self._session, state.cursor, asked), now, gap))

    async def page(self, run: SweepRuntime, gap: Gap | None = None) -> None:
        """Read the next page of a sweep's pass, or of the one that makes up for a gap, and deliver it."""
        current, asked_at = run.under_way(gap) or self._begin(run, gap), self._now()
        try:
            page, over = await self.ask(current.next_page())
            if over:
                run.end(current)
                return
            page = page or Page((), end=End())
            batch = self.judge(run, page)
        except OwnershipLost:  # a token could not be saved: that is not the vendor's trouble
            raise
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file stays its sweep's trouble
            await self._fail(run, current, error, asked_at)
        else:
            self._patience.accepted()
            current.take(page, batch)
            await self._deliver(run, current, page, batch)

    async def ask(self, asking: Awaitable[Page | None]) -> tuple[Page | None, bool]:
        """The page, and whether nobody wants it any more."""
        with anyio.CancelScope() as scope:
            self._reading.add(scope)
            try:
                return await asking, False
            finally:
                self._reading.discard(scope)
        return None, True

    def judge(self, run: SweepRuntime, page: Page) -> Batch:
        """What a sweep's page comes to."""
        stream, state = run.stream, run.state
        moment = PageContext(
            now=self._now(),
            baseline=None if state.complete or run.sweep.snapshot else stream.checkpoint.start,
            doubts=stream.doubts,
            is_audit=run.sweep.is_audit and state.complete,
            names=run.sweep.snapshot,
            reached=stream.live_reach(),
        )
        return self.transform(stream, run.names, page, moment)

    def transform(self, stream: StreamRuntime, names: Names, page: Page, moment: PageContext) -> Batch:
        """What a page comes to; `names` are what it is counted under."""
        batch = transform(stream.stream, stream.shape, page.records, stream.seen, moment)
        self._telemetry.page_read(*names, records=batch.records, duplicates=batch.duplicates, stale=batch.stale)
        return batch

    async def _deliver(self, run: SweepRuntime, current: Pass, page: Page, batch: Batch) -> None:
        checkpoint, now = copy.deepcopy(run.stream.checkpoint), self._now()
        said = passes.page(checkpoint, run, page, now)
        if page.end and run.sweep.snapshot:
            gone = deletions.missing_members(checkpoint, run, current, now)
            deletions.add_deletions(batch, run.stream.shape, gone, run.stream.seen, now)
            current.events += len(gone)
        unsupported = page.end.unsupported if page.end else None
        closed = passes.complete(checkpoint, run, current, now, unsupported) if page.end else []
        collapse = passes.suspect(checkpoint, run, current, now) if page.end else None
        if page.end or said or batch.messages or batch.entries:
            await self.commit(run.stream, checkpoint, batch)
        self.tell(run.names, batch)
        if unsupported:
            self._telemetry.sweep_unsupported(*run.names, why=unsupported)
        if collapse:
            self._telemetry.suspected(*run.names, *collapse)
        if page.end:
            await self._finish(run, current, closed)

    async def commit(self, stream: StreamRuntime, checkpoint: Checkpoint, batch: Batch) -> None:
        """Memory moves only after the commit returned."""
        await self._ledger.commit(Change(stream.name, checkpoint, batch))
        stream.checkpoint = checkpoint
        stream.doubts -= batch.delivered
        stream.seen.put(batch.touched)
        stream.seen.put(batch.entries)

    def tell(self, names: Names, batch: Batch) -> None:
        """It is delivered."""
        self._telemetry.page_delivered(
            *names, events=batch.events, rejects=batch.rejects, lateness=batch.lateness, found=batch.found
        )
        if batch.drifted:
            self._telemetry.schema_drifted(*names[:2], sorted(batch.drifted))

    async def _finish(self, run: SweepRuntime, current: Pass, closed: Sequence[Gap]) -> None:
        run.finish(current)
        await current.close()
        for gap in closed:
            self._telemetry.gap_closed(*run.names[:2], gap.sweep)
        asked = (current.window.start, current.window.end)
        self._telemetry.poll_completed(*run.names, pages=current.read, records=current.records, window=asked)
        await self._tidy(run.stream)

    async def _tidy(self, stream: StreamRuntime) -> None:
        now = self._now()
        if stream.tidied is None or now - stream.tidied >= _TIDY_EVERY:
            stream.tidied = now
            before = (now - stream.keep).timestamp() if stream.keep else 0.0
            await self._ledger.tidy(stream.name, stream.seen, before)

    async def _fail(self, run: SweepRuntime, current: Pass, error: Exception, asked_at: datetime) -> None:
        """The pass is over: its sweep, or its source, waits, and starts again from the checkpoint."""
        run.end(current)
        await current.close()
        if not current.gap:
            run.failures += 1
            run.tries += 1
        checkpoint, now = copy.deepcopy(run.stream.checkpoint), self._now()
        if isinstance(error, Shifted) and not current.gap:
            passes.shifted(checkpoint, run, current, error.until, now)
            wait = 0.0
        else:
            passes.broken(checkpoint, run, current, now)
            wait = self.waits(error, self._patience.after(run, current, error, asked_at, now))
        checkpoint.sweeps[run.sweep.name].last_error = passes.error_text(error)
        self._telemetry.poll_failed(*run.names, error=error, outcome=outcome(error), retry_in=wait)
        for gap in checkpoint.gaps:
            if gap.since == now:
                self._telemetry.gap_opened(*run.names, gap.start, gap.end, gap.kind)
        await self.commit(run.stream, checkpoint, Batch())

    def waits(self, error: Exception, wait: float) -> float:
        """What else a failure means for the source, which waits so long."""
        if isinstance(error, Denied):
            self._session.refused()
            self._telemetry.source_denied(self._session.source, error=str(error), wait=wait)
        if isinstance(error, Throttled):
            self._telemetry.source_throttled(self._session.source, seconds=wait)
        return wait


def outcome(error: Exception) -> str:
    """How a pass that failed so is counted."""
    return error.outcome if isinstance(error, SourceError) else "bug"
