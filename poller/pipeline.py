"""The loop: one source's streams, one page of a stream at a time, each delivered before the next is asked for."""

import copy
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import anyio

from poller import passes
from poller.errors import Denied, PollerError, Shifted, SourceError, Throttled
from poller.http import Session
from poller.ledger import Change, Ledger
from poller.ledger.records import Checkpoint, Gap
from poller.model import Page, Window
from poller.patience import Patience
from poller.schedule import Pass, StreamRun, SweepRun, choose, next_gap, wake_at
from poller.telemetry import Telemetry
from poller.transform import Batch, Moment, transform
from poller.windows import window

_TRIES = 3
"""How often `run --once` tries a sweep."""
_TIDY_EVERY = timedelta(hours=1)


class Pipeline:
    """One source at work. `once`: every sweep runs once, to its end, then `run` returns."""

    def __init__(
        self,
        source: str,
        streams: Sequence[StreamRun],
        session: Session,
        ledger: Ledger,
        *,
        telemetry: Telemetry,
        now: Callable[[], datetime],
        concurrency: int = 1,
        once: bool = False,
    ) -> None:
        self.source, self.streams, self._once = source, streams, once
        self._session, self._ledger, self._telemetry, self._now = session, ledger, telemetry, now
        self._concurrency = concurrency
        self._runs = [run for stream in streams for run in stream.sweeps]
        for run in self._runs:
            run.forced = once
        self._stopping = False
        self._reading: set[anyio.CancelScope] = set()
        self._changed = anyio.Event()
        self.patience = Patience()
        self.failed = False

    async def run(self, spread: float = 0.0) -> None:
        """Poll until stopped. The first poll waits `spread` seconds."""
        await self._rest(spread)
        async with anyio.create_task_group() as workers:
            for _ in range(self._concurrency):
                workers.start_soon(self._work)

    def shortest_every(self) -> timedelta:
        """The pace of the fastest sweep."""
        return min(run.sweep.every for run in self._runs)

    def stop(self) -> None:
        """Finish the pages in hand, ask for no more."""
        self._stopping = True
        self._change()

    def hurry(self) -> None:
        """Give up the requests that still hang; what was read is delivered all the same."""
        for scope in self._reading:
            scope.cancel()

    async def _work(self) -> None:
        while not self._over():
            now = self._now()
            wait = max(self._session.delay(), self.patience.seconds(now))
            if wait > 0 or self._probing():
                await self._rest(wait or None)
            elif run := self._next(now):
                await self._step(run)
            else:
                await self._rest(self._until_due(now))

    def _over(self) -> bool:
        return self._stopping or (self._once and all(run.done for run in self._runs))

    def _probing(self) -> bool:
        """After a refusal one request at a time finds out whether we are let in again."""
        return self.patience.refusals > 0 and bool(self._reading)

    def _next(self, now: datetime) -> SweepRun | None:
        run = choose(self._runs, now)
        if run is None and not self._once and (found := next_gap(self._runs, now)):
            run, gap = found
            self._begin(run, gap)
        return run

    def _until_due(self, now: datetime) -> float | None:
        at = wake_at(self._runs)
        return None if at is None else max((at - now).total_seconds(), 0.001)

    async def _rest(self, seconds: float | None) -> None:
        """Wait so long (None: for ever), or until something changes."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _step(self, run: SweepRun) -> None:
        """Read one page of one sweep, and deliver it."""
        run.stream.busy = run.stream.polled = True
        try:
            await self._read(run, run.current or self._begin(run))
        finally:
            run.stream.busy = False
            self._change()

    def _begin(self, run: SweepRun, gap: Gap | None = None) -> Pass:
        now, state = self._now(), run.state
        asked = window(run.sweep, state.origin or now, state.cursor, now)
        if gap:
            asked = Window(gap.start - (run.sweep.lookback or timedelta(0)), gap.end)
        pages = run.sweep.fetch(self._session, state.cursor, asked)
        run.current = Pass(asked, pages, now, gap)
        return run.current

    async def _read(self, run: SweepRun, current: Pass) -> None:
        asked_at = self._now()
        try:
            with anyio.CancelScope() as scope:
                self._reading.add(scope)
                try:
                    page = await anext(current.pages, None)
                finally:
                    self._reading.discard(scope)
            if scope.cancelled_caught:
                run.current = None
                return
            page = page or Page((), last=True)
            batch = self._transform(run, current, page)
        except SourceError as error:
            await self._fail(run, current, error, asked_at)
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file stays its sweep's trouble
            await self._fail(run, current, error, asked_at)
        else:
            self.patience.accepted()
            await self._deliver(run, current, page, batch)

    def _transform(self, run: SweepRun, current: Pass, page: Page) -> Batch:
        stream, state = run.stream, run.state
        moment = Moment(
            now=self._now(),
            baseline=None if state.complete else stream.checkpoint.start,
            doubts=stream.doubts,
            net=run.sweep.net and state.complete,
            reached=stream.live_reach(),
        )
        batch = transform(stream.stream, stream.shape, page.records, stream.seen, moment)
        current.read += 1
        current.records += batch.records
        current.cursor = page.cursor or current.cursor
        self._telemetry.page_read(*run.names, records=batch.records, duplicates=batch.duplicates, stale=batch.stale)
        return batch

    async def _deliver(self, run: SweepRun, current: Pass, page: Page, batch: Batch) -> None:
        checkpoint, now = copy.deepcopy(run.stream.checkpoint), self._now()
        closed = passes.complete(checkpoint, run, current, now) if page.last else []
        collapse = passes.suspect(checkpoint, run, current, now) if page.last else None
        if page.last or batch.messages or batch.entries:
            await self._commit(run.stream, checkpoint, batch)
        self._tell(run, batch)
        if collapse:
            self._telemetry.suspected(*run.names, *collapse)
        if page.last:
            await self._finish(run, current, closed)

    async def _commit(self, stream: StreamRun, checkpoint: Checkpoint, batch: Batch) -> None:
        """Memory moves only after the commit returned."""
        await self._ledger.commit(Change(stream.name, checkpoint, batch))
        stream.checkpoint = checkpoint
        stream.doubts -= batch.delivered
        stream.seen.put(batch.touched)
        stream.seen.put(batch.entries)

    def _tell(self, run: SweepRun, batch: Batch) -> None:
        self._telemetry.page_delivered(
            *run.names, events=batch.events, rejects=batch.rejects, lateness=batch.lateness, found=batch.found
        )
        if batch.drifted:
            self._telemetry.schema_drifted(*run.names[:2], sorted(batch.drifted))

    async def _finish(self, run: SweepRun, current: Pass, closed: Sequence[Gap]) -> None:
        run.current, run.failures, run.retry_at = None, 0, None
        run.gap_failures, run.gap_retry_at = 0, None
        run.done = self._once
        await current.close()
        for _ in closed:
            self._telemetry.gap_closed(*run.names)
        asked = (current.window.start, current.window.end)
        self._telemetry.poll_completed(*run.names, pages=current.read, records=current.records, window=asked)
        await self._tidy(run.stream)

    async def _tidy(self, stream: StreamRun) -> None:
        now = self._now()
        if stream.tidied is None or now - stream.tidied >= _TIDY_EVERY:
            stream.tidied = now
            before = (now - stream.keep).timestamp() if stream.keep else 0.0
            await self._ledger.tidy(stream.name, stream.seen, before)

    async def _fail(self, run: SweepRun, current: Pass, error: Exception, asked_at: datetime) -> None:
        """The pass is over: its sweep, or its source, waits, and starts again from the checkpoint."""
        run.current = None
        await current.close()
        run.failures += 1
        run.tries += 1
        checkpoint, now = copy.deepcopy(run.stream.checkpoint), self._now()
        wait = self._wait(run, checkpoint, current, error, asked_at)
        checkpoint.sweeps[run.sweep.name].last_error = str(error) if isinstance(error, PollerError) else repr(error)
        outcome = error.outcome if isinstance(error, SourceError) else "bug"
        self._telemetry.poll_failed(*run.names, error=error, outcome=outcome, retry_in=wait)
        for gap in checkpoint.gaps:
            if gap.since == now:
                self._telemetry.gap_opened(*run.names, gap.start, gap.end, gap.kind)
        self._give_up(run)
        await self._commit(run.stream, checkpoint, Batch())

    def _wait(
        self, run: SweepRun, checkpoint: Checkpoint, current: Pass, error: Exception, asked_at: datetime
    ) -> float:
        """Remember where the pass broke off, and let wait who must; in seconds."""
        now = self._now()
        if isinstance(error, Shifted) and not current.gap:
            passes.shifted(checkpoint, run, current, error.until, now)
            return 0.0
        passes.broken(checkpoint, run, current, now)
        wait = self.patience.after(run, current, error, asked_at, now)
        if isinstance(error, Denied):
            self._session.refused()
            self._telemetry.source_denied(self.source, error=str(error), wait=wait)
        if isinstance(error, Throttled):
            self._telemetry.source_throttled(self.source, seconds=wait)
        return wait

    def _give_up(self, run: SweepRun) -> None:
        """`--once` does not try for ever: three times a sweep, and a source that refuses us not at all."""
        hopeless = self._runs if self.patience.denied else [run] if run.tries >= _TRIES else []
        for lost in hopeless if self._once else []:
            self.failed = self.failed or not lost.done
            lost.done = True
