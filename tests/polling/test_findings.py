"""What audits found is kept, said, and turned into the lookback that would have brought it.

Killed: a lookback that is too short for most of what was late, or is there already; advice from a handful of records;
advice of a longer lookback against skipped records; a restart that forgets; ages that fill the checkpoint.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.polling.progress.findings import BOUNDS, findings, note_found
from poller.polling.status import stream_status
from poller.telemetry.status import as_json
from tests.simulation import Simulation, callcap
from tests.support.toy import running, sweep

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SWEEPS = (
    sweep("live", MINUTE, 5 * MINUTE),
    sweep("settle", 10 * MINUTE, 30 * MINUTE),
    sweep("changed", MINUTE, 9 * DAY, from_lookback_only=True),
    sweep("recent", MINUTE, 9 * DAY, advisory=True),
    sweep("audit", DAY, 3 * DAY, is_audit=True),
)


def found(*found: tuple[str, timedelta]) -> list[str]:
    """What is said of records that an audit found at these ages."""
    stream = running(*SWEEPS)
    audit = SWEEPS[-1]
    for reason, age in found:
        note_found(stream.checkpoint, audit, [(reason, age.total_seconds())])
    return [finding.text for finding in findings(stream.checkpoint, SWEEPS)]


def test_where_one_reason_repeats_the_lookback_is_named_that_would_have_brought_most() -> None:
    late = [("late", 35 * MINUTE)] * 97 + [("late", 2 * DAY)] * 3
    assert found(*late) == [
        (
            "audit found 100 late, 97% of them within 40 min of their own time; "
            "these would have come sooner with settle.lookback: 1h"
        )
    ]


def test_each_reason_is_said_and_skipped_records_need_no_longer_lookback() -> None:
    said = found(*[("skipped", MINUTE)] * 40, *[("edited", 5 * HOUR)] * 40)
    assert said == [
        (
            "audit found 40 edited, 100% of them within 8 h of their own time; "
            "these would have come sooner with settle.lookback: 12h (unless it asks by modification)"
        ),
        "audit found 40 skipped",
    ]


def test_a_handful_is_no_reason_for_advice() -> None:
    assert found(*[("late", 35 * MINUTE)] * 9) == ["audit found 9 late"]


def test_a_lookback_that_is_there_is_not_named() -> None:
    assert found(*[("late", 8 * MINUTE)] * 40) == ["audit found 40 late, 100% of them within 10 min of their own time"]


def test_what_is_older_than_the_audit_itself_looks_back_gets_no_advice() -> None:
    assert found(*[("late", 60 * HOUR)] * 40) == ["audit found 40 late, 100% of them within 3 d of their own time"]
    assert found(*[("late", 30 * DAY)] * 40) == ["audit found 40 late"]


@given(ages=st.lists(st.floats(0, 40 * 86_400), min_size=1, max_size=60))
@settings(deadline=None)
def test_what_is_said_is_true(ages: list[float]) -> None:
    stream, audit = running(*SWEEPS), SWEEPS[-1]
    note_found(stream.checkpoint, audit, [("late", age) for age in ages])
    (said,) = findings(stream.checkpoint, SWEEPS)
    assert said.records == len(ages)
    if said.within is not None:
        reached = sum(age <= said.within for age in ages) / len(ages)
        assert said.share == reached
        assert reached >= 0.95


def test_it_stays_small_and_forgets_slowly() -> None:
    stream, audit = running(*SWEEPS), SWEEPS[-1]
    note_found(stream.checkpoint, audit, [("late", 30.0)] * 5000)
    note_found(stream.checkpoint, audit, [("late", 3000.0)] * 5000)
    counts = stream.checkpoint.sweeps["audit"].found_ages["late"]
    assert len(counts) == len(BOUNDS) + 1
    assert sum(counts) <= 1000
    assert counts[0] < 0.05 * sum(counts), "what was long ago counts less"


@pytest.fixture
def late(tmp_path: Path) -> Simulation:
    """Calls that appear an hour late, for weeks, and that only audits bring."""
    every = {"recent": "9d", "live": "5m", "audit": "1h"}
    audits = {"calls": {"sweeps": {name: {"every": often} for name, often in every.items()}}}
    simulation = Simulation(tmp_path, {"acme": callcap(streams=audits)}, history=timedelta(0), rate=0.0)
    simulation.live(60)
    for _ in range(12):
        before = simulation.now() - 30 * MINUTE
        simulation.world.put("callcap/calls", {"last_modified": before}, at=before)
    simulation.live(3700)
    return simulation


def test_a_poller_says_so_and_a_restart_does_not_forget(late: Simulation) -> None:
    late.live(10)
    loop = late.pipelines[0]
    status = stream_status(loop.streams[0], loop.breaker, paused=False, owner="", now=late.now())
    (said,) = status.found
    assert said.text.startswith("audit found 12 late, 100% of them within 2 h of their own time")
    assert said.advice == "live.lookback: 3h"
    assert as_json(status)["found"] == [
        {"sweep": "audit", "reason": "late", "records": 12, "text": said.text, "share": 1.0, "within": 7200}
        | {"advice": "live.lookback: 3h"}
    ]
