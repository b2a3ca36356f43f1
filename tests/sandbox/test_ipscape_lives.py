"""What happens to ipSCAPE's records: calls that come up late, leads that attempts change, lists that hardly move."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from poller.sandbox.registry import new_world
from poller.sandbox.vendors import ipscape
from poller.sandbox.world.truth import History

from .ipscape_stage import ACTIVITIES, ALWAYS, ATTEMPTS, CAMPAIGNS, LEADS, LISTS, PATHS, USERS, rows, walk
from .stage import NOON, Stage

Truths = dict[str, dict[str, History]]


@pytest.fixture(scope="module")
def long_run() -> Truths:
    """Stream to the truth of ten days."""
    now = NOON
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poller.sandbox.registry.KINDS", ipscape.VENDOR.kinds)
        world = new_world(3, 0.5, lambda: now, timedelta())
    now += timedelta(days=10)
    return {stream: world.truth(stream) for stream in PATHS}


def _first(history: History) -> Any:
    return history.versions[0].record


def _last(history: History) -> Any:
    return history.versions[-1].record


def _late(history: History, name: str = "created") -> timedelta:
    record = _first(history)
    return history.first_visible - datetime.fromisoformat((record.get("data") or record)["timestamps"][name])


def _call(history: History, field: str) -> list[Any]:
    """What this field of a call went through."""
    values = [version.record["data"].get(field) for version in history.versions]
    return [values[0], *(two for one, two in pairwise(values) if one != two)]


TROUBLE: list[tuple[str, str, Callable[[History], bool]]] = [
    (ACTIVITIES, "listed long after its start", lambda one: _late(one) > timedelta(hours=1)),
    (ACTIVITIES, "wrapped up later", lambda one: [bool(code) for code in _call(one, "wrapCode")] == [False, True]),
    (ACTIVITIES, "recorded later", lambda one: _call(one, "recordingMetadata")[0] is None and _recorded(one)),
    (ACTIVITIES, "surveyed later", lambda one: len(_call(one, "survey")) == 2),
    (ACTIVITIES, "scored later", lambda one: len(_call(one, "callQualityScore")) == 2),
    (ACTIVITIES, "without an agent", lambda one: _last(one)["data"]["agentId"] is None),
    (ACTIVITIES, "another channel", lambda one: not _first(one)["type"].startswith("call.")),
    (ACTIVITIES, "changed after days", lambda one: one.versions[-1].at - one.first_visible > timedelta(days=3)),
    (ACTIVITIES, "a transfer", lambda one: _first(one)["data"]["parentActivityId"] is not None),
    (ACTIVITIES, "written over", lambda one: "Removed" in _last(one)["data"].values()),
    (ATTEMPTS, "without an activity", lambda one: _last(one)["activityId"] is None),
    (ATTEMPTS, "hung up later", lambda one: [bool(shown.record["timestamps"]["hangUp"]) for shown in one.versions[:2]]
     == [False, True]),
    (ATTEMPTS, "written over", lambda one: _last(one)["phoneNumber"] == "Removed"),
    (LEADS, "uploaded in bulk, late", lambda one: _late(one) > timedelta(minutes=20)),
    (LEADS, "completed", lambda one: _last(one)["completed"]),
    (LEADS, "edited by hand", lambda one: any(one.record["dataFields"] != two.record["dataFields"]
                                              for one, two in pairwise(one.versions))),
    (LEADS, "removed", lambda one: one.deletion_event is not None),
    (USERS, "renamed", lambda one: _last(one)["lastName"] != _first(one)["lastName"]),
    (USERS, "gone", lambda one: one.deletion_event is not None),
]  # fmt: skip


def _recorded(history: History) -> bool:
    return bool(_last(history)["data"].get("recordingMetadata"))


@pytest.mark.parametrize(("stream", "trouble", "shows"), TROUBLE, ids=[f"{name} {what}" for name, what, _ in TROUBLE])
def test_the_world_makes_this_trouble(
    long_run: Truths, stream: str, trouble: str, shows: Callable[[History], bool]
) -> None:
    found = [history for history in long_run[stream].values() if shows(history)]
    assert 0 < len(found) < len(long_run[stream]), trouble


def test_a_call_is_never_listed_before_it_is_hung_up(long_run: Truths) -> None:
    for history in long_run[ACTIVITIES].values():
        if hung_up := _first(history)["data"]["timestamps"].get("hangUp"):
            assert datetime.fromisoformat(hung_up) < history.first_visible


def test_attempts_name_leads_and_activities_that_name_them(long_run: Truths) -> None:
    activities = long_run[ACTIVITIES]
    for number, attempt in long_run[ATTEMPTS].items():
        record = _last(attempt)
        assert f"{record['leadId']}" in long_run[LEADS]
        if record["activityId"] and (call := activities.get(f"{record['activityId']}")):
            assert (f"{_first(call)['data']['attemptId']}", _first(call)["data"]["leadId"]) == (
                number,
                record["leadId"],
            )


def test_each_attempt_changes_its_lead_soon(long_run: Truths) -> None:
    tried = 0
    for attempt in long_run[ATTEMPTS].values():
        lead = long_run[LEADS][f"{_last(attempt)['leadId']}"]
        changed = [
            two.at for one, two in pairwise(lead.versions) if one.record["outcomesInfo"] != two.record["outcomesInfo"]
        ]
        if attempt.first_visible < NOON + timedelta(days=9):
            tried += 1
            assert any(abs(at - attempt.first_visible) < timedelta(minutes=12) for at in changed)
    assert tried > 1000


def test_a_completed_lead_is_never_opened_or_tried_again(long_run: Truths) -> None:
    for lead in long_run[LEADS].values():
        done = [shown.record["completed"] for shown in lead.versions]
        assert done == sorted(done)
        tries = {shown.record["outcomesInfo"]["totalAttempts"] for shown in lead.versions if shown.record["completed"]}
        assert len(tries) <= 1


@pytest.mark.parametrize("rate", [1, 120])
def test_reference_lists_stay_small_at_any_rate(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tuple(kind for kind in ipscape.VENDOR.kinds if kind.name in {USERS, LISTS, CAMPAIGNS})
    monkeypatch.setattr("poller.sandbox.registry.KINDS", small)
    stage = Stage(rate=rate, history=timedelta(days=2))
    for hours in (0, 5, 5):
        stage.later(hours=hours)
        stage.world.advance()
        for stream, most in ((USERS, 40), (LISTS, 25), (CAMPAIGNS, 12)):
            assert 5 <= len(stage.world.look(stream)) <= most


@pytest.mark.parametrize("stream", PATHS)
async def test_the_truth_is_what_the_lists_show(stream: str) -> None:
    stage = Stage(rate=1, history=timedelta(hours=10))
    stage.later(hours=1)
    shown = [row for page in await walk(stage, stream, **ALWAYS) for row in rows(page)]
    truth = [history for history in stage.world.truth(stream).values() if not history.deletion_event]
    assert len(truth) > 1
    assert sorted(map(repr, shown)) == sorted(repr(_last(history)) for history in truth)
