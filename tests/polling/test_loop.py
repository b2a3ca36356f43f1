"""What a poller asks, when, and what it makes of it: one whole poller on simulated time over a world made by hand."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from poller.polling.status import stream_status
from poller.sandbox.faults import Front
from poller.sources.callcap import api as callcap_api
from poller.telemetry.status import StreamStatus
from tests.chaos.death import Death
from tests.simulation import BIRTH, Simulation, callcap, flextell

CALLS, LEADS = "callcap/calls", "flextell/leads"
QUIET: dict[str, Any] = {"history": timedelta(0), "rate": 0.0}


@pytest.fixture
def calls(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path, {"acme": callcap(start="24h")}, **QUIET)


def asked(simulation: Simulation) -> list[dict[str, Any]]:
    """All requests so far, oldest first."""
    front = simulation.app
    assert isinstance(front, Front)
    return list(front._log.since(0)["requests"])


def status(simulation: Simulation) -> StreamStatus:
    pipeline = simulation.pipelines[0]
    return stream_status(pipeline.streams[0], pipeline.breaker, paused=False, owner="", now=simulation.now())


def types(simulation: Simulation, source: str = "acme") -> list[tuple[str, int]]:
    return [(event["type"], event["revision"]) for event in simulation.events(source)]


def put_call(simulation: Simulation, ago: timedelta, *, modified: timedelta | None = None) -> str:
    stamp = BIRTH - (ago if modified is None else modified)
    return simulation.world.put(CALLS, {"last_modified": stamp}, at=BIRTH - ago)


class TestTheFirstPoll:
    def test_what_lies_before_start_is_noted_in_silence_and_its_changes_are_updates(self, calls: Simulation) -> None:
        old = put_call(calls, timedelta(hours=48))
        calls.live(60)
        assert types(calls) == []
        calls.world.edit(CALLS, old)
        calls.live(60)
        assert types(calls) == [("call.updated", 2)]

    def test_what_was_modified_after_start_is_delivered(self, calls: Simulation) -> None:
        put_call(calls, timedelta(hours=48), modified=timedelta(hours=1))
        calls.live(60)
        assert types(calls) == [("call.created", 1)]

    def test_after_the_first_complete_pass_an_old_record_is_news(self, calls: Simulation) -> None:
        calls.live(60)
        put_call(calls, timedelta(hours=48), modified=timedelta(seconds=-50))
        calls.live(60)
        assert types(calls) == [("call.created", 1)]

    def test_a_first_pass_that_broke_off_is_still_the_first(self, calls: Simulation) -> None:
        for _ in range(3):
            put_call(calls, timedelta(hours=48))
        assert calls.live(60, Death(at=3)) is False
        calls.live(60)
        assert types(calls) == []

    def test_start_all_delivers_everything(self, tmp_path: Path) -> None:
        simulation = Simulation(tmp_path, {"acme": callcap(start="all")}, **QUIET)
        put_call(simulation, timedelta(days=400))
        simulation.live(60)
        assert types(simulation) == [("call.created", 1)]

    def test_every_sweep_is_due_at_once_and_reaches_back_as_far_as_it_should(self, calls: Simulation) -> None:
        calls.live(5)
        queries = [request["query"] for request in asked(calls)]
        assert "last5minutes" in queries[0]
        assert "search_last_modified_start=2026-03-13+09%3A00" in queries[1], "24 h back, in Arizona"
        assert "search_startdate=2026-03-11" in queries[2], "72 h back"


class TestTime:
    def test_an_outage_widens_the_next_window(self, calls: Simulation) -> None:
        calls.live(60)
        calls.elapsed += 7200
        record = calls.world.put(CALLS, {"last_modified": BIRTH + timedelta(seconds=100)})
        calls.live(20)
        assert [event["subject"] for event in calls.events("acme")] == [record]

    def test_a_restart_keeps_due_times(self, calls: Simulation) -> None:
        calls.live(60)
        before = len(asked(calls))
        calls.live(10)
        audits = [request for request in asked(calls)[before:] if "last_modified" not in request["query"]]
        assert not [request for request in audits if "startdate" in request["query"]]

    def test_missed_ticks_count_as_one(self, calls: Simulation) -> None:
        calls.live(60)
        calls.elapsed += 3600
        before = len(asked(calls))
        calls.live(14)
        assert len(asked(calls)) - before == 2, "recent once, live once"

    def test_requests_are_evenly_spaced(self, tmp_path: Path) -> None:
        simulation = Simulation(tmp_path, {"acme": callcap(requests_per_minute=30)}, **QUIET)
        simulation.live(60)
        times = [request["time"] for request in asked(simulation)]
        assert all(later - earlier >= timedelta(seconds=1.9) for earlier, later in pairwise(times))

    def test_a_long_audit_lets_the_fast_sweeps_go_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(callcap_api.ask_list, "__defaults__", (10,))
        pace = callcap(requests_per_minute=12, start="1h")
        simulation = Simulation(tmp_path, {"acme": pace}, **QUIET)
        for _ in range(300):
            put_call(simulation, timedelta(hours=30))
        simulation.live(240)
        kinds = [
            "recent" if "last5" in one["query"] else "live" if "modified" in one["query"] else "audit"
            for one in asked(simulation)
        ]
        audits = [place for place, kind in enumerate(kinds) if kind == "audit"]
        assert len(audits) >= 8
        assert {"recent", "live"} <= set(kinds[audits[0] : audits[-1]]), "in the middle of the audit"


class TestRefusals:
    def test_one_more_try_then_one_five_fifteen_minutes(self, calls: Simulation) -> None:
        calls.world.vices.set({"callcap": {"unauthorized": 1.0}})
        calls.live(3 * 3600)
        times = [(request["time"] - BIRTH).total_seconds() for request in asked(calls)]
        waits = [round((later - earlier) / 60) for earlier, later in pairwise(times)]
        assert waits[:6] == [0, 1, 5, 15, 15, 15]
        assert status(calls).state == "denied"

    def test_let_in_again_all_is_forgotten(self, calls: Simulation) -> None:
        calls.world.vices.set({"callcap": {"unauthorized": 1.0}})
        calls.live(30)
        calls.world.vices.clear()
        calls.live(120)
        assert status(calls).state == "ok"

    def test_throttled_waits_as_long_as_it_is_told(self, calls: Simulation) -> None:
        calls.world.vices.set({"callcap": {"throttle": 1.0, "retry_seconds": 90.0}})
        calls.live(300)
        times = [request["time"] for request in asked(calls)]
        assert all(later - earlier >= timedelta(seconds=89) for earlier, later in pairwise(times))
        assert len(times) >= 3

    def test_once_gives_a_source_up_at_the_second_refusal(self, calls: Simulation) -> None:
        calls.world.vices.set({"callcap": {"forbidden": 1.0}})
        calls.live(3600, once=True)
        assert len(asked(calls)) == 2
        assert calls.pipelines[0].failed

    def test_once_tries_a_sweep_three_times(self, calls: Simulation) -> None:
        calls.world.vices.set({"callcap": {"html_200": 1.0}})
        calls.live(3600, once=True)
        assert len(asked(calls)) == 9
        assert calls.pipelines[0].failed


SELDOM = {"every": "20m"}
HOURLY = {"recent": SELDOM, "live": SELDOM, "audit": {"every": "1h", "lookback": "72h"}}
"""Sweeps of which the audit alone matters."""


class TestCompleteness:
    def test_lag_grows_while_the_vendor_is_down_and_shrinks_after(self, calls: Simulation) -> None:
        calls.live(60)
        assert (status(calls).lag_seconds or 0) < 60
        calls.world.vices.set({"callcap": {"server_error": 1.0}})
        calls.live(900)
        assert (status(calls).lag_seconds or 0) > 850
        assert status(calls).state == "late"
        assert "HTTP" in (status(calls).last_error or "")
        calls.world.vices.clear()
        calls.live(400)
        assert status(calls).state == "ok"
        assert status(calls).last_error is None

    def test_a_pass_that_breaks_off_leaves_a_gap_and_the_next_one_closes_it(
        self, calls: Simulation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls.live(60)
        monkeypatch.setattr(callcap_api.ask_list, "__defaults__", (10,))
        for _ in range(30):
            calls.world.put(CALLS)
        with failing_after(calls, 4):  # three pages of `recent`, the first of `live`
            calls.live(31)
        assert [(gap.sweep, gap.kind) for gap in status(calls).gaps] == [("live", "broken")]
        assert status(calls).gap_seconds > 0
        assert status(calls).state == "gap"
        calls.live(600)
        assert status(calls).gaps == []
        assert len(calls.events("acme")) == 30

    @pytest.mark.covers("callcap", 10)
    def test_a_collapse_of_the_audit_is_suspect_until_it_brings_more_again(self, tmp_path: Path) -> None:
        simulation = Simulation(tmp_path, {"acme": callcap(streams={"calls": {"sweeps": HOURLY}})}, **QUIET)
        names = [put_call(simulation, timedelta(hours=2)) for _ in range(800)]
        simulation.live(3700)
        assert status(simulation).state == "ok"
        for name in names[:700]:
            simulation.world.delete(CALLS, name, vanish=True)
        simulation.live(3600)
        assert status(simulation).state == "suspect"
        for _ in range(700):
            simulation.world.put(CALLS)
        simulation.live(3600)
        assert status(simulation).state == "ok"

    def test_what_only_a_wider_sweep_brought_is_counted(self, tmp_path: Path) -> None:
        calls = Simulation(tmp_path, {"acme": callcap(start="24h", streams={"calls": {"sweeps": HOURLY}})}, **QUIET)
        calls.live(60)
        call = put_call(calls, timedelta(hours=20), modified=timedelta(hours=20))
        calls.live(3_700)
        assert [event["subject"] for event in calls.events("acme")] == [call]
        assert b'poller_audit_found_total{reason="late",source="acme",stream="calls"} 1.0' in calls.telemetry.render()


class TestTokens:
    @pytest.mark.covers("flextell", 10)
    @pytest.mark.parametrize("moment", range(1, 13))
    def test_a_rotated_refresh_token_is_durable_before_its_access_token_is_used(
        self, tmp_path: Path, moment: int
    ) -> None:
        simulation = Simulation(tmp_path, {"crm": flextell(oauth=True)}, **QUIET)
        simulation.world.vices.set({"flextell": {"token_rotation": 1.0, "token_seconds": 60.0}})
        simulation.live(120, Death(at=moment))
        used = any("/leads" in request["path"] for request in asked(simulation))
        refreshed = any("/oauth/token" in request["path"] for request in asked(simulation))
        simulation.live(300)
        let_in = status(simulation).state == "ok"
        assert let_in or (refreshed and not used), "a token was used that a restart does not know"

    def test_two_streams_never_refresh_at_once(self, tmp_path: Path) -> None:
        simulation = Simulation(tmp_path, {"crm": flextell(oauth=True, max_concurrency=4)}, **QUIET)
        simulation.world.vices.set({"flextell": {"token_rotation": 1.0, "token_seconds": 600.0}})
        simulation.live(60)
        assert len([request for request in asked(simulation) if "/oauth/token" in request["path"]]) == 1


class failing_after:  # noqa: N801  reads as a phrase
    """The vendor answers so many requests, and breaks down."""

    def __init__(self, simulation: Simulation, answers: int) -> None:
        self._vices, self._left = simulation.world.vices, answers

    def __enter__(self) -> None:
        self._strikes = self._vices.strikes
        self._vices.strikes = self._strike  # type: ignore[method-assign]

    def __exit__(self, *exc: object) -> None:
        self._vices.strikes = self._strikes  # type: ignore[method-assign]

    def _strike(self, vendor: str, name: str, rng: Any = None) -> bool:
        if name == "server_error":
            self._left -= 1
            return self._left < 0
        return False
