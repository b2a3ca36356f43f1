"""Every metric of the contract is there from the start, has its labels, and moves when its moment comes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from poller.events.batch import Counts
from poller.telemetry import Telemetry
from poller.telemetry.status import State, StreamStatus, SweepStatus

CONTRACT = {
    "poller_polls_total": ("counter", {"source", "stream", "sweep", "outcome"}),
    "poller_requests_total": ("counter", {"source", "code"}),
    "poller_request_seconds": ("histogram", {"source"}),
    "poller_records_total": ("counter", {"source", "stream"}),
    "poller_events_total": ("counter", {"source", "stream", "type"}),
    "poller_duplicates_total": ("counter", {"source", "stream"}),
    "poller_stale_total": ("counter", {"source", "stream"}),
    "poller_rejects_total": ("counter", {"source", "stream"}),
    "poller_throttled_seconds_total": ("counter", {"source"}),
    "poller_lag_seconds": ("gauge", {"source", "stream"}),
    "poller_gap_seconds": ("gauge", {"source", "stream"}),
    "poller_lateness_seconds": ("histogram", {"source"}),
    "poller_last_success_timestamp_seconds": ("gauge", {"source", "stream", "sweep"}),
    "poller_commit_seconds": ("histogram", set()),
    "poller_output_errors_total": ("counter", {"output"}),
    "poller_seen_records": ("gauge", {"source", "stream"}),
    "poller_stream_state": ("gauge", {"source", "stream", "state"}),
    "poller_source_owned": ("gauge", {"source"}),
    "poller_audit_found_total": ("counter", {"source", "stream", "reason"}),
    "poller_schema_drift_total": ("counter", {"source", "stream"}),
    "poller_output_up": ("gauge", {"output"}),
    "poller_build_info": ("gauge", {"version"}),
}

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
STATUS = StreamStatus(
    source="acme",
    stream="calls",
    state="ok",
    lag_seconds=2.5,
    gaps=[],
    last_error=None,
    owner="here",
    sweeps=[SweepStatus("live", NOON, NOON, None)],
    seen=7,
    gap_seconds=60.0,
)
CALLS = ("acme", "calls")
LIVE = (*CALLS, "live")


def families(telemetry: Telemetry) -> dict[str, Metric]:
    """By the name in the TYPE line: the parser takes `_total` off a counter's."""
    parsed = text_string_to_metric_families(telemetry.render().decode())
    return {f"{family.name}_total" if family.type == "counter" else family.name: family for family in parsed}


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    found = {
        sample.value
        for family in families(telemetry).values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    }
    assert len(found) <= 1
    return next(iter(found), None)


def delivered(
    telemetry: Telemetry,
    events: Mapping[str, int] | None = None,
    rejects: int = 0,
    lateness: Sequence[float] = (),
    found: Mapping[str, int] | None = None,
) -> None:
    telemetry.page_delivered(
        *LIVE, Counts(events=Counter(events), rejects=rejects, lateness=[*lateness], found=Counter(found))
    )


def show(telemetry: Telemetry, status: StreamStatus) -> None:
    telemetry.watch(lambda: [status.gauges])


def test_every_metric_is_there_from_the_start() -> None:
    found = families(Telemetry())
    assert {name: found[name].type for name in CONTRACT} == {name: kind for name, (kind, _) in CONTRACT.items()}
    assert all(found[name].documentation for name in CONTRACT)
    assert {name for name in found if name.startswith("poller_")} == CONTRACT.keys()


MOVES: list[tuple[str, dict[str, str], float, Callable[[Telemetry], None]]] = [
    (
        "poller_polls_total",
        {"source": "acme", "stream": "calls", "sweep": "live", "outcome": "complete"},
        1,
        lambda t: t.poll_completed(*LIVE, pages=1, records=0, window=(NOON, NOON)),
    ),
    (
        "poller_polls_total",
        {"source": "acme", "stream": "calls", "sweep": "live", "outcome": "throttled"},
        1,
        lambda t: t.poll_failed(*LIVE, error=OSError("no"), outcome="throttled", retry_in=1.0),
    ),
    (
        "poller_requests_total",
        {"source": "acme", "code": "timeout"},
        1,
        lambda t: t.request_done("acme", code="timeout", seconds=30.0),
    ),
    (
        "poller_request_seconds_bucket",
        {"source": "acme", "le": "0.25"},
        1,
        lambda t: t.request_done("acme", code="200", seconds=0.2),
    ),
    (
        "poller_request_seconds_sum",
        {"source": "acme"},
        0.2,
        lambda t: t.request_done("acme", code="200", seconds=0.2),
    ),
    (
        "poller_records_total",
        {"source": "acme", "stream": "calls"},
        100,
        lambda t: t.page_read(*CALLS, Counts(records=100, duplicates=98, stale=1)),
    ),
    (
        "poller_duplicates_total",
        {"source": "acme", "stream": "calls"},
        98,
        lambda t: t.page_read(*CALLS, Counts(records=100, duplicates=98, stale=1)),
    ),
    (
        "poller_stale_total",
        {"source": "acme", "stream": "calls"},
        1,
        lambda t: t.page_read(*CALLS, Counts(records=100, duplicates=98, stale=1)),
    ),
    (
        "poller_events_total",
        {"source": "acme", "stream": "calls", "type": "call.created"},
        3,
        lambda t: delivered(t, {"call.created": 3, "call.updated": 1}),
    ),
    ("poller_rejects_total", {"source": "acme", "stream": "calls"}, 2, lambda t: delivered(t, rejects=2)),
    ("poller_lateness_seconds_count", {"source": "acme"}, 2, lambda t: delivered(t, lateness=[0.2, 90000.0])),
    ("poller_lateness_seconds_bucket", {"source": "acme", "le": "60.0"}, 1, lambda t: delivered(t, lateness=[60, 61])),
    ("poller_lateness_seconds_bucket", {"source": "acme", "le": "+Inf"}, 1, lambda t: delivered(t, lateness=[1e9])),
    (
        "poller_audit_found_total",
        {"source": "acme", "stream": "calls", "reason": "late"},
        4,
        lambda t: delivered(t, found={"late": 4}),
    ),
    ("poller_throttled_seconds_total", {"source": "acme"}, 12.5, lambda t: t.source_throttled("acme", seconds=12.5)),
    ("poller_commit_seconds_count", {}, 1, lambda t: t.commit_done(0.002)),
    ("poller_commit_seconds_bucket", {"le": "0.0025"}, 1, lambda t: t.commit_done(0.002)),
    (
        "poller_output_errors_total",
        {"output": "bus"},
        1,
        lambda t: t.output_failed("bus", error="away", retry_in=1.0),
    ),
    ("poller_output_up", {"output": "bus"}, 0, lambda t: t.output_failed("bus", error="away", retry_in=1.0)),
    (
        "poller_schema_drift_total",
        {"source": "acme", "stream": "calls"},
        2,
        lambda t: t.page_delivered(*CALLS, "live", Counts(drifted={"mood", "zodiac"})),
    ),
    (
        "poller_lag_seconds",
        {"source": "acme", "stream": "calls"},
        9,
        lambda t: show(t, replace(STATUS, lag_seconds=9.0)),
    ),
    (
        "poller_gap_seconds",
        {"source": "acme", "stream": "calls"},
        0,
        lambda t: show(t, replace(STATUS, gap_seconds=0.0)),
    ),
    ("poller_seen_records", {"source": "acme", "stream": "calls"}, 8, lambda t: show(t, replace(STATUS, seen=8))),
    (
        "poller_last_success_timestamp_seconds",
        {"source": "acme", "stream": "calls", "sweep": "live"},
        NOON.timestamp() + 30,
        lambda t: show(t, replace(STATUS, sweeps=[SweepStatus("live", NOON.replace(second=30), None, None)])),
    ),
    (
        "poller_stream_state",
        {"source": "acme", "stream": "calls", "state": "late"},
        1,
        lambda t: show(t, replace(STATUS, state="late")),
    ),
    (
        "poller_stream_state",
        {"source": "acme", "stream": "calls", "state": "ok"},
        0,
        lambda t: show(t, replace(STATUS, state="gap")),
    ),
    ("poller_source_owned", {"source": "acme"}, 0, lambda t: show(t, replace(STATUS, owner="elsewhere", here=False))),
    (
        "poller_stream_state",
        {"source": "acme", "stream": "calls", "state": "paused"},
        1,
        lambda t: show(t, replace(STATUS, state="paused", owner="", here=False)),
    ),
    ("poller_build_info", {"version": "2.0"}, 1, lambda t: t.started("2.0", "here")),
]


@pytest.fixture
def telemetry(logged: object) -> Telemetry:
    telemetry = Telemetry()
    telemetry.started("1.2.3", "here")
    telemetry.outputs(["bus", "archive"])
    telemetry.watch(lambda: [STATUS.gauges])
    return telemetry


@pytest.mark.parametrize(("name", "labels", "after", "moment"), MOVES)
def test_moves(
    telemetry: Telemetry, name: str, labels: dict[str, str], after: float, moment: Callable[[Telemetry], None]
) -> None:
    assert value(telemetry, name, **labels) != after
    moment(telemetry)
    assert value(telemetry, name, **labels) == after


def test_the_table_misses_no_metric() -> None:
    moved = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name, *_ in MOVES}
    assert moved == CONTRACT.keys()


FOREIGN = "of another replica"


def everything(telemetry: Telemetry) -> dict[str, Metric]:
    """After every moment of the table, and two more streams."""
    for *_, moment in MOVES:
        moment(telemetry)
    other = replace(STATUS, stream="leads")
    odd = replace(STATUS, source='b"a\\d\nname')
    foreign = replace(STATUS, source=FOREIGN, owner="elsewhere", here=False)
    telemetry.watch(lambda: [of.gauges for of in (STATUS, other, odd, foreign)])
    return families(telemetry)


def test_what_another_replica_polls_has_no_gauge_but_whose_it_is_not(telemetry: Telemetry) -> None:
    found = everything(telemetry)
    gauges = [name for name, (kind, _) in CONTRACT.items() if kind == "gauge"]
    samples = [one for name in gauges for one in found[name].samples if one.labels.get("source") == FOREIGN]
    assert [(one.name, one.value) for one in samples] == [("poller_source_owned", 0)]


def test_label_sets(telemetry: Telemetry) -> None:
    found = everything(telemetry)
    for name, (_, labels) in CONTRACT.items():
        assert found[name].samples
        for sample in found[name].samples:
            assert sample.labels.keys() - {"le"} == labels, sample


def test_the_text_is_strictly_right(telemetry: Telemetry) -> None:
    found = everything(telemetry)
    lines = telemetry.render().decode().splitlines()
    series = [line.rpartition(" ")[0] for line in lines if line.startswith("poller_")]
    assert len(series) == len(set(series)), "a series is given twice"
    for kind in ("HELP", "TYPE"):
        names = [line.split()[2] for line in lines if line.startswith(f"# {kind} poller_")]
        assert sorted(names) == sorted(CONTRACT)
    assert not any("_created" in line for line in lines)
    assert {sample.labels["source"] for sample in found["poller_lag_seconds"].samples} == {"acme", 'b"a\\d\nname'}


def test_histograms_add_up(telemetry: Telemetry) -> None:
    found = everything(telemetry)
    for name in ("poller_request_seconds", "poller_lateness_seconds", "poller_commit_seconds"):
        rows: dict[str, list[float]] = {}
        for sample in found[name].samples:
            if sample.name.endswith("_bucket"):
                rows.setdefault(sample.labels.get("source", ""), []).append(sample.value)
        counts = {of.labels.get("source", ""): of.value for of in found[name].samples if of.name.endswith("_count")}
        assert counts == {source: row[-1] for source, row in rows.items()}
        assert all(low <= high for row in rows.values() for low, high in pairwise(row))


def test_clocks_that_disagree_never_lower_a_sum(telemetry: Telemetry) -> None:
    delivered(telemetry, lateness=[5.0, -3600.0])
    assert value(telemetry, "poller_lateness_seconds_sum", source="acme") == 5.0
    assert value(telemetry, "poller_lateness_seconds_bucket", source="acme", le="1.0") == 1


def test_what_is_known_to_come_is_zero(telemetry: Telemetry) -> None:
    calls = {"source": "acme", "stream": "calls"}
    for name in ("records", "duplicates", "stale", "rejects", "schema_drift"):
        assert value(telemetry, f"poller_{name}_total", **calls) == 0
    assert value(telemetry, "poller_polls_total", **calls, sweep="live", outcome="complete") == 0
    assert value(telemetry, "poller_audit_found_total", **calls, reason="skipped") == 0
    assert value(telemetry, "poller_throttled_seconds_total", source="acme") == 0
    assert value(telemetry, "poller_request_seconds_count", source="acme") == 0
    assert value(telemetry, "poller_commit_seconds_count") == 0
    assert value(telemetry, "poller_output_errors_total", output="archive") == 0
    assert value(telemetry, "poller_output_up", output="archive") == 1


def test_what_nobody_knows_yet_is_not_told(telemetry: Telemetry) -> None:
    show(telemetry, replace(STATUS, lag_seconds=None, sweeps=[SweepStatus("live", None, None, None)]))
    found = families(telemetry)
    assert not found["poller_lag_seconds"].samples
    assert not found["poller_last_success_timestamp_seconds"].samples


@pytest.mark.parametrize("state", ["paused", "denied", "gap", "suspect", "late", "waiting", "ok"])
def test_a_stream_is_in_one_state_of_seven(telemetry: Telemetry, state: State) -> None:
    show(telemetry, replace(STATUS, state=state))
    samples = families(telemetry)["poller_stream_state"].samples
    assert len(samples) == 7
    assert [sample.labels["state"] for sample in samples if sample.value == 1] == [state]


def test_drift_is_counted_once_a_field(telemetry: Telemetry) -> None:
    for _ in range(3):
        telemetry.page_delivered(*CALLS, "live", Counts(drifted={"mood"}))
    telemetry.page_delivered("acme", "leads", "live", Counts(drifted={"mood"}))
    assert value(telemetry, "poller_schema_drift_total", source="acme", stream="calls") == 1
    assert value(telemetry, "poller_schema_drift_total", source="acme", stream="leads") == 1


def test_an_output_goes_down_and_comes_back(telemetry: Telemetry) -> None:
    telemetry.output_failed("bus", error="no route", retry_in=1.0)
    down = telemetry.output_statuses()[0]
    telemetry.output_failed("bus", error="refused", retry_in=2.0)
    still = telemetry.output_statuses()[0]
    assert (down.name, down.up, down.error) == ("bus", False, "no route")
    assert (still.since, still.error) == (down.since, "refused")
    telemetry.output_recovered("bus")
    back = telemetry.output_statuses()[0]
    assert (back.up, back.error) == (True, None)
    assert back.since >= down.since
    assert [output.name for output in telemetry.output_statuses()] == ["bus", "archive"]


def test_the_process_is_told_of(telemetry: Telemetry) -> None:
    assert (value(telemetry, "process_resident_memory_bytes") or 0) > 1e6
