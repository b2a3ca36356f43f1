"""A poller whose stream falls silent says so everywhere, and goes on as before."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from poller.polling.status import stream_gauges, stream_status
from poller.server.diagnosis import diagnose
from poller.state.checkpoint import Rate
from poller.telemetry import Telemetry
from poller.telemetry.metric_defs import Catalogue
from poller.telemetry.status import StreamGauges, StreamStatus, as_json
from tests.simulation import BIRTH, Simulation, callcap

HOUR = timedelta(hours=1)
SLOWLY = {"calls": {"sweeps": {"live": {"every": "10m"}, "recent": {"every": "9d"}, "audit": {"every": "9d"}}}}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(Telemetry, "fell_silent", lambda _, *names, **fields: found.append((*names, fields["since"])))
    return found


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[Any]) -> Simulation:
    """A stream that was busy for three weeks, and is not from now on."""
    busy = Rate(BIRTH - timedelta(weeks=3), BIRTH, (50,) * 6, bytes([50] * 168), BIRTH, 500, as_usual=True)
    simulation = Simulation(tmp_path, {"acme": callcap(streams=SLOWLY)}, history=timedelta(0), rate=0.0)
    simulation.live(60)
    real = simulation._pipeline

    async def pipeline(*args: Any, **named: Any) -> Any:
        made = await real(*args, **named)
        made.streams[0].checkpoint.rate = busy
        return made

    with monkeypatch.context() as patch:
        patch.setattr(simulation, "_pipeline", pipeline)
        simulation.live(2.1 * 3600)
    return simulation


def status(simulation: Simulation) -> StreamStatus:
    loop = simulation.pipelines[0]
    return stream_status(loop.streams[0], loop.breaker, paused=False, owner="", now=simulation.now())


def gauges(simulation: Simulation) -> StreamGauges:
    loop = simulation.pipelines[0]
    return stream_gauges(loop.streams[0], loop.breaker, paused=False, owner="", now=simulation.now())


def test_it_is_shown_everywhere(quiet: Simulation) -> None:
    shown = status(quiet)
    assert shown.state == "suspect"
    assert shown.suspicion
    assert shown.gauges == gauges(quiet)
    assert "no new record since 2026-03-14 16:00:00Z, where at least 50 were due" in shown.suspicion
    assert as_json(shown)["suspicion"] == shown.suspicion
    assert diagnose(shown, {}, [], []).reason == shown.suspicion
    metrics = Catalogue()
    metrics.gauges = lambda: [shown.gauges]
    assert 'poller_stream_state{state="suspect",source="acme",stream="calls"} 1.0' in "".join(metrics.exposition())


def test_it_is_told_once_and_blocks_nothing_and_outlives_a_restart(quiet: Simulation, told: list[Any]) -> None:
    before = quiet.pipelines[0].streams[0].checkpoint.sweeps["live"].cursor
    quiet.live(2 * 3600)
    after = quiet.pipelines[0].streams[0].checkpoint.sweeps["live"].cursor
    assert before
    assert after
    assert after.until - before.until > 1.8 * HOUR
    assert quiet.pipelines[0].streams[0].checkpoint.gaps == []
    assert status(quiet).state == "suspect"
    assert told == [("acme", "calls", BIRTH)]
    quiet.world.put("callcap/calls")
    quiet.live(1200)
    assert len(quiet.events("acme")) == 1
    assert status(quiet).state == "ok"


@pytest.mark.parametrize("rate", [0.0, 6.0])
def test_a_stream_that_was_read_and_never_brought_a_record_is_barren(tmp_path: Path, rate: float) -> None:
    simulation = Simulation(tmp_path, {"acme": callcap(streams=SLOWLY)}, history=rate * HOUR, rate=rate)
    simulation.live(60)
    shown = status(simulation)
    assert (shown.state, shown.covered_until is None) == ("ok", False)
    assert shown.is_barren == (rate == 0)
