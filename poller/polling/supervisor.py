"""The sources that this process polls, each with a loop of its own: they come and go as the ledger says.

The ledger names the sources that are ours; each gets a task that builds its loop from the state and runs it. A source
that is lost ends at once, and begins anew from the state when it is ours again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TypeAlias

import anyio

from poller.plugin.source import Source
from poller.polling.loop import SourceLoop
from poller.polling.runtime import StreamRuntime
from poller.polling.status import elsewhere_status, last_status, stream_gauges, stream_status
from poller.state.ledger import Ledger, OwnershipLost
from poller.telemetry.status import StreamGauges, StreamStatus

_FLUSH_EVERY = 1.0
"""Seconds after which changes that may wait are saved."""

Build: TypeAlias = Callable[[str, Source], AbstractAsyncContextManager[SourceLoop | None]]
"""Build the loop of a source from what the ledger knows of it; None where the source cannot be polled."""
Owner: TypeAlias = Callable[[str], str]
"""Return the replica that polls a source; "" where that is not known."""


class Supervisor:
    """Starts, stops and restarts the loops of sources.

    `once`: the sources that are ours at the beginning are polled to their end; `failed` says whether one did. `started`
    and `ended` count loops.
    """

    def __init__(self, sources: Mapping[str, Source], build: Build, *, once: bool = False) -> None:
        self._sources, self._build, self._once = sources, build, once
        self._starts = _starts(sources)
        self._loops: dict[str, SourceLoop] = {}
        self._last_loops: dict[str, Sequence[StreamRuntime]] = {}
        self._ours: Collection[str] = ()
        self._at_work: dict[str, anyio.CancelScope] = {}
        self._left: Counter[str] = Counter()
        self._anew: set[str] = set()
        self._at_once: set[str] = set()
        self._told = anyio.Event()
        self._listening = anyio.CancelScope()
        self._stopping = False
        self.failed = False
        self.started = self.ended = 0

    async def run(self, ledger: Ledger) -> None:
        """Poll the sources that are ours, until stopped; with `once`, until all were polled."""
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._save_what_waits, ledger)
            await self._work(ledger)
            beside.cancel_scope.cancel()
        await ledger.flush()

    async def _save_what_waits(self, ledger: Ledger) -> None:
        while True:
            await anyio.sleep(_FLUSH_EVERY)
            await ledger.flush()

    async def _work(self, ledger: Ledger) -> None:
        async with anyio.create_task_group() as work:
            with self._listening:
                async for ours in ledger.sources(self._sources):
                    self._hear(ours)
                    for name in (name for name in self._sources if name in ours and name not in self._at_work):
                        self._at_work[name] = anyio.CancelScope()
                        work.start_soon(self._keep, name)
                    if self._once:
                        break

    def _hear(self, ours: Collection[str]) -> None:
        self._ours = ours
        for name in self._at_work.keys() - ours:
            self._left[name] += 1
            self._at_work[name].cancel()
        self._told.set()
        self._told = anyio.Event()

    async def _keep(self, name: str) -> None:
        """Poll a source while it is ours; begin anew from the ledger where it was not ours for a while."""
        try:
            while name in self._ours:
                left = self._left[name]
                self._anew.discard(name)
                with anyio.CancelScope() as scope:
                    self._at_work[name] = scope
                    if await self._poll(name) and name not in self._anew:
                        return
                if name in self._anew and not self._stopping:
                    continue
                while self._left[name] == left and not self._stopping:  # lost, and the ledger has not said so yet
                    await self._told.wait()
                if self._stopping:
                    return
        finally:
            del self._at_work[name]

    def stop(self) -> None:
        """Finish the pages in hand, and ask for no more."""
        self._stopping = True
        self._listening.cancel()
        self._told.set()
        for loop in self._loops.values():
            loop.stop()

    def replace(self, name: str, source: Source) -> None:
        """Go on with another credential: after the page in hand the loop is built anew from what the ledger knows."""
        self._sources = {**self._sources, name: source}
        self._anew.add(name)
        self._at_once.add(name)
        if loop := self._loops.get(name):
            loop.stop()

    def cancel_requests(self) -> None:
        """Give up the requests that still hang; what was read is delivered all the same."""
        for loop in self._loops.values():
            loop.cancel_requests()

    def loop(self, source: str) -> SourceLoop | None:
        """Return the loop that polls a source here; None where none does."""
        return self._loops.get(source)

    @property
    def whole(self) -> bool:
        """True if every source is polled here."""
        return self._loops.keys() >= self._sources.keys()

    def statuses(self, *, paused: bool, replica: str, owner: Owner, now: datetime) -> Iterator[StreamStatus]:
        """Say where every stream stands, also those that another replica polls, one by one. `replica` is our name."""
        for name in self._sources:
            if loop := self._loops.get(name):
                for stream in loop.streams:
                    yield stream_status(stream, loop.breaker, paused=paused, owner=replica, now=now)
            else:
                yield from self._not_polled(name, paused, replica, owner, now)

    def gauges(self, *, paused: bool, replica: str, owner: Owner, now: datetime) -> Iterator[StreamGauges]:
        """Say of every stream what `statuses` would, as far as the metrics want to know it: a fifth of the work."""
        for name in self._sources:
            if loop := self._loops.get(name):
                for stream in loop.streams:
                    yield stream_gauges(stream, loop.breaker, paused=paused, owner=replica, now=now)
            else:
                yield from (status.gauges for status in self._not_polled(name, paused, replica, owner, now))

    def _not_polled(self, name: str, paused: bool, replica: str, owner: Owner, now: datetime) -> list[StreamStatus]:
        other = owner(name)
        whose = "" if other == replica else other  # given to us, or taken from us, a moment ago
        if whose:
            self._last_loops.pop(name, None)  # the other replica covers more by now
        last = self._last_loops.get(name, ())
        return [last_status(stream, paused=paused, now=now) for stream in last] or [
            elsewhere_status(name, stream.name, whose, paused=paused) for stream in self._sources[name].built_streams
        ]

    async def _poll(self, name: str) -> bool:
        """Run a loop; return True if it came to its own end. What was lost on the way was never true."""
        over = False
        try:
            async with self._build(name, self._sources[name]) as loop:
                if loop is None:
                    self.failed = self.failed or self._once
                else:
                    await self._run(name, loop)
            over = True
        except* OwnershipLost:
            self.failed, over = self.failed or self._once, self._once
        return over

    async def _run(self, name: str, loop: SourceLoop) -> None:
        self._loops[name] = loop
        self.started += 1
        try:
            if self._stopping or name in self._anew:
                loop.stop()
            await loop.run(0.0 if name in self._at_once else self._starts[name])
        finally:
            self.failed = self.failed or loop.failed
            self._last_loops[name] = loop.streams
            del self._loops[name]
            self.ended += 1


def _starts(sources: Mapping[str, Source]) -> dict[str, float]:
    """Return the seconds after which each source starts, so that not all start at once.

    They are spread over the shortest `every` of all sweeps, and over a minute at most.
    """
    streams = [stream for source in sources.values() for stream in source.built_streams]
    everies = [sweep.every for stream in streams for sweep in stream.sweeps]
    span = min(60.0, min(everies, default=timedelta(0)).total_seconds())
    return {name: span * number / len(sources) for number, name in enumerate(sources)}
