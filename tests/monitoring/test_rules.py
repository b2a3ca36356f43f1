"""Each alert fires when it should and not when it nearly should; each has its heading in the runbook."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.commands.running import ROOT
from tests.monitoring.conftest import promtool
from tests.monitoring.queries import ALERTS, RULES

RUNBOOK = ROOT / "docs/runbook.md"
JOB = 'job="poller",namespace="prod"'
CALLS = f'{JOB},source="acme",stream="calls"'
RUNS = (f'poller_build_info{{{JOB},instance="a",version="1"}}', "1x400")

Series = Sequence[tuple[str, str]]


class Case(NamedTuple):
    """What is scraped each minute when the alert fires, and when it does not though it nearly would; looked at `at`."""

    fires: Series
    silent: Sequence[Series]
    at: str


def state(name: str, values: str, replica: str = "a", source: str = "acme") -> tuple[str, str]:
    labels = f'{JOB},instance="{replica}",source="{source}",stream="calls",state="{name}"'
    return f"poller_stream_state{{{labels}}}", values


def of(metric: str, values: str, labels: str = CALLS, replica: str = "a") -> tuple[str, str]:
    return f'{metric}{{{labels},instance="{replica}"}}', values


def up(values: str, replica: str = "a", job: str = "poller") -> tuple[str, str]:
    return f'up{{job="{job}",instance="{replica}"}}', values


def polls(outcome: str, values: str) -> tuple[str, str]:
    return of("poller_polls_total", values, f'{CALLS},sweep="audit",outcome="{outcome}"')


def commits(slow: str, all_: str) -> Series:
    """Buckets of commits: of all of them, those below 5 s come at the pace `slow`."""
    return [
        of("poller_commit_seconds_bucket", slow, f'{JOB},le="5"'),
        of("poller_commit_seconds_bucket", all_, f'{JOB},le="10"'),
        of("poller_commit_seconds_bucket", all_, f'{JOB},le="+Inf"'),
    ]


OWNED, UP, LAG = "poller_source_owned", "poller_output_up", "poller_lag_seconds"
SOURCE, BUS = f'{JOB},source="acme"', f'{JOB},output="bus"'
FOUND = f'{CALLS},reason="skipped"'

CASES: dict[str, Case] = {
    "PollerDown": Case([up("1x5 0x10")], [[up("1x9 0x20")], [up("1x5 0x1 1x9")], [up("0x20", job="node")]], "11m"),
    "PollerAbsent": Case(
        [(RUNS[0], "1x5 stale")], [[RUNS], [(RUNS[0], "1x10 stale")], [(RUNS[0], "1x5 stale _x3 1x20")]], "14m"
    ),
    "PollerOutputDown": Case(
        [of(UP, "1x20", BUS), of(UP, "1x5 0x15", BUS, "b")],
        [[of(UP, "1x9 0x20", BUS)], [of(UP, "1x20", BUS), of(UP, "1x20", BUS, "b")]],
        "11m",
    ),
    "PollerStateDown": Case(
        [state("paused", "0x5 1x15"), of(UP, "1x20", BUS)],
        [
            [state("paused", "0x9 1x20"), of(UP, "1x30", BUS)],
            [state("paused", "0x5 1x15"), of(UP, "1x5 0x15", BUS), of(UP, "1x20", f'{JOB},output="archive"')],
        ],
        "11m",
    ),
    "PollerSourceUnowned": Case(
        [of(OWNED, "1x5 0x15", SOURCE), of(OWNED, "0x20", SOURCE, "b")],
        [
            [of(OWNED, "1x10 0x15", SOURCE), of(OWNED, "0x30", SOURCE, "b")],
            [of(OWNED, "1x5 0x15", SOURCE), of(OWNED, "0x6 1x15", SOURCE, "b")],
            [of(OWNED, "1x5 stale", SOURCE), of(OWNED, "0x6 1x15", SOURCE, "b")],
        ],
        "12m",
    ),
    "PollerVendorDenies": Case(
        [state("denied", "0x5 1x15")], [[state("denied", "0x8 1x30")], [state("denied", "0x5 1x3 0x15")]], "12m"
    ),
    "PollerStreamLate": Case(
        [state("late", "0x5 1x8 stale"), state("late", "_x9 1x20", "b")],
        [[state("late", "0x5 1x2 0x2 1x15")], [state("gap", "1x40")]],
        "17m",
    ),
    "PollerStreamVeryLate": Case(
        [of(LAG, "14000+60x60")],
        [[of(LAG, "14400x60")], [of(LAG, "13500+60x60")], [of(LAG, "14000+60x10 20x60")]],
        "20m",
    ),
    "PollerGapOpen": Case([of("poller_gap_seconds", "0x5 300x60")], [[of("poller_gap_seconds", "0x15 300x60")]], "40m"),
    "PollerStreamSuspect": Case([state("suspect", "0x5 1x30")], [[state("suspect", "0x12 1x30")]], "20m"),
    "PollerSweepFails": Case(
        [polls("unavailable", "0+1x90"), polls("complete", "7x90")],
        [
            [polls("unavailable", "0+1x90"), polls("complete", "7x50 8x40")],
            [polls("unavailable", "0x30 1x60"), polls("complete", "7x90")],
        ],
        "80m",
    ),
    "PollerBug": Case([polls("bug", "_x60 1x60")], [[polls("bug", "1x120")], [polls("unexpected", "0+1x120")]], "90m"),
    "PollerRejects": Case(
        [of("poller_rejects_total", "0x10 2x40")],
        [[of("poller_rejects_total", "2x50")], [of("poller_rejects_total", "9x9 0x40")]],
        "30m",
    ),
    "PollerAuditFound": Case(
        [of("poller_audit_found_total", "0x10 1x300", FOUND)],
        [[of("poller_audit_found_total", "0x10 1x300", f'{CALLS},reason="late"')]],
        "200m",
    ),
    "PollerThrottled": Case(
        [of("poller_throttled_seconds_total", "0+45x120", SOURCE)],
        [[of("poller_throttled_seconds_total", "0+20x120", SOURCE)]],
        "90m",
    ),
    "PollerCommitSlow": Case(commits("0+97x60", "0+100x60"), [commits("0+100x60", "0+100x60")], "40m"),
    "PollerSchemaDrift": Case(
        [of("poller_schema_drift_total", "0x10 1x40")], [[of("poller_schema_drift_total", "1x50")]], "30m"
    ),
}


def test_every_alert_has_its_cases() -> None:
    assert CASES.keys() == ALERTS.keys()


def one(alert: str, series: Series, at: str, *, fires: bool) -> dict[str, Any]:
    asked = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    expected = [{"labels": "{}", "value": int(fires)}]
    return {
        "name": f"{alert} {'fires' if fires else 'is silent'}: {series}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [{"expr": asked, "eval_time": at, "exp_samples": expected}],
    }


@pytest.mark.parametrize("alert", CASES)
def test_it_fires_and_is_silent_in_its_near_miss(alert: str, tmp_path: Path) -> None:
    case = CASES[alert]
    tests = [one(alert, case.fires, case.at, fires=True)]
    tests += [one(alert, series, case.at, fires=False) for series in case.silent]
    asked = tmp_path / "tests.yaml"
    asked.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", str(asked))


def test_promtool_finds_nothing_to_say() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))


@pytest.mark.parametrize("alert", ALERTS)
def test_it_says_what_is_the_matter_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{alert.lower()}"
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")


def test_the_runbook_has_a_heading_for_each_alert_and_none_else() -> None:
    text = RUNBOOK.read_text()
    sections = dict(re.findall(r"^## (Poller\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert sections.keys() == ALERTS.keys()
    for alert, section in sections.items():
        for part in ("**Means**", "**Look**", "**Do**"):
            assert part in section, f"{alert}: {part}"
