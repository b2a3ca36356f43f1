"""The loop: one source's streams, whoever is most urgent first, one page of a stream at a time."""

from collections.abc import Callable, Sequence
from datetime import datetime

import anyio

from poller.errors import ConfigError
from poller.http.session import Session
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.backfill import Order
from poller.polling.rereads import Rereads
from poller.polling.runtime import StreamRuntime, SweepRuntime
from poller.polling.schedule import choose, next_gap, next_history, next_reread, wake_at
from poller.polling.slices import Slices, Waiting
from poller.polling.step import Steps
from poller.state.checkpoint import Backfill, Gap
from poller.state.ledger import Ledger
from poller.telemetry import Telemetry


class SourceLoop:
    """One source at work. `once`: every sweep runs once, to its end, then `run` returns; `failed` says if one did."""

    def __init__(
        self,
        source: str,
        streams: Sequence[StreamRuntime],
        session: Session,
        ledger: Ledger,
        *,
        telemetry: Telemetry,
        now: Callable[[], datetime],
        concurrency: int = 1,
        once: bool = False,
        sweeps: bool = True,
    ) -> None:
        """Without `sweeps` only the history that is ordered is read."""
        self.source, self.streams = source, streams
        self.breaker = CircuitBreaker()
        self.failed = False
        self._session, self._now = session, now
        self._concurrency, self._once = concurrency, once
        self._steps = Steps(session, ledger, telemetry, now, self.breaker)
        self._rereads = Rereads(self._steps, session, telemetry, now, self.breaker)
        self._slices = Slices(self._steps, session, telemetry, now, self.breaker)
        self._orders: list[Waiting] = []
        self._runs = [run for stream in streams for run in stream.sweeps] if sweeps else []
        self._history = () if once and sweeps else streams
        for run in self._runs:
            run.forced = once
        self._stopping = False
        self._changed = anyio.Event()

    async def run(self, spread: float = 0.0) -> None:
        """Poll until stopped. The first poll waits `spread` seconds."""
        await self._rest(spread)
        try:
            async with anyio.create_task_group() as workers:
                for _ in range(self._concurrency):
                    workers.start_soon(self._work)
            self.failed = self.failed or (self._once and not self._done())
        finally:
            for waiting in self._orders:
                waiting.end(ConfigError(f"{waiting.stream.name} is not polled here any more; ask again"))

    async def accept(self, stream: str, order: Order) -> None:
        """Have history read when `run` begins. Raises ConfigError where it is not to be had."""
        await self._slices.accept(self._stream(stream), order)

    async def order(self, stream: str, order: Order) -> None:
        """Have history read while `run` runs; returns once that is saved. Raises ConfigError as above."""
        waiting = Waiting(self._stream(stream), order)
        self._orders.append(waiting)
        self._change()
        await waiting.over.wait()
        if waiting.refused:
            raise waiting.refused

    def backfill(self, stream: str) -> Backfill | None:
        """How far the history that was ordered last is read."""
        return self._stream(stream).checkpoint.backfill

    def _stream(self, name: str) -> StreamRuntime:
        found = next((run for run in self.streams if run.stream.name == name), None)
        if found is None:
            raise ConfigError(f"{self.source}.{name} is not polled: the configuration in use does not name it")
        return found

    def stop(self) -> None:
        """Finish the pages in hand, ask for no more."""
        self._stopping = True
        self._change()

    def cancel_requests(self) -> None:
        """Give up the requests that still hang; what was read is delivered all the same."""
        self._steps.cancel_requests()

    async def _work(self) -> None:
        while not self._over():
            now = self._now()
            wait = max(self._session.delay(), self.breaker.seconds(now))
            if waiting := next((one for one in self._orders if not one.stream.busy), None):
                await self._take(waiting)
            elif wait > 0 or self._probing():
                await self._rest(wait or None)
            elif run := choose(self._runs, now):
                await self._page(run)
            elif not await self._leftovers(now):
                await self._rest(self._until_due(now))

    def _over(self) -> bool:
        return self._stopping or (self._once and self._done())

    def _done(self) -> bool:
        """Whether there is nothing left of what is to be read `once`."""
        swept = all(run.done and not run.state.to_fetch for run in self._runs)
        return swept and not any(stream.backfill for stream in self._history)

    def _probing(self) -> bool:
        """After a refusal one request at a time finds out whether we are let in again."""
        return self.breaker.refusals > 0 and self._steps.reading

    async def _leftovers(self, now: datetime) -> bool:
        """What comes after all that is due: a gap that no pass reads by itself, single records, history; or nothing."""
        if not self._once and (found := next_gap(self._runs, now)):
            await self._page(*found)
        elif waiting := next_reread(self._runs, now):
            await self._record(*waiting)
        elif stream := next_history(self._history, now):
            await self._slice(stream)
        else:
            return False
        return True

    async def _page(self, run: SweepRuntime, gap: Gap | None = None) -> None:
        run.stream.busy = run.stream.polled = True
        try:
            await self._steps.page(run, gap)
        finally:
            self._free(run)

    async def _record(self, run: SweepRuntime, name: str) -> None:
        run.stream.busy = True
        try:
            await self._rereads.read(run, name)
        finally:
            self._free(run)

    async def _take(self, waiting: Waiting) -> None:
        self._orders.remove(waiting)
        waiting.stream.busy = True
        try:
            await self._slices.take(waiting)
        finally:
            waiting.stream.busy = False
            self._change()

    async def _slice(self, stream: StreamRuntime) -> None:
        stream.busy = True
        try:
            await self._slices.page(stream)
        finally:
            stream.busy = False
            if self._once and (self.breaker.denied or stream.slice_failures >= _TRIES):
                self.failed = stream.given_up = True
            self._change()

    def _free(self, run: SweepRuntime) -> None:
        run.stream.busy = False
        if self._once:
            run.done = run.done or run.completed
            self._give_up()
        self._change()

    def _give_up(self) -> None:
        """`--once` does not try for ever: three times a sweep, and a source that refuses us not at all."""
        for run in self._runs:
            if not run.done and (self.breaker.denied or run.tries >= _TRIES):
                self.failed = run.done = True
            if self.breaker.denied or run.reread_failures >= _TRIES:
                self.failed = self.failed or bool(run.state.to_fetch)
                run.state.to_fetch.clear()

    def _until_due(self, now: datetime) -> float | None:
        at = wake_at(self._runs, self._history)
        return None if at is None else max((at - now).total_seconds(), 0.001)

    async def _rest(self, seconds: float | None) -> None:
        """Wait so long (None: for ever), or until something changes."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


_TRIES = 3
"""How often `run --once` tries a sweep, and `backfill` a slice."""
