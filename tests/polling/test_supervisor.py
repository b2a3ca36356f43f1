"""Sources that come, leave and are lost: each is polled exactly while the ledger says that it is ours.

Killed: a source that left and came back while its pipeline was still ending, never started again; one that was lost,
started again before the ledger knew; one that stays, started anew at each change.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import anyio
import pytest

from poller.plugin.source import Source
from poller.plugin.stream import Stream
from poller.polling import supervisor
from poller.polling.loop import SourceLoop
from poller.polling.runtime import StreamRuntime
from poller.polling.supervisor import Supervisor
from poller.state.ledger import Ledger, OwnershipLost
from tests.simulation import callcap
from tests.support.toy import NOON, running, sweep

ACCOUNTS = {name: callcap() for name in ("acme", "crm")}


class Said:
    """A ledger that says what it is told to say, one set after the other."""

    def __init__(self) -> None:
        self.send, self._receive = anyio.create_memory_object_stream[Collection[str]](10)
        self.flushed = 0

    async def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        async with self.send, self._receive:
            async for ours in self._receive:
                yield ours

    async def flush(self) -> None:
        self.flushed += 1


class Toy:
    """A pipeline that does nothing, and takes its time to end."""

    failed = False
    streams: Sequence[StreamRuntime] = ()

    def __init__(self, slow: float) -> None:
        self.slow = slow
        self.lost, self.over = anyio.Event(), anyio.Event()

    async def run(self, spread: float) -> None:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self.over.wait)
                group.start_soon(self._until_lost, group.cancel_scope)
                await self.over.wait()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(self.slow)

    async def _until_lost(self, scope: anyio.CancelScope) -> None:
        await self.lost.wait()
        raise OwnershipLost("fenced")

    def stop(self) -> None:
        self.over.set()


class World:
    def __init__(self, slow: float = 0.0, sources: Mapping[str, Source] = ACCOUNTS) -> None:
        self.started: list[str] = []
        self.running: dict[str, Toy] = {}
        self.ledger, self.slow = Said(), slow
        self.supervisor = Supervisor(sources, self._build)

    @asynccontextmanager
    async def _build(self, name: str, _: Source) -> AsyncIterator[SourceLoop | None]:
        assert name not in self.running, "never twice at once"
        toy = self.running[name] = Toy(self.slow)
        self.started.append(name)
        try:
            yield cast("Any", toy)
        finally:
            del self.running[name]

    async def say(self, *ours: str) -> None:
        await self.ledger.send.send(ours)

    async def until(self, *names: str) -> None:
        with anyio.fail_after(5):
            while set(self.running) != set(names):  # noqa: ASYNC110  the fleet tells nobody
                await anyio.sleep(0.001)


@asynccontextmanager
async def at_work(slow: float = 0.0) -> AsyncIterator[World]:
    world = World(slow)
    async with anyio.create_task_group() as group:
        group.start_soon(world.supervisor.run, cast("Ledger", world.ledger))
        yield world
        world.supervisor.stop()


async def test_sources_come_and_go_and_those_that_stay_are_left_alone() -> None:
    async with at_work() as world:
        await world.say("acme")
        await world.until("acme")
        await world.say("acme", "crm")
        await world.until("acme", "crm")
        await world.say("crm")
        await world.until("crm")
        await world.say("crm", "acme")
        await world.until("acme", "crm")
        assert world.started == ["acme", "crm", "acme"]


async def test_one_that_comes_back_while_it_is_still_ending_is_polled_again() -> None:
    async with at_work(0.05) as world:
        await world.say("acme")
        await world.until("acme")
        first = world.running["acme"]
        await world.say()
        await world.say("acme")
        with anyio.fail_after(5):
            while world.running.get("acme") in {None, first}:  # noqa: ASYNC110
                await anyio.sleep(0.001)
        assert world.started == ["acme", "acme"]


async def test_one_that_was_lost_waits_until_the_ledger_has_said_so() -> None:
    async with at_work() as world:
        await world.say("acme", "crm")
        await world.until("acme", "crm")
        world.running["acme"].lost.set()
        await world.until("crm")
        await world.say("acme", "crm")
        await anyio.sleep(0.02)
        assert list(world.running) == ["crm"], "the ledger has not taken it away yet"
        await world.say("crm")
        await world.say("acme", "crm")
        await world.until("acme", "crm")
        assert world.started == ["acme", "crm", "acme"]


async def test_who_polls_the_others_is_said_and_never_that_it_is_ourselves() -> None:
    said = {"acme": "two", "crm": "one"}
    async with at_work() as world:
        statuses = world.supervisor.statuses(paused=False, replica="one", owner=lambda name: said[name], now=NOON)
        assert [(of.source, of.owner, of.here) for of in statuses] == [("acme", "two", False), ("crm", "", False)]
        gauges = world.supervisor.gauges(paused=False, replica="one", owner=lambda name: said[name], now=NOON)
        assert [(of.source, of.owner, of.here) for of in gauges] == [("acme", "two", False), ("crm", "", False)]
        assert not world.supervisor.whole
        await world.say("acme")
        await world.until("acme")
        assert not world.supervisor.whole
        await world.say("acme", "crm")
        await world.until("acme", "crm")
        assert world.supervisor.whole


async def test_the_lag_of_a_source_that_nobody_polls_any_more_grows_with_the_clock() -> None:
    owner, day = "", 24 * 3600

    def shown(hours: int, *, paused: bool = True) -> tuple[str, float | None]:
        now = NOON + timedelta(hours=hours)
        statuses = world.supervisor.statuses(paused=paused, replica="one", owner=lambda _: owner, now=now)
        return next((status.state, status.lag_seconds) for status in statuses if status.source == "acme")

    async with at_work() as world:
        assert shown(1) == ("paused", None), "it was never polled here: an output may be away since the start"
        assert shown(1, paused=False) == ("waiting", None)
        await world.say("acme")
        await world.until("acme")
        world.running["acme"].streams = [polled()]
        await world.say()
        await world.until()
        assert shown(1) == ("paused", day + 3600)
        assert shown(2, paused=False) == ("waiting", day + 7200)
        owner = "two"
        assert shown(3) == ("waiting", None)
        owner = ""
        assert shown(4) == ("paused", None), "the other has covered more"


def polled() -> StreamRuntime:
    """A stream that is covered up to a day before noon."""
    stream = running(sweep("live", timedelta(minutes=1)))
    stream.checkpoint.sweeps["live"].complete = True
    return stream


async def test_a_stop_ends_also_who_waits_for_the_ledger() -> None:
    async with at_work() as world:
        await world.say("acme")
        await world.until("acme")
        world.running["acme"].lost.set()
        await world.until()


async def test_what_waits_to_be_saved_is_saved_meanwhile_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_FLUSH_EVERY", 0.001)
    async with at_work() as world:
        with anyio.fail_after(5):
            while world.ledger.flushed < 3:  # noqa: ASYNC110
                await anyio.sleep(0.001)
        monkeypatch.setattr(supervisor, "_FLUSH_EVERY", 60)
        await anyio.sleep(0.01)
        before = world.ledger.flushed
    assert world.ledger.flushed == before + 1


class Counted:
    """A source that counts how often its streams are asked for."""

    def __init__(self) -> None:
        self.builds, self._source = 0, callcap()

    @property
    def built_streams(self) -> Sequence[Stream]:
        self.builds += 1
        return self._source.built_streams


async def test_a_start_of_many_sources_builds_the_streams_of_each_once() -> None:
    sources = {f"s{number}": Counted() for number in range(60)}
    world = World(sources=cast("Any", sources))
    async with anyio.create_task_group() as group:
        group.start_soon(world.supervisor.run, cast("Ledger", world.ledger))
        await world.say(*sources)
        await world.until(*sources)
        world.supervisor.stop()
    assert {source.builds for source in sources.values()} == {1}, "each start built all of them: quadratic"
