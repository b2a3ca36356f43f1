"""The loop: one source's streams, the most urgent first, one page of a stream at a time.

Whose turn it is, `turns` says; what a turn is, `work`; how it is taken, `step`. The next step is `step.Step.take`.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio

from poller.clock import Clock, Follower, follow
from poller.errors import ConfigError
from poller.http.session import Session
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.orders import Orders, Waiting
from poller.polling.progress.backfill import Order
from poller.polling.requests import RequestsFactory
from poller.polling.runtime import Once, StreamRuntime
from poller.polling.schedule import may_fetch, wake_at
from poller.polling.step import Step
from poller.polling.turns import Turns
from poller.polling.work import Work
from poller.state.checkpoint import Backfill
from poller.state.ledger import Ledger
from poller.telemetry import Telemetry


class SourceLoop:
    """The loop of one source.

    `once`: every sweep runs once, to its end, then `run` returns, and `failed` says whether one did not. Without
    `sweeps` only the history that is ordered is read. `progress` is how often each stream says how far it is complete.
    """

    def __init__(
        self,
        source: str,
        streams: Sequence[StreamRuntime],
        session: Session,
        ledger: Ledger,
        *,
        telemetry: Telemetry,
        now: Clock,
        concurrency: int = 1,
        once: bool = False,
        sweeps: bool = True,
        progress: timedelta | None = None,
    ) -> None:
        self.source, self.streams = source, streams
        self.breaker = CircuitBreaker()
        self.failed = False
        self._session, self._telemetry, self._now = session, telemetry, now
        self._concurrency, self._once = concurrency, once
        self._step = Step(session, ledger, self.breaker, telemetry, now, progress)
        self._orders = Orders(self._step, now)
        self._runs = [run for stream in streams for run in stream.sweeps] if sweeps else []
        self._history = () if once and sweeps else streams
        for run in self._runs:
            run.once = Once() if once else None
        self._requests = RequestsFactory(session, self.breaker, telemetry, now)
        self._turns = Turns(self._runs, self._history, self._requests, telemetry, behind=self._behind, once=once)
        followers: list[Follower] = [self.breaker, self._requests.vendor, *streams]
        for follower in followers:
            follower.stepped = now.stepped
        for success in filter(None, (run.state.last_success for run in self._runs)):
            now.check_noted(success)
        self._stopping = False
        self._resting: list[asyncio.Future[None]] = []

    async def run(self, spread: float = 0.0) -> None:
        """Poll until stopped. The first poll waits `spread` seconds, and a new source's ticks begin with it."""
        for run in self._runs:
            run.delay_first_poll(timedelta(seconds=spread))
        await self._rest(spread)
        try:
            await self._work_together()
            if self._once:
                self._end_once()
        finally:
            self._orders.refuse_all()

    async def _work_together(self) -> None:
        if self._concurrency == 1:  # so it is with most of thousands of sources, and a task takes memory
            await self._work()
            return
        async with anyio.create_task_group() as workers:
            for _ in range(self._concurrency):
                workers.start_soon(self._work)

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
            idle = (stream for stream in self.streams if not stream.busy)
            now = follow(self._now, self.breaker, self._requests.vendor, *idle)
            wait = max(self._session.delay(), self.breaker.seconds(now))
            if order := self._orders.next():
                await self._accept(order)
            elif wait > 0 or self._probing():
                await self._rest(wait or None)
            elif work := self._turns.next(now):
                await self._take(work)
            else:
                await self._rest(self._until_due(now))

    def _behind(self) -> timedelta | None:
        """Return how far the vendor's clock is behind ours; None where it has not answered yet."""
        return self._requests.vendor.behind

    def _over(self) -> bool:
        return self._stopping or (self._once and self._done())

    def _done(self) -> bool:
        """Return True if nothing is left to be read `once`; a record that is not due waits for the next run."""
        now = self._now()
        swept = all(
            run.done and not any(may_fetch(run, name, now) for name in run.state.to_fetch) for run in self._runs
        )
        return swept and not any(stream.backfill for stream in self._history)

    def _probing(self) -> bool:
        """Return True if, after a refusal, a request finds out whether we are let in again: the others wait for it."""
        return self.breaker.refusals > 0 and self._step.asking

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
        changed = asyncio.get_running_loop().create_future()  # thousands of sources rest: an Event takes 700 bytes more
        self._resting.append(changed)
        try:
            with anyio.move_on_after(seconds):
                await changed
        finally:
            self._resting.remove(changed)

    def _change(self) -> None:
        for changed in self._resting:
            if not changed.done():
                changed.set_result(None)


_TRIES = 3
"""The number of times that `run --once` tries a sweep, and `backfill` a slice."""
