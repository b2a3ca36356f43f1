"""What happens to the simulated TrackDrive's leads and calls, and what its change log tells of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from poller.sandbox.registry import new_world
from poller.sandbox.world.truth import History

from .stage import NOON, Stage
from .trackdrive_stage import CALLS, LEADS, made, rows, walked


async def test_the_change_log_tells_what_people_did_and_not_what_machines_did(stage: Stage) -> None:
    lead, file = made(stage, LEADS, {"id": 5}, {"id": 6, "lead_import_id": 1})
    (call,) = made(stage, CALLS, {"id": 9})
    steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (LEADS, lead, {"email": "new@example.com"}),
        (LEADS, lead, {"next_action_at": NOON, "status": "running", "last_action_at": NOON}),
        (LEADS, file, {"email": None, "_redacted": True}),
        (CALLS, call, {"status": "finished", "recording_url": "x"}),
        (CALLS, call, {"revenue": 7.5}),
    )
    for stream, name, change in steps:
        stage.later(seconds=1.5)
        stage.world.edit(stream, name, change)
    stage.later(seconds=1)
    stage.world.delete(LEADS, file)
    told = await rows(stage, "change_logs", per_page=100)
    deeds = [(entry["lead_id"], entry["call_id"], entry["action_name"]) for entry in reversed(told)]
    assert deeds == [(5, None, "create"), (5, None, "update"), (None, 9, "update"), (6, None, "destroy")]
    edit = told[-2]
    assert (edit["created_at"], edit["request_method"]) == ("2026-03-14T15:00:01.500-04:00", "PUT")
    assert edit["diff"]["email"][1] == edit["to_attrs"]["email"] == "new@example.com"
    assert edit["diff"].keys() == {"email", "updated_at"}
    assert await walked(stage, "change_logs", per_page=1) == [entry["id"] for entry in told]
    late = await rows(
        stage, "change_logs", created_at_from="2026-03-14 19:00:02 +0000", columns="id,created_at,lead_id"
    )
    assert [entry["lead_id"] for entry in late] == [6, None]
    assert late[0].keys() == {"id", "created_at", "lead_id"}
    made(stage, LEADS, {})
    assert [entry["id"] for entry in await rows(stage, "change_logs")][1:] == [entry["id"] for entry in told]


def changed(history: History, *names: str) -> bool:
    """Some version differs from the one before in these fields, and means the same besides."""
    ticks = {"updated_at", "user_updated_at", "human_status", "css_status", "has_next_action"}
    for one, two in pairwise(history.versions):
        if {name for name in two.record if one.record[name] != two.record[name]} - ticks == set(names):
            return True
    return False


def later(history: History, name: str, wait: timedelta) -> bool:
    return any(
        one.record[name] != two.record[name] and two.at - history.first_visible > wait
        for one, two in pairwise(history.versions)
    )


def late(history: History) -> timedelta:
    return history.first_visible - datetime.fromisoformat(history.versions[0].record["created_at"])


TROUBLE: dict[str, tuple[str, Callable[[History], bool]]] = {
    "noise of the scheduler": (LEADS, lambda lead: changed(lead, "next_action_at", "last_action_at")),
    "a new status": (LEADS, lambda lead: changed(lead, "status")),
    "an old lead submitted again": (LEADS, lambda lead: later(lead, "data", timedelta(hours=5))),
    "redacted": (LEADS, lambda lead: lead.versions[-1].record["data"] == {}),
    "soft-deleted": (LEADS, lambda lead: lead.versions[-1].deleted),
    "expired": (LEADS, lambda lead: lead.deletion_event is not None),
    "seen late": (LEADS, lambda lead: timedelta(minutes=5) < late(lead) < timedelta(hours=1)),
    "listed while live": (CALLS, lambda call: call.versions[0].record["ended_at"] is None),
    "never ended": (CALLS, lambda call: call.versions[-1].record["ended_at"] is None),
    "recorded after the end": (CALLS, lambda call: changed(call, "recording_url")),
    "revenue days later": (CALLS, lambda call: later(call, "revenue", timedelta(days=2))),
    "spelled the other way": (CALLS, lambda call: call.versions[-1].record["status"] == "cancelled"),
}


@pytest.fixture(scope="module")
def long_run() -> dict[str, dict[str, History]]:
    """Stream to the truth of ten days with some twenty records an hour."""
    now = NOON
    world = new_world(3, 0.3, lambda: now, timedelta())
    now += timedelta(days=10)
    return {stream: world.truth(stream) for stream in (LEADS, CALLS)}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_world_makes_this_trouble(long_run: dict[str, dict[str, History]], trouble: str) -> None:
    stream, has = TROUBLE[trouble]
    found = [has(history) for history in long_run[stream].values()]
    assert any(found)
    assert trouble == "listed while live" or not all(found)


@pytest.mark.parametrize("stream", [LEADS, CALLS])
def test_versions_and_stamps_never_go_back(long_run: dict[str, dict[str, History]], stream: str) -> None:
    for history in long_run[stream].values():
        for one, two in pairwise(history.versions):
            assert one.at <= two.at
            assert one.record != two.record
            assert datetime.fromisoformat(one.record["updated_at"]) <= datetime.fromisoformat(two.record["updated_at"])


async def test_all_lists_agree_with_the_truth() -> None:
    stage = Stage(rate=1, history=timedelta(hours=6))
    for stream, path in ((LEADS, "leads"), (CALLS, "calls")):
        truth = [one.versions[-1].record for one in stage.world.truth(stream).values() if not one.deletion_event]
        shown = await rows(stage, path, per_page=10_000)
        assert truth
        assert sorted(map(repr, shown)) == sorted(map(repr, truth))
