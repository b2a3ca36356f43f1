"""A clock that is stepped, back or forth, by a minute or a day, while a poller runs or between two runs.

Killed: sweeps that stand still, or are all due at once, because the wall clock moved; an outage that only the clock
tells of, and a cursor that is ahead of the vendor's time after it; a window that ends before it begins; a step that is
told by every source, or at every turn; one between two runs that is not told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from poller.clock import Clock, follow
from poller.errors import Throttled
from poller.plugin.stream import End, Window
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress import windows as windows_of_sweeps
from poller.polling.progress.passes import complete_pass
from poller.retry import Retry
from poller.sandbox.faults import Front
from poller.telemetry import Telemetry
from tests.simulation import Simulation, callcap, trackdrive
from tests.support.toy import NOON, running, sweep, under_way

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STEPS = [MINUTE, -MINUTE, DAY, -DAY]
QUIET: dict[str, Any] = {"history": timedelta(0), "rate": 0.0}
BUSY: dict[str, Any] = {"history": timedelta(0), "rate": 8.0}
EVERY = {"recent": 15.0, "live": 30.0}
BY_LIVE = {"calls": {"sweeps": {"recent": {"every": "12h"}}}}
"""No fast look beside `live`, which would bring what that loses."""


@dataclass
class Stepped(Simulation):
    """A poller whose machine's clock is `ahead` from `since` seconds on; the world, and its vendors, know the time."""

    since: float = 0.0

    def wall(self) -> datetime:
        now = self.now()
        return now + self.ahead if self.elapsed >= self.since else now


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Window]:
    """All windows that passes asked for."""
    asked: list[Window] = []
    real = windows_of_sweeps.window

    def window(*args: Any) -> Window:
        asked.append(real(*args))
        return asked[-1]

    monkeypatch.setattr("poller.polling.turns.window", window)
    return asked


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The steps that were told."""
    steps: list[float] = []
    monkeypatch.setattr(Telemetry, "clock_stepped", lambda _, by: steps.append(round(by.total_seconds())))
    return steps


def asked(simulation: Simulation) -> list[dict[str, Any]]:
    front = simulation.app
    assert isinstance(front, Front)
    return list(front._log.since(0)["requests"])


def kind(request: dict[str, Any]) -> str:
    query = request["query"]
    return "recent" if "last5" in query else "live" if "modified" in query else "audit"


def pauses(simulation: Simulation, since: float) -> dict[str, list[float]]:
    """The seconds between two polls of each sweep, from that second on."""
    times: dict[str, list[datetime]] = {}
    for request in asked(simulation):
        times.setdefault(kind(request), []).append(request["time"])
    start = simulation.now() - timedelta(seconds=simulation.elapsed - since)
    return {
        name: [(later - earlier).total_seconds() for earlier, later in pairwise(of) if later >= start]
        for name, of in times.items()
    }


def missing(simulation: Simulation) -> set[str]:
    """Calls that were visible long enough for `live` to bring them, and that were not delivered."""
    seen = simulation.world.truth("callcap/calls").items()
    before = simulation.now() - timedelta(seconds=45)
    shown = {identity for identity, history in seen if history.first_visible <= before}
    assert len(shown) > 20
    return shown - set(delivered(simulation))


def delivered(simulation: Simulation) -> list[str]:
    return [event["subject"] for event in simulation.events("acme")]


class TestWhileItRuns:
    @pytest.mark.parametrize("step", STEPS)
    def test_sweeps_go_on_at_their_pace_and_the_step_is_told_once(
        self, tmp_path: Path, step: timedelta, windows: list[Window], told: list[float]
    ) -> None:
        accounts = {name: callcap(start="1h") for name in ("acme", "other")}
        simulation = Stepped(tmp_path, accounts, ahead=step, since=100.0, **QUIET)
        simulation.live(400)
        assert told == [step.total_seconds()], "once, whatever the number of sources"
        for name, every in EVERY.items():
            longest = max(pauses(simulation, 90)[name])
            assert longest <= every + 6, f"{name} stood still for {longest:.0f} s"
        polls = [request for request in asked(simulation) if kind(request) != "audit"]
        assert len(polls) <= 2 * (400 / 15 + 400 / 30 + 4), "missed ticks would count as many"
        audits = [request for request in asked(simulation) if kind(request) == "audit"]
        assert len(audits) == 2, "once a source: a day was stepped over, and did not pass"
        assert all(asked.start <= asked.end for asked in windows)

    @pytest.mark.parametrize("step", STEPS)
    def test_nothing_is_lost_although_the_clock_is_put_right_again(self, tmp_path: Path, step: timedelta) -> None:
        account = callcap(start="1h", streams=BY_LIVE)
        simulation = Stepped(tmp_path, {"acme": account}, ahead=step, since=100.0, **BUSY)
        simulation.live(300)
        simulation.ahead, simulation.since = timedelta(0), 0.0
        simulation.live(60)
        simulation.ahead, simulation.since = step, 0.0
        simulation.live(60)
        simulation.ahead = timedelta(0)
        simulation.live(300)
        assert not missing(simulation)
        checkpoint = simulation.pipelines[0].streams[0].checkpoint
        assert checkpoint.gaps == []
        assert not any(state.cursor and state.cursor.until > simulation.now() for state in checkpoint.sweeps.values())

    def test_a_step_is_no_outage(self, tmp_path: Path) -> None:
        """By the clock three days were missed: as an outage they would be left behind, up to hours from now."""
        account = callcap(start="1h", streams=BY_LIVE)
        simulation = Stepped(tmp_path, {"acme": account}, ahead=3 * DAY, since=100.0, **BUSY)
        simulation.live(320)
        assert not missing(simulation), "live reads on"
        assert simulation.pipelines[0].streams[0].checkpoint.gaps == []


class TestBetweenTwoRuns:
    @pytest.mark.parametrize("step", [*STEPS, 3 * DAY])
    def test_sweeps_go_on_at_their_pace_and_nothing_is_lost(
        self, tmp_path: Path, step: timedelta, windows: list[Window]
    ) -> None:
        simulation = Simulation(tmp_path, {"acme": callcap(start="1h", streams=BY_LIVE)}, **BUSY)
        simulation.live(200)
        simulation.ahead = step
        simulation.live(300)
        assert max(pauses(simulation, 200)["live"]) <= 66, "a start may put a poll off by one `every`"
        simulation.ahead = timedelta(0)
        simulation.live(400)
        assert max(pauses(simulation, 500)["live"]) <= 66
        assert not missing(simulation)
        assert simulation.pipelines[0].streams[0].checkpoint.gaps == []
        assert all(asked.start <= asked.end for asked in windows)

    @pytest.mark.parametrize("step", [-MINUTE, -DAY])
    def test_a_step_back_is_told_once(self, tmp_path: Path, step: timedelta, told: list[float]) -> None:
        accounts = {name: callcap(start="1h") for name in ("acme", "other")}
        simulation = Simulation(tmp_path, accounts, **QUIET)
        simulation.live(200)
        simulation.ahead = step
        simulation.live(60)
        assert len(told) == 1, "once, whatever the number of sources and sweeps"
        assert step.total_seconds() <= told[0] < step.total_seconds() + 40, "less what passed since the last poll"
        simulation.ahead = timedelta(0)
        simulation.live(60)
        assert len(told) == 1, "forth, it is as if nobody had polled for a while"

    def test_a_re_read_is_not_put_off_because_the_last_one_lies_in_the_future(self, tmp_path: Path) -> None:
        simulation = Simulation(tmp_path, {"acme": trackdrive(streams={"leads": {}})}, **QUIET)
        simulation.live(60)
        simulation.ahead = DAY
        lead = simulation.world.put("trackdrive/leads", at=simulation.now() - 20 * DAY)
        simulation.live(120)
        assert delivered(simulation) == [lead]
        simulation.ahead = timedelta(0)
        simulation.world.edit("trackdrive/leads", lead)
        simulation.live(240)
        assert delivered(simulation) == [lead, lead]


class TestWhatWaits:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_source_that_has_to_wait_waits_as_long_as_it_would_have(self, tmp_path: Path, step: timedelta) -> None:
        simulation = Stepped(tmp_path, {"acme": callcap(start="1h")}, ahead=step, since=400.0, **QUIET)
        simulation.world.vices.set({"callcap": {"unauthorized": 1.0}})
        simulation.live(3000)
        times = [request["time"] for request in asked(simulation)]
        waits = [round((later - earlier).total_seconds() / 60) for earlier, later in pairwise(times)]
        assert waits[:5] == [0, 1, 5, 15, 15]

    @pytest.mark.parametrize("step", STEPS)
    def test_a_pass_that_a_step_met_on_its_way_is_due_again_as_it_would_have_been(self, step: timedelta) -> None:
        run = running(sweep("live", MINUTE)).sweeps[0]
        reading = run.begin(under_way(run, NOON))
        run.stream.shift(step)
        complete_pass(run.stream.checkpoint, run.sweep, reading.covers, End(), NOON + step)
        assert run.state.due == NOON + step + MINUTE

    def test_a_breaker_follows_a_step(self) -> None:
        time, seconds, told = [NOON], [0.0], list[timedelta]()
        clock = Clock(told.append, lambda: time[0], lambda: seconds[0])
        breaker = CircuitBreaker()
        breaker.after(Retry(), Throttled("429", 60.0), NOON, NOON)
        time[0], seconds[0] = NOON + DAY + timedelta(seconds=10), 10.0
        assert breaker.seconds(follow(clock, breaker)) == 50.0
        assert follow(clock, breaker) == time[0]
        assert told == [DAY]


def test_what_another_replica_noted_may_be_some_seconds_ahead() -> None:
    told: list[timedelta] = []
    clock = Clock(told.append, lambda: NOON, lambda: 0.0)
    clock.check_noted(NOON + timedelta(seconds=9))
    assert told == []
    for _ in range(3):
        clock.check_noted(NOON + MINUTE)
    assert told == [-MINUTE]


def test_a_clock_that_is_slewed_is_not_stepped() -> None:
    seconds = [0.0]
    told: list[timedelta] = []
    clock = Clock(told.append, lambda: NOON + timedelta(seconds=seconds[0] * 1.0005), lambda: seconds[0])
    for _ in range(100):
        seconds[0] += 600
        clock()
    assert (clock.stepped, told) == (timedelta(0), [])
