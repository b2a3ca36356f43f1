"""The law of progress sees what it is for: a promise that is broken, one that is taken back, and none that is kept."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tests.laws.progress import PROGRESS, broken_promises

HOUR = "2026-03-14T"
REACH = {"covered_until": timedelta(minutes=10)}


def progress(until: str, at: str) -> dict[str, Any]:
    return {"type": PROGRESS, "observedtime": f"{HOUR}{at}Z", "data": {"covered_until": f"{HOUR}{until}Z"}}


def created(time: str) -> dict[str, Any]:
    return {"type": "call.created", "subject": "1", "time": f"{HOUR}{time}Z"}


def truth(shown: str) -> Any:
    version = SimpleNamespace(at=datetime.fromisoformat(f"{HOUR}{shown}Z"), broken=False)
    return {"1": SimpleNamespace(versions=[version])}


def test_what_comes_after_its_promise_breaks_it() -> None:
    lines = [progress("16:00:00", "16:00:05"), created("15:55:00")]
    [told] = broken_promises(lines, truth("15:55:01"), REACH)
    assert told.startswith("1, shown ")
    assert broken_promises(lines, truth("16:00:01"), REACH) == []  # shown later
    assert broken_promises(lines, truth("15:55:01"), REACH, timedelta(minutes=5)) == []  # copies were behind
    assert broken_promises([lines[0], created("15:49:59")], truth("15:55:01"), REACH) == []  # late
    assert broken_promises([lines[1], lines[0]], truth("15:55:01"), REACH) == []


def test_a_value_that_goes_back_is_told() -> None:
    [told] = broken_promises([progress("16:00:00", "16:00:05"), progress("15:59:59", "16:01:00")], {}, REACH)
    assert told.startswith("covered_until goes back")


def test_what_was_delivered_as_a_reject_by_then_kept_the_promise() -> None:
    lines = [progress("16:00:00", "16:00:05"), created("15:55:00")]
    in_time, late = ({"subject": "1", "observedtime": f"{HOUR}{at}Z"} for at in ("16:00:05", "16:00:06"))
    assert broken_promises(lines, truth("15:55:01"), REACH, rejects=[in_time]) == []
    assert len(broken_promises(lines, truth("15:55:01"), REACH, rejects=[late, {**in_time, "subject": "2"}])) == 1
