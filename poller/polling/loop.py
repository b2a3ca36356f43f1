"""The loop: one source's streams, the most urgent first, one page of a stream at a time.

Whose turn it is, `schedule` says; what a turn is, `work`; how it is taken, `step`. The next step is `step.Step.take`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio

from poller.clock import Now
from poller.errors import ConfigError
from poller.http.session import Session
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.orders import Orders, Waiting
from poller.polling.progress.backfill import Order, next_window
from poller.polling.progress.passes import Pass, is_too_long, leave_behind
from poller.polling.progress.slices import gap_window
from poller.polling.progress.windows import around, window
from poller.polling.requests import Requests
from poller.polling.runtime import Once, Reading, StreamRuntime, SweepRuntime
from poller.polling.schedule import choose, may_fetch, next_fetch, next_gap, next_history, wake_at
from poller.polling.step import Step
from poller.polling.work import FetchWork, PassWork, SliceWork, Work
from poller.state.checkpoint import Backfill, Gap
from poller.state.ledger import Ledger
from poller.telemetry import Telemetry


class SourceLoop:
    """The loop of one source.

    `once`: every sweep runs once, to its end, then `run` returns, and `failed` says whether one did not. Without
    `sweeps` only the history that is ordered is read.
    """

    def __init__(
        self,
        source: str,
        streams: Sequence[StreamRuntime],
        session: Session,
        ledger: Ledger,
        *,
        telemetry: Telemetry,
        now: Now,
        concurrency: int = 1,
        once: bool = False,
        sweeps: bool = True,
    ) -> None:
        self.source, self.streams = source, streams
        self.breaker = CircuitBreaker()
        self.failed = False
        self._session, self._telemetry, self._now = session, telemetry, now
        self._concurrency, self._once = concurrency, once
        self._step = Step(session, ledger, self.breaker, telemetry, now)
        self._orders = Orders(self._step, now)
        self._runs = [run for stream in streams for run in stream.sweeps] if sweeps else []
        self._history = () if once and sweeps else streams
        for run in self._runs:
            run.once = Once() if once else None
        self._turns, self._latest = 0, now()
        self._told = set[str]()
        self._stopping = False
        self._changed = anyio.Event()

    async def run(self, spread: float = 0.0) -> None:
        """Poll until stopped. The first poll waits `spread` seconds."""
        await self._rest(spread)
        try:
            async with anyio.create_task_group() as workers:
                for _ in range(self._concurrency):
                    workers.start_soon(self._work)
            if self._once:
                self._end_once()
        finally:
            self._orders.refuse_all()

    async def accept(self, stream: str, order: Order) -> None:
        """Have history read when `run` begins. Raises ConfigError where it is not to be had."""
        await self._orders.accept(self._stream(stream), order)

    async def order(self, stream: str, order: Order) -> None:
        """Have history read while `run` runs; returns once that is saved. Raises ConfigError as `accept` does."""
        waiting = self._orders.add(self._stream(stream), order)
        self._change()
        await waiting.wait()

    def backfill(self, stream: str) -> Backfill | None:
        """Return how far the history that was ordered last is read."""
        return self._stream(stream).checkpoint.backfill

    def stop(self) -> None:
        """Finish the pages in hand, and ask for no more."""
        self._stopping = True
        self._change()

    def cancel_requests(self) -> None:
        """Give up the requests that still hang; what was read is delivered all the same."""
        self._step.cancel_requests()

    def _stream(self, name: str) -> StreamRuntime:
        found = next((run for run in self.streams if run.stream.name == name), None)
        if found is None:
            raise ConfigError(f"{self.source}.{name} is not polled: the configuration in use does not name it")
        return found

    async def _work(self) -> None:
        while not self._over():
            now = self._clock()
            wait = max(self._session.delay(), self.breaker.seconds(now))
            if order := self._orders.next():
                await self._accept(order)
            elif wait > 0 or self._probing():
                await self._rest(wait or None)
            elif work := self._most_urgent(now):
                await self._take(work)
            else:
                await self._rest(self._until_due(now))

    def _clock(self) -> datetime:
        """Return the time. Where our clock went back, what waits for a time waits for an earlier one."""
        now, back = self._now(), self._latest - self._now()
        if back > _STEP:
            self.breaker.set_back(back)
            for stream in self.streams:
                stream.set_back(back)
            self._telemetry.notice("clock.set_back", source=self.source, seconds=round(back.total_seconds(), 1))
        self._latest = now
        return now

    def _over(self) -> bool:
        return self._stopping or (self._once and self._done())

    def _done(self) -> bool:
        """Whether nothing is left of what is to be read `once`; a record that is not due waits for the next run."""
        now = self._now()
        swept = all(
            run.done and not any(may_fetch(run, name, now) for name in run.state.to_fetch) for run in self._runs
        )
        return swept and not any(stream.backfill for stream in self._history)

    def _probing(self) -> bool:
        """Whether a request finds out, after a refusal, if we are let in again: the others wait for it."""
        return self.breaker.refusals > 0 and self._step.asking

    def _most_urgent(self, now: datetime) -> Work | None:
        """Return what is due; else what comes last. One request in ten is for what comes last, whatever is due."""
        if self._turns >= _DUE_IN_A_ROW and (work := self._leftover(now)):
            self._turns = 0
            return work
        if run := choose(self._runs, now):
            self._turns += 1
            run.stream.polled = True
            if not (self._once or run.current) and is_too_long(run.stream.checkpoint, run.sweep, now):
                self._leave_behind(run, now)
            return self._pass(run)
        self._turns = 0
        return self._leftover(now)

    def _leftover(self, now: datetime) -> Work | None:
        """Return a gap that no pass reads by itself, a single record, or a slice of history; None where none waits."""
        if not self._once and (found := next_gap(self._runs, now)):
            return self._pass(*found)
        if named := next_fetch(self._runs, now):
            return FetchWork(*named, self._requests())
        if stream := next_history(self._history, now):
            return self._slice(stream)
        return None

    def _pass(self, run: SweepRuntime, gap: Gap | None = None) -> PassWork:
        if reading := run.under_way(gap):
            return PassWork(run, reading)
        now, sweep, state = self._now(), run.sweep, run.state
        fetch, asked = sweep.fetch, window(sweep, state.origin or now, state.cursor, now)
        if gap and sweep.ranges:
            fetch, asked = sweep.ranges.fetch, gap_window(gap, sweep, sweep.ranges)
        elif gap:
            asked = around(sweep, gap.start, gap.end)
        pages = fetch(self._requests(), state.cursor, asked)
        return PassWork(run, run.begin(Reading(Pass(asked, now, gap), pages)))

    def _leave_behind(self, run: SweepRuntime, now: datetime) -> None:
        """Make a gap of an outage; it is saved with the first commit of the sweep's own pass."""
        if leave_behind(run.stream.checkpoint, run.sweep, now):
            gap = run.stream.checkpoint.gaps[-1]
            self._telemetry.gap_opened(*run.names, gap.start, gap.end, gap.kind)

    def _slice(self, stream: StreamRuntime) -> SliceWork:
        ordered, history = stream.checkpoint.backfill, stream.stream.history
        if ordered is None or history is None:
            raise TypeError(f"{stream.name}: no history was ordered")
        if stream.slice is None:
            asked = next_window(ordered)
            stream.slice = Reading(Pass(asked, self._now()), history.fetch(self._requests(), None, asked))
        return SliceWork(stream, history, ordered, stream.slice)

    def _requests(self) -> Requests:
        return Requests(self._session, self.breaker, self._telemetry, self._now, self._told)

    async def _take(self, work: Work) -> None:
        stream = work.stream
        stream.busy = True
        try:
            await self._step.take(work)
        finally:
            stream.busy = False
            if self._once:
                self._give_up()
            self._change()

    async def _accept(self, order: Waiting) -> None:
        order.stream.busy = True
        try:
            await self._orders.take(order)
        finally:
            order.stream.busy = False
            self._change()

    def _give_up(self) -> None:
        """Try no more, `once`, what failed three times, and nothing of a source that refuses us."""
        for run in self._runs:
            if run.once and not run.done and (self.breaker.denied or run.once.tries >= _TRIES):
                self.failed = run.once.done = True
            if self.breaker.denied or run.fetch_retry.failures >= _TRIES:
                self.failed = self.failed or bool(run.state.to_fetch)
                run.state.to_fetch.clear()
        for stream in self._history:
            if stream.backfill and (self.breaker.denied or stream.slice_retry.failures >= _TRIES):
                self.failed = stream.given_up = True

    def _end_once(self) -> None:
        """Say what is left to the next run, and whether something failed."""
        self.failed = self.failed or not self._done() or any(run.once and run.once.unfetched for run in self._runs)
        for run in self._runs:
            if run.state.to_fetch:
                source, stream, sweep = run.names
                left = len(run.state.to_fetch)
                self._telemetry.notice("fetches.left", source=source, stream=stream, sweep=sweep, records=left)

    def _until_due(self, now: datetime) -> float | None:
        at = wake_at(self._runs, self._history)
        return None if at is None else max((at - now).total_seconds(), 0.001)

    async def _rest(self, seconds: float | None) -> None:
        """Wait for so many seconds (None: for ever), or until something changes."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


_TRIES = 3
"""How often `run --once` tries a sweep, and `backfill` a slice."""
_STEP = timedelta(seconds=1)
"""A clock that goes back by less is not worth a word."""
_DUE_IN_A_ROW = 9
"""Requests of due sweeps after which one is for gaps, single records or history, if any of these waits."""
