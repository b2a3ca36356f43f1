"""What every vendor's file must do, against its double: to be listed here is to be tested."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from poller.config.plugins import type_name
from poller.events.json_schema import event_schema
from poller.plugin.source import Source
from poller.sources.registry import SOURCES
from tests.simulation import ACCOUNTS, Simulation

pytestmark = pytest.mark.slow

HTTP_TROUBLE = ("html_200", "error_in_body", "server_error", "reset", "stall", "unauthorized", "forbidden", "throttle")
LIES = {"callcap": ("wrong_zone",)}
"""What an answer says of itself, and what hides its records: a smaller page than asked for is read all the same."""
TROUBLE = [(vendor, vice) for vendor in sorted(ACCOUNTS) for vice in (*HTTP_TROUBLE, *LIES.get(vendor, ()))]
SCHEMA = jsonschema.Draft202012Validator(event_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_every_vendor_of_the_registry_is_tested() -> None:
    assert set(map(type_name, SOURCES)) == ACCOUNTS.keys()


@pytest.fixture(params=sorted(ACCOUNTS))
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(vendor: str) -> Callable[..., Source]:
    return lambda **settings: ACCOUNTS[vendor](timeout="4s", **settings)


def test_every_sweep_of_every_stream_completes_and_every_event_is_of_the_schema(
    tmp_path: Path, vendor: str, account: Callable[..., Source]
) -> None:
    simulation = Simulation(tmp_path, {vendor: account(start="all")}, rate=4)
    simulation.live(3600, once=True)
    for stream in simulation.pipelines[0].streams:
        states = stream.checkpoint.sweeps
        assert {name for name, state in states.items() if not state.complete} == set()
        assert stream.checkpoint.gaps == []
    events = simulation.events(vendor)
    assert len(events) > 50
    for event in events:
        SCHEMA.validate(event)
        assert event["data"]["id"] == event["subject"]


@pytest.mark.parametrize(("vendor", "vice"), TROUBLE)
def test_an_answer_that_is_none_moves_nothing(
    tmp_path: Path, vendor: str, account: Callable[..., Source], vice: str
) -> None:
    simulation = Simulation(tmp_path, {vendor: account(start="all")}, rate=4)
    simulation.world.vices.set({vendor: {vice: 1.0, "stall_seconds": 10.0}})
    simulation.live(120)
    for stream in simulation.pipelines[0].streams:
        for name, state in stream.checkpoint.sweeps.items():
            assert state.cursor is None, name
            assert not state.complete, name
            assert state.last_success is None, name
    states = [state for stream in simulation.pipelines[0].streams for state in stream.checkpoint.sweeps.values()]
    assert any(state.last_error for state in states)
    simulation.world.vices.clear()
    simulation.live(1800)
    for stream in simulation.pipelines[0].streams:
        assert all(state.complete for state in stream.checkpoint.sweeps.values())


@pytest.mark.parametrize("vendor", ["callcap", "flextell"])
def test_pages_of_another_size_are_read_on_by_that_size(
    tmp_path: Path, vendor: str, account: Callable[..., Source]
) -> None:
    simulation = Simulation(tmp_path, {vendor: account(start="all")}, rate=4)
    simulation.world.vices.set({vendor: {"wrong_page_size": 1.0}})
    simulation.live(3600, once=True)
    (stream,) = simulation.pipelines[0].streams
    assert all(state.complete for state in stream.checkpoint.sweeps.values())
    assert stream.checkpoint.gaps == []


@pytest.mark.parametrize("vendor", ["callcap", "flextell"])
def test_pages_that_hold_less_than_they_say_are_delivered_and_after_three_the_sweep_goes_on(
    tmp_path: Path, vendor: str, account: Callable[..., Source]
) -> None:
    simulation = Simulation(tmp_path, {vendor: account(start="all")}, rate=4)
    simulation.world.vices.set({vendor: {"silent_page_cap": 1.0}})
    simulation.live(300)
    (stream,) = simulation.pipelines[0].streams
    assert simulation.events(vendor), "what came is delivered"
    assert {gap.kind for gap in stream.checkpoint.gaps} == {"shifted"}
    live = stream.checkpoint.sweeps["live"]
    assert live.cursor is not None
    assert live.cursor.until > simulation.now() - timedelta(minutes=5), "the sweep goes on"
    simulation.world.vices.clear()
    simulation.live(1800)
    assert simulation.pipelines[0].streams[0].checkpoint.gaps == []


def test_what_the_secrets_are_is_never_shown(vendor: str, account: Callable[..., Source]) -> None:
    configured = account()
    shown = f"{configured!r} {configured} {configured.credential()!r} {configured.model_dump()!r}"
    for secret in _secrets(configured):
        assert secret not in shown


def _secrets(account: Source) -> list[str]:
    values: list[Any] = [getattr(account, name) for name in type(account).model_fields]
    return [value.get_secret_value() for value in values if hasattr(value, "get_secret_value")]
