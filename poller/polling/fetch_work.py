"""The work of single records: one that a sweep named is read by itself."""

from datetime import datetime

from poller.events.batch import Batch, PageContext
from poller.plugin.stream import Http, Page
from poller.polling.progress import passes
from poller.polling.runtime import SweepRuntime
from poller.polling.work import sweep_context
from poller.state.checkpoint import Checkpoint
from poller.telemetry import Telemetry


class FetchWork:
    """One record that a sweep named, read by itself."""

    retry_factor, starts_over, tidies, cut_short = 1.0, False, False, False

    def __init__(self, run: SweepRuntime, record_id: str, requests: Http) -> None:
        self.run, self.record_id = run, record_id
        self.stream, self.names, self.retry = run.stream, run.names, run.fetch_retry
        self._requests = requests

    async def ask(self) -> Page:
        """Ask for the record; the page is empty where the vendor has it no more."""
        fetch = self.run.sweep.reread
        if fetch is None:
            raise TypeError(f"{self.names}: it names records and cannot read them")
        return await fetch(self._requests, self.record_id)

    def context(self, now: datetime) -> PageContext:
        """Return what the record is judged under: the same as the sweep that named it."""
        return sweep_context(self.run, now)

    def received(self, page: Page, batch: Batch) -> bool:
        """Return True: that the record was read is saved."""
        return True

    def succeeded(self, checkpoint: Checkpoint, page: Page, batch: Batch, now: datetime) -> None:
        """Take the record off the list of those to be fetched."""
        self.retry.succeeded()
        passes.note_fetched(checkpoint, self.run.sweep, self.record_id, now)

    def failed(self, checkpoint: Checkpoint, error: Exception, now: datetime) -> None:
        """Leave the record on the list, behind the others."""
        if self.run.once:
            self.run.once.unfetched = True
        passes.note_unfetched(checkpoint, self.run.sweep, self.record_id, error, now)

    def report(self, telemetry: Telemetry, page: Page) -> None:
        """Report nothing: a single record is no pass."""

    async def finish(self) -> None:
        """Do nothing: no pass is under way."""

    async def close(self) -> None:
        """Do nothing: no pass is under way."""

    def abandon(self) -> None:
        """Do nothing: no pass is under way."""
