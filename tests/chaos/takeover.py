"""A rebalance, crashed everywhere: two replicas over one state in Kafka, whose source goes from one to the other.

`moved`: the rebalance comes at each moment of the owner's page. `loser`, `heir`: it comes in the midst of one, and the
replica that loses the source, or the one that gets it, dies at each of its moments after that. The dead replica comes
back a minute later. A token is refreshed meanwhile, where the vendor rotates them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from poller.clock import Clock
from poller.config.settings import Settings
from poller.polling.source import source_loop
from poller.polling.supervisor import Supervisor
from poller.sandbox.accounts import account
from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.state.account import account_id
from poller.state.delivery import Delivery
from poller.state.kafka import KafkaState
from poller.state.kafka.ledger import KafkaLedger
from poller.telemetry import Telemetry
from poller.testing.simulation import Distant
from tests.chaos.brokered import MOMENT, SESSION, Broker, in_the_place_of_kafka
from tests.chaos.death import Death, Killed
from tests.chaos.files import Overlapping
from tests.chaos.hasty import paced
from tests.laws.laws import judge
from tests.laws.meaning import read_event
from tests.laws.truth import of_vendor
from tests.simulation import AT, truth_of
from tests.simulation.program import Program

BIRTH = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JOINED, PREPARED, LONGEST, DOWN, PEACE = 60.0, 200.0, 90.0, 60.0, 1500.0
"""Seconds: when the second replica comes, when the deed begins, and how long it lasts at most; how long a dead replica
stays away; and the rest, in which all is read twice."""
ANSWERING = 0.1
"""Seconds that a vendor takes for an answer: a source can move while a page is on its way."""
MIDST = 4
"""The owner's moment at which the rebalance comes where it is not what is enumerated."""
KINDS = ("moved", "loser", "heir")
STATE = {"type": "kafka", "bootstrap_servers": "nowhere:1", "partitions": 1, "token_key": "a key for tests only"}


@dataclass
class Replica:
    """One of the two, in one life after another: at its n-th moment after it was `armed` it dies."""

    name: str
    death: Death = field(default_factory=Death)
    armed: bool = False
    at_moment: Callable[[], None] = lambda: None

    def moment(self) -> None:
        self.at_moment()
        if self.armed:
            self.death.moment()


@dataclass
class Takeover(Program):
    """A program of two replicas over one broker, one of which may die at its n-th moment."""

    vendor: str = "callcap"
    kind: str = "moved"
    moment: int = 1
    broker: Broker = field(default_factory=Broker)
    struck: bool = False

    def __post_init__(self) -> None:
        self.world = new_world(1, 0, self.now, timedelta())
        if self.vendor == "flextell":
            self.world.vices.set({"flextell": {"token_rotation": 1.0, "token_seconds": 30.0}})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("poller.sandbox.vendors.flextell.Tokens", Overlapping)
            self.app = sandbox(self.world)
        self.pair = [Replica("first"), Replica("second")]
        self._owners_moments = 0

    def run(self) -> bool:
        """Return True if the deed was over before the n-th moment came."""
        with in_the_place_of_kafka(self.broker), _requests_are_moments():
            self.live(PREPARED + PEACE, Death())
        return not self.struck

    def objections(self) -> Iterator[str]:
        """Say what is not as it should be."""
        events = [read_event(value) for value in self.broker.events()]
        for row in of_vendor(self.vendor):
            told = [event for event in events if event["stream"] == row.stream]
            verdict = judge(told, truth_of(self.world, row), row.content)
            if not verdict:
                yield f"{row.name}: {verdict}"

    async def _life(self, settings: Settings, seconds: float, until: Callable[[], bool]) -> None:
        self._put(2)
        async with anyio.create_task_group() as group:
            for replica, after in zip(self.pair, (0.0, JOINED), strict=True):
                group.start_soon(self._lives, settings, replica, after)
            await anyio.sleep(PREPARED)
            self._put(3)
            self.pair[0].at_moment = self._owner_at_work
            await anyio.sleep(seconds - PREPARED - 900)
            self._put(2)
            await anyio.sleep(900)
            group.cancel_scope.cancel()

    def _put(self, records: int) -> None:
        for row in of_vendor(self.vendor):
            for number in range(records):
                self.world.put(row.name, at=self.world.now() - number * MINUTE)

    def _owner_at_work(self) -> None:
        """Move the source at the chosen moment of its owner's, and let the chosen replica die at the chosen one."""
        self._owners_moments += 1
        if self._owners_moments != (self.moment if self.kind == "moved" else MIDST):
            return
        self.broker.move()
        if self.kind == "moved":
            self.struck = anyio.current_time() < PREPARED + LONGEST
        else:
            replica = self.pair[self.kind == "heir"]
            replica.death, replica.armed = Death(self.moment), True

    async def _lives(self, settings: Settings, replica: Replica, after: float) -> None:
        await anyio.sleep(after)
        MOMENT.set(replica.moment)
        while True:
            try:
                await self._replica(settings, replica.name)
            except* Killed:
                replica.armed, self.struck = False, True
            await anyio.sleep(SESSION)
            self.broker.miss(replica.moment)
            await anyio.sleep(DOWN - SESSION)

    async def _replica(self, settings: Settings, name: str) -> None:
        telemetry, state = Telemetry(), KafkaState.model_validate(STATE)
        clock = Clock(telemetry.clock_stepped, self.now, anyio.current_time)
        async with KafkaLedger(state, {}, Delivery({}, telemetry), telemetry, self.now, name) as ledger:
            await ledger.claim({source: account_id(asked) for source, asked in settings.sources.items()})
            build = partial(source_loop, ledger=ledger, telemetry=telemetry, now=clock, save=ledger.save_token)
            await Supervisor(settings.sources, partial(build, once=False, progress=None)).run(ledger)


@contextmanager
def _requests_are_moments() -> Iterator[None]:
    send = Distant.handle_async_request

    async def mortal_send(self: Distant, request: httpx.Request) -> httpx.Response:
        MOMENT.get()()
        answer = await send(self, request)
        await anyio.sleep(ANSWERING)
        MOMENT.get()()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Distant, "handle_async_request", mortal_send)
        yield


def configuration(vendor: str) -> dict[str, Any]:
    asked = account(AT, vendor) | {"start": "all", "requests_per_minute": 600, "timeout": "10s"}
    return {
        "sources": {vendor: paced(asked, lambda every: max(MINUTE, min(every, 10 * MINUTE)))},
        "outputs": {"console": {"type": "stdout"}},
    }


def crash_takeovers(vendor: str, kind: str, folder: Path, stride: int = 1) -> tuple[int, list[str]]:
    """Go through all moments of a kind, or each `stride`-th; return how many there were, and what went wrong."""
    settings, found, moment = Program(folder, configuration(vendor), BIRTH, 1).settings(), list[str](), 1
    while True:
        takeover = Takeover(folder, {}, BIRTH, 1, known=settings, vendor=vendor, kind=kind, moment=moment)
        if takeover.run():
            return moment // stride, found
        found += [f"moment {moment}: {objection}" for objection in takeover.objections()]
        moment += stride
