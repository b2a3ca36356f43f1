"""A source that gets another credential: its pipeline ends after the page in hand, and is made anew with that one.

Killed: one that is being made with the old credential meanwhile, and stays; one that is not ours, and is started; one
that was replaced, and waits out its turn of the start.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio

from poller.plugin.source import Source
from poller.polling.loop import SourceLoop
from poller.state.ledger import Ledger
from tests.polling.test_supervisor import ACCOUNTS, Toy, World
from tests.simulation import callcap

OTHER = callcap(api_key="another one")


class Making(World):
    """One that takes its time to make a pipeline, and remembers of which account."""

    def __init__(self, slow: float = 0.0) -> None:
        super().__init__()
        self.making = slow
        self.made: list[tuple[str, Source]] = []
        self.spreads: list[float] = []
        self.supervisor._build = self._made

    @asynccontextmanager
    async def _made(self, name: str, account: Source) -> AsyncIterator[SourceLoop | None]:
        await anyio.sleep(self.making)
        self.made.append((name, account))
        async with self._build(name, account) as toy:
            remembered = cast("Toy", toy).run

            async def run(spread: float) -> None:
                self.spreads.append(spread)
                await remembered(spread)

            cast("Any", toy).run = run
            yield toy


@asynccontextmanager
async def making(slow: float = 0.0) -> AsyncIterator[Making]:
    world = Making(slow)
    async with anyio.create_task_group() as group:
        group.start_soon(world.supervisor.run, cast("Ledger", world.ledger))
        yield world
        world.supervisor.stop()


async def made(world: Making, count: int) -> None:
    with anyio.fail_after(5):
        while len(world.made) < count or not world.running:  # noqa: ASYNC110  the fleet tells nobody
            await anyio.sleep(0.001)


async def test_it_is_made_anew_at_once_and_the_others_are_left_alone() -> None:
    async with making() as world:
        await world.say("acme", "crm")
        await world.until("acme", "crm")
        world.supervisor.replace("crm", OTHER)
        await made(world, 3)
        assert world.made == [("acme", ACCOUNTS["acme"]), ("crm", ACCOUNTS["crm"]), ("crm", OTHER)]
        assert world.spreads[1] > 0
        await world.until("acme", "crm")
        assert world.spreads[2] == 0


async def test_one_that_is_being_made_is_made_again() -> None:
    async with making(0.02) as world:
        await world.say("acme")
        await anyio.sleep(0.01)
        world.supervisor.replace("acme", OTHER)
        await made(world, 2)
        await world.until("acme")
        assert world.made[-1] == ("acme", OTHER)


async def test_one_that_is_not_ours_is_not_started_but_comes_with_it() -> None:
    async with making() as world:
        await world.say("crm")
        await world.until("crm")
        world.supervisor.replace("acme", OTHER)
        await anyio.sleep(0.02)
        assert list(world.running) == ["crm"]
        await world.say("acme", "crm")
        await world.until("acme", "crm")
        assert world.made[-1] == ("acme", OTHER)


async def test_a_stop_is_a_stop_for_one_that_was_replaced_too() -> None:
    async with making() as world:
        await world.say("acme")
        await world.until("acme")
        world.supervisor.stop()
        world.supervisor.replace("acme", OTHER)
    assert len(world.made) == 1
