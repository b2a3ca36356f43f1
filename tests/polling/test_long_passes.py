"""Passes that are long, vendors that fail on the way, outages, and sweeps that are always due.

Killed: a pass that begins anew at its first page at each failure; an outage read in one pass; live news that waits for
the end of an outage; an order of history that never has its turn.
"""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from poller.polling.progress.backfill import Order
from poller.polling.progress.coverage import OUTAGE
from poller.sandbox.faults import Front
from poller.sources.callcap import api
from tests.simulation import BIRTH, Simulation, callcap

CALLS = "callcap/calls"
QUIET: dict[str, Any] = {"history": timedelta(0), "rate": 0.0}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "ask_list", partial(api.ask_list, show=5))


def put(simulation: Simulation, count: int, since: timedelta, until: timedelta = timedelta(0)) -> set[str]:
    """So many calls, evenly spread, from so long ago on."""
    step = (since - until) / count
    times = [simulation.now() - since + step * number for number in range(count)]
    return {simulation.world.put(CALLS, {"last_modified": time}, at=time) for time in times}


def delivered(simulation: Simulation) -> list[str]:
    return [event["subject"] for event in simulation.events("acme")]


def requests(simulation: Simulation) -> int:
    front = simulation.app
    assert isinstance(front, Front)
    return len(front._log.since(0)["requests"])


@pytest.mark.parametrize(("vice", "rate"), [("server_error", 0.05), ("server_error", 0.3), ("error_in_body", 0.3)])
def test_a_long_pass_ends_though_many_of_its_requests_fail(tmp_path: Path, vice: str, rate: float) -> None:
    simulation = Simulation(tmp_path, {"acme": callcap()}, **QUIET)
    calls = put(simulation, 150, timedelta(hours=20))
    simulation.world.vices.set({"callcap": {vice: rate}})
    simulation.live(150)
    assert set(delivered(simulation)) == calls
    states = simulation.pipelines[0].streams[0].checkpoint.sweeps
    assert states["live"].complete
    assert states["audit"].complete, "30 pages: it never came to its end"


def test_an_outage_of_days_is_read_in_slices_beside_live_news(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {"acme": callcap(requests_per_minute=60)}, **QUIET)
    simulation.live(60)
    simulation.elapsed += 10 * DAY.total_seconds()
    missed = put(simulation, 800, timedelta(days=9, hours=23), timedelta(hours=7))
    fresh = put(simulation, 5, timedelta(minutes=5))
    simulation.live(20)
    assert fresh <= set(delivered(simulation)), "the newest must not wait for the oldest"
    stream = simulation.pipelines[0].streams[0]
    gaps = [gap for gap in stream.checkpoint.gaps if gap.sweep == "live"]
    assert [gap.kind for gap in gaps] == [OUTAGE]
    simulation.live(420)
    starts = {gap.sweep: gap.start for gap in stream.checkpoint.gaps}
    left = simulation.pipelines[0].streams[0].checkpoint.gaps
    assert any(gap.start > starts[gap.sweep] for gap in left), "it shows how far it is"
    simulation.live(1200)
    assert set(delivered(simulation)) >= missed
    assert len(delivered(simulation)) == len(set(delivered(simulation)))
    assert simulation.pipelines[0].streams[0].checkpoint.gaps == []


def test_a_clock_that_is_ahead_at_a_start_makes_no_outage(tmp_path: Path) -> None:
    sweeps = {"recent": {"every": "99d"}, "audit": {"every": "99d"}}
    account = callcap(requests_per_minute=60, streams={"calls": {"sweeps": sweeps}})
    simulation = Simulation(tmp_path, {"acme": account}, **QUIET)
    simulation.live(60)
    simulation.ahead = 10 * DAY
    fresh = put(simulation, 40, timedelta(minutes=5))
    simulation.live(20)
    assert fresh == set(delivered(simulation))
    assert simulation.pipelines[0].streams[0].checkpoint.gaps == []


def test_an_outage_is_believed_once_the_vendor_has_said_what_time_it_is(tmp_path: Path) -> None:
    sweeps = {"recent": {"every": "99d"}, "audit": {"every": "99d"}}
    account = callcap(requests_per_minute=60, streams={"calls": {"sweeps": sweeps}})
    simulation = Simulation(tmp_path, {"acme": account}, **QUIET)
    simulation.live(60)
    simulation.elapsed += 10 * DAY.total_seconds()
    put(simulation, 100, timedelta(days=9, hours=23), timedelta(hours=7))
    fresh = put(simulation, 5, timedelta(minutes=5))
    before = requests(simulation)
    simulation.live(3.5)
    assert fresh <= set(delivered(simulation)), "the first answer told the time, the second is of the last hours"
    assert requests(simulation) - before == 4
    assert [gap.kind for gap in simulation.pipelines[0].streams[0].checkpoint.gaps] == [OUTAGE]


def test_an_outage_ends_though_two_in_five_requests_fail(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {"acme": callcap()}, **QUIET)
    simulation.live(60)
    simulation.elapsed += 5 * DAY.total_seconds()
    missed = put(simulation, 200, timedelta(days=4, hours=23), timedelta(hours=7))
    simulation.world.vices.set({"callcap": {"server_error": 0.4}})
    for _ in range(8):  # how long it takes is a matter of luck
        simulation.live(900)
        gaps = simulation.pipelines[0].streams[0].checkpoint.gaps
        if set(delivered(simulation)) == missed and not gaps:
            break
    assert set(delivered(simulation)) == missed
    assert not [gap for gap in gaps if gap.kind == OUTAGE]


def test_history_has_its_turn_where_sweeps_are_always_due(tmp_path: Path) -> None:
    sweeps = {name: {"every": "1s"} for name in ("recent", "live")}
    account = callcap(requests_per_minute=60, start="1h", streams={"calls": {"sweeps": sweeps}})
    simulation = Simulation(tmp_path, {"acme": account}, **QUIET)
    old = put(simulation, 3, timedelta(days=5), timedelta(days=4))
    order = Order(("6d", ""), BIRTH - timedelta(days=6), BIRTH - timedelta(days=3, hours=12))
    simulation.orders = [("calls", order)]
    simulation.live(180)
    assert set(delivered(simulation)) == old
    assert requests(simulation) > 120, "the sweeps went on"
