"""One step of reading history: a page of a slice is asked for, transformed and delivered; or it failed, and waits."""

import copy
from collections.abc import Callable
from datetime import datetime, timedelta

import anyio

from poller.errors import ConfigError, Shifted
from poller.events.batch import Batch, PageContext
from poller.http.session import Session
from poller.plugin.stream import End, History, Page, Window
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress import backfill as history
from poller.polling.progress import passes
from poller.polling.progress.backfill import Order
from poller.polling.runtime import Pass, StreamRuntime
from poller.polling.step import Names, Steps, outcome
from poller.retry import backoff
from poller.state.checkpoint import Backfill
from poller.state.ledger import OwnershipLost
from poller.telemetry import Telemetry


class Slices:
    """The slices of one source's history. A stream takes one step at a time; the pipeline sees to that."""

    def __init__(
        self, steps: Steps, session: Session, telemetry: Telemetry, now: Callable[[], datetime], breaker: CircuitBreaker
    ) -> None:
        self._steps, self._session, self._telemetry, self._now = steps, session, telemetry, now
        self._patience = breaker

    async def take(self, waiting: "Waiting") -> None:
        """Save what is to be read, or refuse it."""
        refused: ConfigError | None = ConfigError(f"{waiting.stream.name} is not polled here any more; ask again")
        try:
            await self.accept(waiting.stream, waiting.order)
            refused = None
        except ConfigError as error:
            refused = error
        finally:
            waiting.end(refused)

    async def accept(self, stream: StreamRuntime, order: Order) -> None:
        """Save what is to be read. Raises ConfigError where it is not to be had."""
        name, past = stream.name.replace("/", "."), stream.stream.history
        wanted = history.accept_order(name, stream.checkpoint, past, stream.keep, order, self._now())
        if stream.slice:
            await stream.slice.close()
        stream.slice, stream.slice_failures, stream.slice_retry_at, stream.given_up = None, 0, None, False
        await self._save(stream, wanted, Batch())

    async def page(self, stream: StreamRuntime) -> None:
        """Read the next page of the slice under way, or of the next one, and deliver it."""
        backfill, past = stream.checkpoint.backfill, stream.stream.history
        if backfill is None or past is None:
            raise TypeError(f"{stream.name}: no history was ordered")
        current, asked_at = stream.slice or self._begin(stream, backfill, past), self._now()
        try:
            page, over = await self._steps.ask(current.next_page())
            if over:
                stream.slice = None
                return
            page = page or Page((), end=End())
            batch = self._steps.transform(stream, _names(stream), page, self._moment(stream, backfill))
        except OwnershipLost:
            raise
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file stays its stream's trouble
            await self._fail(stream, backfill, past, current, error, asked_at)
        else:
            self._patience.accepted()
            current.take(page, batch)
            await self._deliver(stream, backfill, past, current, page, batch)

    def _begin(self, stream: StreamRuntime, backfill: Backfill, past: History) -> Pass:
        asked = history.next_window(backfill)
        stream.slice = Pass(asked, past.fetch(self._session, None, asked), self._now())
        return stream.slice

    def _moment(self, stream: StreamRuntime, backfill: Backfill) -> PageContext:
        return PageContext(now=self._now(), doubts=stream.doubts, history=Window(backfill.start, backfill.end))

    async def _deliver(
        self, stream: StreamRuntime, backfill: Backfill, past: History, current: Pass, page: Page, batch: Batch
    ) -> None:
        beyond = page.end.unreadable if page.end else ()
        came = history.delivered(backfill, batch.records, batch.events.total(), beyond)
        if page.end:
            came = history.read(came, past, current, self._now())
        await self._save(stream, came, batch)
        self._steps.tell(_names(stream), batch)
        stream.slice_failures, stream.slice_retry_at = 0, None
        if page.end:
            stream.slice = None
            await current.close()
            self._telemetry.slice_read(*_names(stream)[:2], came.at, came.end, records=came.records, events=came.events)

    async def _fail(
        self,
        stream: StreamRuntime,
        backfill: Backfill,
        past: History,
        current: Pass,
        error: Exception,
        asked_at: datetime,
    ) -> None:
        """The slice begins anew, after a while."""
        stream.slice = None
        await current.close()
        stream.slice_failures += 1
        now, wait = self._now(), backoff(stream.slice_failures)
        whole = self._patience.source(error, stream.slice_failures, asked_at, now)
        stream.slice_retry_at = now + timedelta(seconds=wait)
        waits = self._steps.waits(error, wait if whole is None else whole)
        self._telemetry.poll_failed(*_names(stream), error=error, outcome=outcome(error), retry_in=waits)
        shifted = isinstance(error, Shifted)
        await self._save(stream, history.failed(backfill, past, passes.error_text(error), shifted=shifted), Batch())

    async def _save(self, stream: StreamRuntime, backfill: Backfill, batch: Batch) -> None:
        checkpoint = copy.deepcopy(stream.checkpoint)
        checkpoint.backfill = backfill
        await self._steps.commit(stream, checkpoint, batch)


class Waiting:
    """An order that is not yet taken; `over` once it is, or is `refused`."""

    def __init__(self, stream: StreamRuntime, order: Order) -> None:
        self.stream, self.order = stream, order
        self.refused: ConfigError | None = None
        self.over = anyio.Event()

    def end(self, refused: ConfigError | None = None) -> None:
        """It waits no more."""
        self.refused = refused
        self.over.set()


def _names(stream: StreamRuntime) -> Names:
    return stream.source, stream.stream.name, "backfill"
