"""What `poller check --deep` finds at a double, on simulated time."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import anyio
import looptime
from starlette.types import ASGIApp

from poller.commands.check import Finding
from poller.commands.check_deep import AskingSession, findings
from poller.http.auth import make_auth
from poller.http.session import open_session
from poller.plugin.source import Source
from poller.sandbox.app import sandbox
from poller.sandbox.registry import VENDORS
from poller.sandbox.world.world import World
from poller.telemetry import Telemetry
from poller.testing.simulation import BIRTH, Distant
from tests.simulation import ACCOUNTS

RATE = 12
"""New records a minute."""
LIVED = 1200.0
"""Seconds that a world has lived before anybody asks: until then it is as quiet as its past."""


@dataclass
class Deep:
    """What was found: all of it, and each verdict by `stream: name`."""

    found: list[Finding] = field(default_factory=list)

    @property
    def verdicts(self) -> dict[str, str]:
        judged = [one for one in self.found if one.details]
        return {f"{one.name.partition('.')[2]}: {one.details['assumption']}": one.details["verdict"] for one in judged}

    @property
    def lines(self) -> str:
        return "\n".join(f"{one.details.get('verdict', one.ok)} {one.name}: {one.words}" for one in self.found)


class Clock:
    """Simulated time."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = looptime.new_event_loop(start=0.0, noop_cycles=0)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this while the clock jumps."""
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(work)

    def __call__(self) -> datetime:
        return BIRTH + timedelta(seconds=self.loop.time())


def world_of(vendor: str, clock: Callable[[], datetime], seed: int, vices: Mapping[str, float]) -> World:
    """A busy world of one vendor, with these vices."""
    kinds = next(known.kinds for known in VENDORS if known.name == vendor)
    world = World(kinds, seed, RATE, clock, timedelta(days=2), past_limit=400)
    world.vices.set({vendor: vices})
    return world


def put_to_the_test(source: Source, clock: Clock, app: ASGIApp) -> Deep:
    """Ask the double whatever would be asked of the vendor."""
    deep = Deep()

    async def ask() -> None:
        await anyio.sleep(LIVED)
        auth, telemetry = make_auth(source, None, None, clock), Telemetry()
        transport = Distant(app, random.Random(1))
        async with open_session("acme", source, auth, telemetry, clock, transport=transport) as session:
            async for found in findings("acme", source, AskingSession(session), clock()):
                deep.found.append(found)

    clock.run(ask())
    return deep


def deep_of(vendor: str, vices: Mapping[str, float], source: Source | None = None, seed: int = 1) -> Deep:
    """Ask a vendor of the sandbox, with these vices; as this `source`, which may describe it, or as its own."""
    clock = Clock()
    asked = ACCOUNTS[vendor]() if source is None else source
    return put_to_the_test(asked, clock, sandbox(world_of(vendor, clock, seed, vices)))
