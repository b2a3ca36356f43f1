"""The sources that this process polls, each with its pipeline: they come and go as the ledger says."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TypeAlias

import anyio

from poller.plugin.source import Source
from poller.polling.loop import SourceLoop
from poller.polling.status import elsewhere_status, stream_status
from poller.state.ledger import Ledger, OwnershipLost
from poller.telemetry.status import StreamStatus

Build: TypeAlias = Callable[[str, Source], AbstractAsyncContextManager[SourceLoop | None]]
"""Make a source's pipeline of what the ledger knows of it; None where it cannot be polled."""
Owner: TypeAlias = Callable[[str], str]
"""The replica that polls a source, as far as that is known: "" where it is not."""


class Supervisor:
    """Pipelines at work, by source. `once`: those that are ours at the beginning, to their end; `failed` if one did."""

    def __init__(self, accounts: Mapping[str, Source], build: Build, *, once: bool = False) -> None:
        self._accounts, self._build, self._once = accounts, build, once
        self._pipelines: dict[str, SourceLoop] = {}
        self._ours: Collection[str] = ()
        self._at_work: dict[str, anyio.CancelScope] = {}
        self._left: Counter[str] = Counter()
        self._anew: set[str] = set()
        self._at_once: set[str] = set()
        self._told = anyio.Event()
        self._listening = anyio.CancelScope()
        self._stopping = False
        self.failed = False

    async def run(self, ledger: Ledger) -> None:
        """Poll what is ours, until stopped; with `once`, until all was polled."""
        async with anyio.create_task_group() as work:
            with self._listening:
                async for ours in ledger.sources(self._accounts):
                    self._hear(ours)
                    for name in (name for name in self._accounts if name in ours and name not in self._at_work):
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
        """Poll a source while it is ours; anew, from the ledger on, where it was not for a while."""
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
        """Finish the pages in hand, ask for no more."""
        self._stopping = True
        self._listening.cancel()
        self._told.set()
        for pipeline in self._pipelines.values():
            pipeline.stop()

    def replace(self, name: str, account: Source) -> None:
        """Go on with another credential: after the page in hand, with a pipeline made anew of what the ledger knows."""
        self._accounts = {**self._accounts, name: account}
        self._anew.add(name)
        self._at_once.add(name)
        if pipeline := self._pipelines.get(name):
            pipeline.stop()

    def cancel_requests(self) -> None:
        """Give up the requests that still hang; what was read is delivered all the same."""
        for pipeline in self._pipelines.values():
            pipeline.cancel_requests()

    def pipeline(self, source: str) -> SourceLoop | None:
        """Who polls it here; None where nobody does."""
        return self._pipelines.get(source)

    @property
    def whole(self) -> bool:
        """Whether every source is polled here."""
        return self._pipelines.keys() >= self._accounts.keys()

    def statuses(self, *, paused: bool, replica: str, owner: Owner, now: datetime) -> list[StreamStatus]:
        """Where every stream stands, whoever polls it. `replica` is our name."""
        return [status for name in self._accounts for status in self._standing(name, paused, replica, owner, now)]

    def _standing(self, name: str, paused: bool, replica: str, owner: Owner, now: datetime) -> list[StreamStatus]:
        if pipeline := self._pipelines.get(name):
            of, streams = pipeline.breaker, pipeline.streams
            return [stream_status(stream, of, paused=paused, owner=replica, now=now) for stream in streams]
        other = owner(name)
        whose = "" if other == replica else other  # given to us, or taken from us, a moment ago
        return [elsewhere_status(name, stream.name, whose) for stream in self._accounts[name].built_streams]

    async def _poll(self, name: str) -> bool:
        """Whether it came to its own end. What was lost on the way was never true."""
        over = False
        try:
            async with self._build(name, self._accounts[name]) as pipeline:
                if pipeline is None:
                    self.failed = self.failed or self._once
                else:
                    await self._run(name, pipeline)
            over = True
        except* OwnershipLost:
            self.failed, over = self.failed or self._once, self._once
        return over

    async def _run(self, name: str, pipeline: SourceLoop) -> None:
        self._pipelines[name] = pipeline
        try:
            if self._stopping or name in self._anew:
                pipeline.stop()
            await pipeline.run(0.0 if name in self._at_once else self._spread(name))
        finally:
            self.failed = self.failed or pipeline.failed
            del self._pipelines[name]

    def _spread(self, name: str) -> float:
        """Seconds into the shortest `every` (at most a minute) at which a source starts, so that not all do at once."""
        everies = (
            sweep.every for account in self._accounts.values() for of in account.built_streams for sweep in of.sweeps
        )
        shortest = min(everies, default=timedelta(0)).total_seconds()
        return min(60.0, shortest) * list(self._accounts).index(name) / len(self._accounts)
