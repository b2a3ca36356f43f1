"""The sources that this process polls, each with its pipeline: they come and go as the ledger says."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TypeAlias

import anyio

from poller.ledger import Ledger, Lost
from poller.pipeline import Pipeline
from poller.sources.account import Account
from poller.standing import elsewhere, standing
from poller.status import StreamStatus

Build: TypeAlias = Callable[[str, Account], AbstractAsyncContextManager[Pipeline | None]]
"""Make a source's pipeline of what the ledger knows of it; None where it cannot be polled."""


class Fleet:
    """Pipelines at work, by source. `once`: those that are ours at the beginning, to their end; `failed` if one did."""

    def __init__(self, accounts: Mapping[str, Account], build: Build, *, once: bool = False) -> None:
        self._accounts, self._build, self._once = accounts, build, once
        self._pipelines: dict[str, Pipeline] = {}
        self._running: dict[str, anyio.CancelScope] = {}
        self._listening = anyio.CancelScope()
        self._stopping = False
        self.failed = False

    async def run(self, ledger: Ledger) -> None:
        """Poll what is ours, until stopped; with `once`, until all was polled."""
        async with anyio.create_task_group() as work:
            with self._listening:
                async for ours in ledger.sources(self._accounts):
                    for name in self._running.keys() - ours:
                        self._running[name].cancel()
                    for name in (name for name in self._accounts if name in ours and name not in self._running):
                        scope = self._running[name] = anyio.CancelScope()
                        work.start_soon(self._poll, name, scope)
                    if self._once:
                        break

    def stop(self) -> None:
        """Finish the pages in hand, ask for no more."""
        self._stopping = True
        self._listening.cancel()
        for pipeline in self._pipelines.values():
            pipeline.stop()

    def hurry(self) -> None:
        """Give up the requests that still hang; what was read is delivered all the same."""
        for pipeline in self._pipelines.values():
            pipeline.hurry()

    def statuses(self, *, paused: bool, replica: str, now: datetime) -> list[StreamStatus]:
        """Where every stream stands, whoever polls it. `replica` is our name."""
        return [status for name in self._accounts for status in self._standing(name, paused, replica, now)]

    def _standing(self, name: str, paused: bool, replica: str, now: datetime) -> list[StreamStatus]:
        if pipeline := self._pipelines.get(name):
            of, streams = pipeline.patience, pipeline.streams
            return [standing(stream, of, paused=paused, owner=replica, now=now) for stream in streams]
        return [elsewhere(name, stream.name) for stream in self._accounts[name].build()]

    async def _poll(self, name: str, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                async with self._build(name, self._accounts[name]) as pipeline:
                    await self._at_work(name, pipeline)
        except* Lost:
            pass  # nothing of it was true; the ledger says when it is ours again
        finally:
            del self._running[name]

    async def _at_work(self, name: str, pipeline: Pipeline | None) -> None:
        if pipeline is None:
            self.failed = self.failed or self._once
            return
        self._pipelines[name] = pipeline
        try:
            if self._stopping:
                pipeline.stop()
            await pipeline.run(self._spread(name))
        finally:
            self.failed = self.failed or pipeline.failed
            del self._pipelines[name]

    def _spread(self, name: str) -> float:
        """Seconds into the shortest `every` (at most a minute) at which a source starts, so that not all do at once."""
        everies = (sweep.every for account in self._accounts.values() for of in account.build() for sweep in of.sweeps)
        shortest = min(everies, default=timedelta(0)).total_seconds()
        return min(60.0, shortest) * list(self._accounts).index(name) / len(self._accounts)
