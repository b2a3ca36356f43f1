"""One step of a source's loop: work is asked for a page, which is transformed and delivered; or it failed, and waits.

The life of a step: `take` asks, makes a batch of what came, and commits batch and checkpoint as one. Memory moves only
after the commit returned. What differs between a sweep's page, a single record and a slice of history is `Work`.
"""

from datetime import datetime, timedelta

import anyio

from poller.clock import Clock, follow
from poller.errors import Denied, Shifted, SourceError, Throttled
from poller.events.batch import Batch
from poller.events.transform import transform
from poller.http.session import Session
from poller.plugin.stream import Page
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.announce import announce
from poller.polling.runtime import StreamRuntime
from poller.polling.work import Work
from poller.state.checkpoint import Checkpoint, only_moves_on
from poller.state.ledger import Change, Ledger, OwnershipLost
from poller.telemetry import Telemetry

_TIDY_EVERY = timedelta(hours=1)
_LOOK_EVERY = timedelta(seconds=1)
"""How often the fields of a stream's news are looked at: at each poll, and not at each page of one that reads many."""


class Step:
    """Takes the steps of one source. A stream takes one at a time; the loop sees to that."""

    def __init__(
        self,
        session: Session,
        ledger: Ledger,
        breaker: CircuitBreaker,
        telemetry: Telemetry,
        now: Clock,
        progress: timedelta | None = None,
    ) -> None:
        """`progress` is how often a stream says how far it is complete, None for never."""
        self._session, self._ledger, self._breaker = session, ledger, breaker
        self._telemetry, self._now, self._progress = telemetry, now, progress
        self._asking: set[anyio.CancelScope] = set()

    @property
    def asking(self) -> bool:
        """True if a request is under way."""
        return bool(self._asking)

    def cancel_requests(self) -> None:
        """Give up the requests that are under way. What was read is delivered all the same."""
        for scope in self._asking:
            scope.cancel()

    async def take(self, work: Work) -> None:
        """Ask for a page of this work, and deliver it. Raises OwnershipLost where the source is not ours any more."""
        asked_at = self._now()
        try:
            page = await self._ask(work)
            if page is None:
                work.abandon()
                return
            batch = self._transform(work, page)
            checkpoint = self._apply(work, page, batch)
        except OwnershipLost:  # a token could not be saved: that is not the vendor's trouble
            raise
        except SystemExit as error:  # what a package's code calls has no say in that
            await self._fail(work, RuntimeError(f"it would have ended the program: {error!r}"), asked_at)
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file stays its sweep's trouble
            await self._fail(work, error, asked_at)
        else:
            self._breaker.close()
            await self._deliver(work, page, batch, checkpoint)

    async def save(self, stream: StreamRuntime, checkpoint: Checkpoint, batch: Batch) -> None:
        """Commit a batch and the checkpoint that it makes true. Memory moves only after that.

        What a crash may lose, memory may hold for a second before it is saved.
        """
        empty = not (batch.messages or batch.seen.entries or batch.seen.delivered)
        may_wait = empty and only_moves_on(stream.checkpoint, checkpoint)
        await self._ledger.commit(Change(stream.name, checkpoint, batch, may_wait))
        stream.adopt(checkpoint, batch)

    async def _ask(self, work: Work) -> Page | None:
        """Return the next page; None where the request was given up."""
        with anyio.CancelScope() as scope:
            self._asking.add(scope)
            try:
                return await work.ask()
            finally:
                self._asking.discard(scope)
                follow(self._now, self._breaker, work.stream)
        return None

    def _transform(self, work: Work, page: Page) -> Batch:
        stream, now = work.stream, self._now()
        looks = stream.looked is None or not timedelta(0) <= now - stream.looked < _LOOK_EVERY
        context = work.context(now).of_page(page, stream.checkpoint.start, looks=looks)
        batch = transform(stream.stream, stream.shape, page.records, stream.seen, context)
        if batch.counts.samples:
            stream.looked = now
        self._telemetry.page_read(*work.names[:2], batch.counts)
        return batch

    def _apply(self, work: Work, page: Page, batch: Batch) -> Checkpoint | None:
        """Return the checkpoint that the page makes true; None where it changes nothing.

        Raises whatever the page of another package brings about that is not what a page is.
        """
        now, checkpoint = self._now(), None
        if work.received(page, batch):
            checkpoint = work.stream.checkpoint.draft()
            work.succeeded(checkpoint, page, batch, now)
            if self._progress and page.end:
                announce(batch, work.stream.shape, checkpoint, self._progress, now)
        return checkpoint

    async def _deliver(self, work: Work, page: Page, batch: Batch, checkpoint: Checkpoint | None) -> None:
        if checkpoint:
            await self.save(work.stream, checkpoint, batch)
        else:
            work.stream.seen.put(batch.seen.touched)
        self._telemetry.page_delivered(*work.names, batch.counts)
        if page.end or work.cut_short:
            await work.finish()
        work.report(self._telemetry, page)
        if page.end and work.tidies:
            await self._tidy(work.stream)

    async def _tidy(self, stream: StreamRuntime) -> None:
        now = self._now()
        if stream.tidied is None or now - stream.tidied >= _TIDY_EVERY:
            stream.tidied = now
            before = (now - stream.keep).timestamp() if stream.keep else 0.0
            await self._ledger.tidy(stream.name, stream.seen, before)

    async def _fail(self, work: Work, error: Exception, asked_at: datetime) -> None:
        """End the work: its sweep, or its whole source, waits, and starts again from the checkpoint."""
        await work.close()
        now = self._now()
        wait = self._wait(work, error, asked_at, now)
        checkpoint = work.stream.checkpoint.draft()
        work.failed(checkpoint, error, now)
        self._telemetry.poll_failed(*work.names, error=error, outcome=_outcome(error), retry_in=wait)
        for gap in checkpoint.gaps:
            if gap.since == now:
                self._telemetry.gap_opened(*work.names, gap.start, gap.end, gap.kind)
        await self.save(work.stream, checkpoint, Batch())

    def _wait(self, work: Work, error: Exception, asked_at: datetime, now: datetime) -> float:
        """Let the work's retry or the whole source wait; return the seconds."""
        if isinstance(error, Shifted) and work.starts_over:
            work.retry.failures += 1
            return 0.0
        wait = self._breaker.after(work.retry, error, asked_at, now, factor=work.retry_factor)
        if isinstance(error, Denied):
            self._session.refused()
            self._telemetry.source_denied(work.names[0], error=str(error), wait=wait)
        if isinstance(error, Throttled):
            self._telemetry.source_throttled(work.names[0], seconds=wait)
        return wait


def _outcome(error: Exception) -> str:
    """Return how a failure is counted in `poller_polls_total`."""
    return error.outcome if isinstance(error, SourceError) else "bug"
