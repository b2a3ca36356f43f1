"""The work of ordered history: the next page of a slice."""

from datetime import datetime

from poller.errors import Shifted
from poller.events.batch import Batch, PageContext
from poller.plugin.stream import History, Page, Window
from poller.polling.progress import backfill, passes
from poller.polling.runtime import Reading, StreamRuntime
from poller.polling.work import LAST
from poller.state.checkpoint import Backfill, Checkpoint
from poller.telemetry import Telemetry


class SliceWork:
    """The next page of a slice of ordered history."""

    retry_factor, starts_over, tidies, cut_short = 1.0, False, False, False

    def __init__(self, stream: StreamRuntime, history: History, ordered: Backfill, reading: Reading) -> None:
        self.stream, self.reading = stream, reading
        self.names, self.retry = (*stream.names, "backfill"), stream.slice_retry
        self._history, self._ordered, self._done = history, ordered, ordered

    async def ask(self) -> Page:
        """Ask for the next page of the slice."""
        return await anext(self.reading.pages, LAST)

    def context(self, now: datetime) -> PageContext:
        """Return what the page is judged under: what lies in the ordered range and was never seen is news."""
        asked = Window(self._ordered.start, self._ordered.end)
        return PageContext(now=now, doubts=self.stream.doubts, history=asked)

    def received(self, page: Page, batch: Batch) -> bool:
        """Count what came; return True: how far the order is read is saved with every page."""
        self.reading.covers.count(batch)
        return True

    def succeeded(self, checkpoint: Checkpoint, page: Page, batch: Batch, now: datetime) -> None:
        """Count the page in the order; with its last one the slice is read."""
        unreadable = page.end.unreadable if page.end else ()
        done = backfill.page_delivered(self._ordered, batch.counts.records, batch.counts.events.total(), unreadable)
        if page.end:
            covers = self.reading.covers
            done = backfill.slice_read(done, self._history, covers.window, covers.records, now)
            self.stream.slice_shifts = 0
        checkpoint.backfill = self._done = done
        passes.note_facts(checkpoint, page)
        self.retry.succeeded()

    def failed(self, checkpoint: Checkpoint, error: Exception, now: datetime) -> None:
        """Have the slice read anew; a shorter one where it failed on the way, or the list moved under it.

        A list that contradicts itself three times in a row was delivered: what may be missing is told, and the next
        slice is read.
        """
        covers, moved = self.reading.covers, isinstance(error, Shifted)
        self.stream.slice_shifts = self.stream.slice_shifts + 1 if moved else 0
        if self.stream.slice_shifts >= passes.SHIFTS:
            self.stream.slice_shifts = 0
            done = backfill.page_delivered(self._ordered, 0, 0, (covers.window,))
            checkpoint.backfill = backfill.slice_read(done, self._history, covers.window, covers.records, now)
            return
        why, shorter = passes.error_text(error), moved or covers.pages > 0
        checkpoint.backfill = backfill.slice_failed(self._ordered, self._history, why, shorter=shorter)

    def report(self, telemetry: Telemetry, page: Page) -> None:
        """Count and log a slice that was read to its end."""
        done = self._done
        if page.end:
            telemetry.slice_read(*self.names[:2], done.at, done.end, records=done.records, events=done.events)

    async def finish(self) -> None:
        """Let go of the slice."""
        await self.close()

    async def close(self) -> None:
        """Let go of the pages that are not read any more."""
        self.stream.slice = None
        await self.reading.close()

    def abandon(self) -> None:
        """Forget the slice: it begins anew at the next start."""
        self.stream.slice = None
