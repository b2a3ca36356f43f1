"""One sentence says whether everything arrived; each stream says whose fault it is that it did not."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from poller.cli.streams import notes
from poller.server.diagnosis import NOTHING_YET, diagnose
from poller.server.overview import Overview, TelemetryLookup, overview_of
from poller.server.verdict import verdict, verdict_json
from poller.telemetry.status import GapStatus, OutputStatus, State, StreamStatus, SweepStatus
from tests.server.conftest import NOON

SWEEP = SweepStatus("live", NOON, NOON, None)
FINE = StreamStatus("acme", "calls", "ok", 48.0, [], None, "here", [SWEEP], 7, 0.0)
BUS = OutputStatus("bus", up=False, error="no route", since=NOON - timedelta(minutes=20))

SILENT = "the vendor cannot be reached, or does not answer in time"


def seen(
    *statuses: StreamStatus,
    failures: Mapping[str, str] | None = None,
    outputs: Sequence[OutputStatus] = (),
    reasons: Sequence[str] = (),
) -> Overview:
    covered = [
        replace(one, covered_until=None if one.lag_seconds is None else NOON - timedelta(seconds=one.lag_seconds))
        for one in statuses
    ]
    return overview_of(covered, outputs, reasons, TelemetryLookup(lambda *_: failures or {}, lambda *_: [0] * 60), NOON)


def test_all_is_complete_up_to_the_oldest_of_them() -> None:
    of = seen(FINE, replace(FINE, stream="leads", lag_seconds=12.0))
    assert verdict(of).sentence == "Complete up to 11:59:12 UTC"
    assert verdict_json(of) == {
        "complete": True,
        "sentence": "Complete up to 11:59:12 UTC",
        "covered_until": "2026-03-14T11:59:12.000Z",
    }


def test_what_a_screen_reader_hears_stays_the_same_while_the_clock_moves() -> None:
    before, after = verdict(seen(FINE)), verdict(seen(replace(FINE, lag_seconds=9.0)))
    assert before.headline == after.headline
    assert before.detail != after.detail


def test_a_list_that_is_read_once_an_hour_does_not_make_the_rest_look_old() -> None:
    users = replace(FINE, stream="users", lag_seconds=3000.0, sweeps=[replace(SWEEP, name="snapshot")])
    assert verdict(seen(FINE, users)).sentence == "Complete up to 11:59:12 UTC, reference lists up to 11:10:00 UTC"


def test_the_worst_stream_is_named_with_its_time_and_its_reason() -> None:
    denied = replace(FINE, state="denied", lag_seconds=3600.0)
    late = replace(FINE, stream="leads", state="late", lag_seconds=9000.0)
    of = verdict(seen(FINE, late, denied))
    assert of.complete is False
    assert of.sentence == (
        "Not complete: acme/calls since 11:00 UTC: the vendor refuses our credential (and 1 more of 3 streams)"
    )


def test_a_gap_counts_from_its_beginning() -> None:
    gap = GapStatus("updated", NOON - timedelta(days=1, hours=1), NOON, "unreadable", NOON)
    said = verdict(seen(replace(FINE, state="gap", gaps=[gap]))).headline
    assert "since 2026-03-13 11:00 UTC: the vendor's list does not reach back so far" in said
    said = verdict(seen(replace(FINE, state="gap", gaps=[replace(gap, kind="outage")]))).headline
    assert "since 2026-03-13 11:00 UTC: what a long outage left out is being read, a slice at a time" in said


def test_an_output_that_is_down_stands_before_all_else() -> None:
    paused = replace(FINE, state="paused")
    of = seen(paused, outputs=[BUS], reasons=["output bus is down: no route"])
    assert verdict(of).headline == "Not complete: nothing is delivered since 11:40 UTC: output bus is down: no route"
    assert of.streams[0].diagnosis.fault == "output"


def test_a_stream_that_never_brought_a_record_is_not_complete_without_a_word() -> None:
    barren = replace(FINE, stream="leads", seen=0)
    of = seen(FINE, barren)
    assert verdict(of)[:3] == (True, "Complete", "up to 11:59:12 UTC (no record is known yet of acme/leads)")
    assert [stream.diagnosis for stream in of.streams] == [(None, None), (None, NOTHING_YET)]
    assert notes(of.streams[1].status) == [NOTHING_YET]
    assert verdict(seen(barren, replace(barren, stream="users"))).detail.endswith("of acme/leads and 1 more)")
    under_way = seen(replace(barren, state="waiting", lag_seconds=None)).streams[0]
    assert "first pass" in str(under_way.diagnosis.reason)
    assert notes(under_way.status) == []


def test_a_first_pass_under_way_is_no_alarm_and_not_complete() -> None:
    of = verdict(seen(FINE, replace(FINE, stream="leads", state="waiting", lag_seconds=None)))
    assert (of.complete, of.headline) == (False, "Not complete yet: acme/leads was not read to its end so far")


def test_what_another_replica_polls_is_not_judged() -> None:
    away = StreamStatus("crm", "leads", "waiting", None, [], None, "", [], 0, 0.0, here=False)
    assert verdict(seen(FINE, away)).sentence == "Complete up to 11:59:12 UTC (1 of 2 streams are not polled here)"
    nothing = verdict(seen(away))
    assert (nothing.complete, nothing.headline) == (None, "Nothing is polled here")
    assert seen(away).streams[0].diagnosis == (None, "another replica polls it, or none does")
    named = replace(away, owner="poller-7", state="late")
    assert seen(named).streams[0].diagnosis == (None, "the replica poller-7 polls it")
    assert verdict(seen(FINE, named)).complete, "its owner judges it"


@pytest.mark.parametrize(
    ("outcome", "error", "fault", "word"),
    [
        ("denied", "HTTP 401", "configuration", "credential"),
        ("throttled", "HTTP 429", "vendor", "wait"),
        ("unexpected", "no JSON", "vendor", "documented"),
        ("shifted", "rows shrank", "vendor", "moves"),
        ("unavailable", "HTTP 503", "vendor", "error"),
        ("unavailable", "no answer within 30 s", "vendor or network", "in time"),
        ("unavailable", "the connection failed: ConnectError", "vendor or network", "reached"),
        ("bug", "KeyError('x')", "us", "log"),
    ],
)
def test_the_fault_is_where_the_last_failure_puts_it(outcome: str, error: str, fault: str, word: str) -> None:
    failing = replace(FINE, state="late", last_error=error, sweeps=[replace(SWEEP, last_error=error)])
    found = diagnose(failing, {"live": outcome}, [], [])
    assert found.fault == fault
    assert word in str(found.reason)


def test_the_sweep_that_matters_most_is_heard_first() -> None:
    audit = SweepStatus("audit", NOON, NOON, "HTTP 503")
    live = SweepStatus("live", NOON, NOON, "no JSON")
    failing = replace(FINE, state="late", sweeps=[audit, live])
    outcomes = {"audit": "unavailable", "live": "unexpected"}
    assert "documented" in str(diagnose(failing, outcomes, [], []).reason)
    gap = GapStatus("audit", NOON, NOON, "broken", NOON)
    assert "error" in str(diagnose(replace(failing, state="gap", gaps=[gap]), outcomes, [], []).reason)


@pytest.mark.parametrize(
    ("state", "error", "word"),
    [
        ("late", "live: HTTP 503", "before this process"),
        ("late", None, "keep up"),
        ("gap", None, "broke off"),
        ("suspect", None, "less than half"),
    ],
)
def test_what_is_not_known_is_not_claimed(state: State, error: str | None, word: str) -> None:
    sweeps = [replace(SWEEP, last_error=error)]
    found = diagnose(replace(FINE, state=state, last_error=error, sweeps=sweeps), {}, [], [])
    assert found.fault == "unknown"
    assert word in str(found.reason)


def test_a_stream_that_waits_behind_a_failing_one_of_its_source_says_so() -> None:
    slow = replace(FINE, state="late", lag_seconds=900.0)
    sick = replace(slow, stream="leads", sweeps=[replace(SWEEP, last_error="no answer within 30 s")])
    other = replace(slow, source="other")
    failures = {"leads": {"live": "unavailable"}}
    asked = TelemetryLookup(lambda _, stream: failures.get(stream, {}), lambda *_: [0] * 60)
    first, _, stranger = (of.diagnosis for of in overview_of([slow, sick, other], [], [], asked, NOON).streams)
    assert first == (
        "vendor or network",
        f"it waits behind acme/leads, which has the same source: {SILENT}",
    )
    assert "requests_per_minute" in str(stranger.reason), "another source's"


def test_nobody_waits_behind_a_list_that_does_not_reach_back_far_enough() -> None:
    gap = GapStatus("updated", NOON - timedelta(hours=1), NOON, "unreadable", NOON)
    short = replace(FINE, stream="leads", state="gap", gaps=[gap])
    assert "requests_per_minute" in str(seen(replace(FINE, state="late"), short).streams[0].diagnosis.reason)


def test_a_failure_that_is_over_blames_nobody() -> None:
    assert diagnose(FINE, {"live": "denied"}, [], []) == (None, None)


def test_a_state_that_cannot_be_written_is_no_outputs_fault() -> None:
    paused = replace(FINE, state="paused")
    assert diagnose(paused, {}, [replace(BUS, up=True)], ["the disk is full"]) == ("state", "the disk is full")
