"""What every vendor's file must do, against its double: to be listed here is to be tested."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp

from poller.config.plugins import type_name
from poller.plugin.source import Source
from poller.sandbox.accounts import DESCRIBED, account
from poller.sandbox.app import sandbox
from poller.sandbox.faults import REFUSALS
from poller.sandbox.registry import new_world
from poller.sources.agendize import Agendize
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.sources.ipscape import Ipscape
from poller.sources.registry import SOURCES
from poller.sources.rest import Rest
from poller.sources.trackdrive import Trackdrive
from poller.testing import SourceContract
from tests.simulation import ACCOUNTS, AT, Simulation

pytestmark = pytest.mark.slow


def test_every_vendor_of_the_registry_is_tested() -> None:
    assert set(map(type_name, SOURCES)) == {made().type for made in ACCOUNTS.values()}
    assert {suite.source for suite in SandboxContract.__subclasses__()} == set(SOURCES)


class SandboxContract(SourceContract):
    """A vendor whose double is the sandbox's."""

    fewest_events: ClassVar = 51
    vendor: ClassVar = ""
    """Its name in the sandbox, where it is not the type."""

    def double(self, now: Callable[[], datetime]) -> ASGIApp:
        return sandbox(new_world(1, 2, now, timedelta(hours=1)))

    def refusal(self, status: int, message: str) -> Response:
        return REFUSALS[self.vendor or self.settings["type"]](status, message)


class TestAgendize(SandboxContract):
    source, settings = Agendize, account(AT, "agendize")


class TestCallcap(SandboxContract):
    source, settings = Callcap, account(AT, "callcap")


class TestFlextell(SandboxContract):
    source, settings = Flextell, account(AT, "flextell")


class TestHelpdesk(SandboxContract):
    """What is described in YAML alone; rest/test_list_server.py has other lists."""

    source, settings = Rest, account(AT, DESCRIBED)
    vendor: ClassVar = DESCRIBED


class TestIpscape(SandboxContract):
    source, settings = Ipscape, account(AT, "ipscape")


class TestTrackdrive(SandboxContract):
    source, settings = Trackdrive, account(AT, "trackdrive")


def test_a_list_in_another_zone_moves_nothing(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {"callcap": ACCOUNTS["callcap"](timeout="4s", start="all")}, rate=4)
    simulation.world.vices.set({"callcap": {"wrong_zone": 1.0}})
    simulation.live(120)
    [stream] = simulation.pipelines[0].streams
    for state in stream.checkpoint.sweeps.values():
        assert (state.cursor, state.complete, state.last_success) == (None, False, None)
    assert any(state.last_error for state in stream.checkpoint.sweeps.values())
    simulation.world.vices.clear()
    simulation.live(1800)
    [stream] = simulation.pipelines[0].streams
    assert all(state.complete for state in stream.checkpoint.sweeps.values())


@pytest.fixture
def account_of(vendor: str) -> Callable[..., Source]:
    return lambda **settings: ACCOUNTS[vendor](timeout="4s", **settings)


@pytest.mark.parametrize("vendor", ["callcap", "flextell"])
def test_pages_of_another_size_are_read_on_by_that_size(
    tmp_path: Path, vendor: str, account_of: Callable[..., Source]
) -> None:
    simulation = Simulation(tmp_path, {vendor: account_of(start="all")}, rate=4)
    simulation.world.vices.set({vendor: {"wrong_page_size": 1.0}})
    simulation.live(3600, once=True)
    (stream,) = simulation.pipelines[0].streams
    assert all(state.complete for state in stream.checkpoint.sweeps.values())
    assert stream.checkpoint.gaps == []


@pytest.mark.parametrize("vendor", ["callcap", "flextell"])
def test_pages_that_hold_less_than_they_say_are_delivered_and_after_three_the_sweep_goes_on(
    tmp_path: Path, vendor: str, account_of: Callable[..., Source]
) -> None:
    simulation = Simulation(tmp_path, {vendor: account_of(start="all")}, rate=4)
    simulation.world.vices.set({vendor: {"silent_page_cap": 1.0}})
    simulation.live(300)
    (stream,) = simulation.pipelines[0].streams
    assert simulation.events(vendor), "what came is delivered"
    assert {gap.kind for gap in stream.checkpoint.gaps} == {"shifted"}
    live = stream.checkpoint.sweeps["live"]
    assert live.cursor is not None
    assert live.cursor.until > simulation.now() - timedelta(minutes=5), "the sweep goes on"
    simulation.world.vices.clear()
    simulation.live(600)
    assert simulation.pipelines[0].streams[0].checkpoint.gaps == []
