"""The lives of simulated Agendize calls: every trouble happens, and list, truth and tokens agree."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from poller.sandbox.registry import new_world
from poller.sandbox.vendors import agendize
from poller.sandbox.world.truth import History
from poller.sandbox.world.world import World

from .stage import NOON, Stage
from .vices_of_agendize import CALLS, ask, at, made, token


def first(history: History) -> Any:
    return history.versions[0].record


def late(history: History) -> timedelta:
    """How long after its start a call came up."""
    start = first(history)["start"]
    return history.first_visible - datetime.fromisoformat(start["dateTime"]).replace(tzinfo=ZoneInfo(start["timeZone"]))


def changed(history: History, name: str) -> bool:
    return any(one.record.get(name) != two.record.get(name) for one, two in pairwise(history.versions))


TROUBLE: dict[str, Callable[[History], bool]] = {
    "listed long after its start": lambda call: late(call) > timedelta(hours=1),
    "inserted with a start days ago": lambda call: late(call) > timedelta(days=1),
    "recorded later": lambda call: "record" not in first(call) and "record" in call.versions[-1].record,
    "measured later": lambda call: first(call)["duration"] is None and changed(call, "duration"),
    "another status": lambda call: changed(call, "status"),
    "known later": lambda call: first(call)["clientId"] == "" and changed(call, "clientId"),
    "edited after a day": lambda call: call.versions[-1].at - call.first_visible > timedelta(days=1),
    "vanished": lambda call: call.deletion_event is not None,
    "a duration in text": lambda call: isinstance(first(call)["duration"], str),
    "a misspelt mimeType": lambda call: "mineType" in call.versions[-1].record.get("record", ()),
    "a zone by its old name": lambda call: first(call)["start"]["timeZone"] == "US/Eastern",
    "text beyond ASCII": lambda call: not first(call).get("externalId", "").isascii(),
}


@pytest.fixture(scope="module")
def long_run() -> World:
    """Ten days with some thirty records an hour."""
    now = NOON
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poller.sandbox.registry.KINDS", agendize.VENDOR.kinds)
        world = new_world(3, 0.5, lambda: now, timedelta())
    now += timedelta(days=10)
    return world


@pytest.fixture(scope="module")
def histories(long_run: World) -> list[History]:
    return list(long_run.truth(CALLS).values())


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_world_makes_this_trouble(histories: list[History], trouble: str) -> None:
    told = [TROUBLE[trouble](history) for history in histories]
    assert 0 < sum(told) < len(told)


def test_a_call_comes_up_when_it_is_over_and_keeps_still_after_five_days(
    long_run: World, histories: list[History]
) -> None:
    for versions in long_run.lives(CALLS):
        over = versions[-1].fields["start"] + timedelta(seconds=versions[-1].fields["duration"] or 0)
        assert over < versions[0].since
        assert versions[-1].since - versions[0].fields["start"] < timedelta(days=5)
    for history in histories:
        for one, two in pairwise(history.versions):
            assert one.at <= two.at
            assert one.record != two.record


async def test_the_list_agrees_with_the_truth_and_so_does_who_follows_the_tokens() -> None:
    stage = Stage(rate=2, history=timedelta(hours=6))
    known, query = dict[str, Any](), dict[str, str]()
    for _ in range(30):
        body = (await ask(stage, **query)).json()
        known |= {row["id"]: row for row in body["items"]}
        query = {"syncToken": body["nextSyncToken"]}
        stage.later(minutes=7)
    known |= {row["id"]: row for row in (await ask(stage, **query)).json()["items"]}
    truth = {name: one.versions[-1].record for name, one in stage.world.truth(CALLS).items() if not one.deletion_event}
    shown = {row["id"]: row for row in (await ask(stage)).json()["items"]}
    assert len(truth) > 500
    assert shown == truth
    assert {name: row for name, row in known.items() if name in truth} == truth


async def test_following_the_tokens_is_quick_in_a_big_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.sandbox.registry.KINDS", agendize.VENDOR.kinds)
    stage = Stage()
    names = made(stage, 5_000)
    for name in names * 5:
        stage.world.edit(CALLS, name, {"clientId": "1"})
    since = await token(stage, startDate=at(days=1))
    began = process_time()
    for _ in range(100):
        stage.world.edit(CALLS, names[0])
        since = (await ask(stage, syncToken=since)).json()["nextSyncToken"]
    assert process_time() - began < 0.5
