"""What happens in the simulated world: seeded, in its own time, with all the trouble that vendors make."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from poller.sandbox.history import History
from poller.sandbox.world import World

from .stage import ALL_CALLS, CALLS, LEADS, NOON, Stage


def grown(seed: int, steps: int) -> World:
    """A world that ran for ten hours, asked so many times."""
    now = NOON
    world = World(seed, 1, lambda: now, timedelta(hours=2))
    for _ in range(steps):
        now += timedelta(hours=10) / steps
        world.advance()
    return world


@pytest.fixture(scope="module")
def long_run() -> World:
    """Ten days of a few records an hour."""
    now = NOON
    world = World(3, 0.3, lambda: now, timedelta())
    now += timedelta(days=10)
    world.advance()
    return world


@pytest.mark.parametrize("stream", [CALLS, LEADS])
def test_the_same_seed_is_the_same_world_however_often_it_is_asked(stream: str) -> None:
    assert grown(1, 1).truth(stream) == grown(1, 500).truth(stream)
    assert grown(1, 1).truth(stream) != grown(2, 1).truth(stream)


def test_records_come_at_the_rate_asked_for() -> None:
    stage = Stage(rate=60, history=timedelta(hours=1))
    stage.world.advance()
    assert 3000 < len(stage.world.truth(LEADS)) < 4200
    stage.later(minutes=30)
    assert 5000 < len(stage.world.truth(LEADS)) < 5900


def test_a_long_past_is_thinned_out() -> None:
    stage = Stage(rate=600, history=timedelta(days=2))
    assert 4500 < len(stage.world.truth(LEADS)) < 5500


@pytest.mark.parametrize("stream", [CALLS, LEADS])
def test_nothing_happens_once_it_is_quiet(stream: str) -> None:
    stage = Stage(rate=30, history=timedelta(hours=2))
    stage.world.quiet()
    before = stage.world.truth(stream)
    stage.later(days=3)
    assert before
    assert stage.world.truth(stream) == before


@pytest.mark.parametrize(("stream", "stamp"), [(CALLS, "last_modified"), (LEADS, "updated_at")])
def test_versions_and_stamps_of_a_record_never_go_back(long_run: World, stream: str, stamp: str) -> None:
    for history in long_run.truth(stream).values():
        for one, two in pairwise(history.versions):
            assert one.at <= two.at
            assert one.record != two.record
            assert one.record[stamp] <= two.record[stamp]


def test_a_call_is_visible_seconds_after_it_was_stamped(long_run: World) -> None:
    lags = []
    for history in long_run.truth(CALLS, ("UTC",)).values():
        stamps = [version.record["last_modified"] for version in history.versions]
        for n, version in enumerate(history.versions):
            if n == 0 or stamps[n] != stamps[n - 1]:
                lags.append((version.at - datetime.fromisoformat(f"{stamps[n]}+00:00")).total_seconds())
    assert min(lags) > 0
    assert 3 < max(lags) < 6


def changes(history: History, field: str) -> list[Any]:
    values = [version.record[field] for version in history.versions]
    return [values[0], *(two for one, two in pairwise(values) if one != two)]


def unstamped(history: History, stamp: str) -> bool:
    return any(one.record[stamp] == two.record[stamp] for one, two in pairwise(history.versions))


CALL_TROUBLE: dict[str, Callable[[History], bool]] = {
    "shown while it lasts, then over": lambda call: changes(call, "action") == ["In Progress", "Answer"],
    "first shown when over": lambda call: changes(call, "end_datetime")[0] != "",
    "no recording before the end": lambda call: [bool(url) for url in changes(call, "recording")] == [False, True],
    "changed without a stamp": lambda call: unstamped(call, "last_modified"),
    "changed days later": lambda call: call.versions[-1].at - call.first_visible > timedelta(days=2),
    "imported long after": lambda call: call.versions[0].record["start_datetime"][:10]
    < f"{call.first_visible - timedelta(hours=31):%Y-%m-%d}",
    "vanished": lambda call: call.vanished is not None,
}  # fmt: skip

LEAD_TROUBLE: dict[str, Callable[[History], bool]] = {
    "converted": lambda lead: lead.versions[-1].record["is_converted"] is True,
    "trashed": lambda lead: lead.versions[-1].deleted,
    "trashed within a minute": lambda lead: any(
        version.deleted and version.at - lead.first_visible < timedelta(minutes=1) for version in lead.versions
    ),
    "restored": lambda lead: any(one.deleted and not two.deleted for one, two in pairwise(lead.versions)),
    "synced without another change": lambda lead: any(
        {**one.record, "last_synced_at": two.record["last_synced_at"]} == two.record
        for one, two in pairwise(lead.versions)
    ),
    "changed without a stamp": lambda lead: len(changes(lead, "assigned_user")) > 1 and unstamped(lead, "updated_at"),
    "changed days later": lambda lead: lead.versions[-1].at - lead.first_visible > timedelta(days=2),
    "back-dated by an import": lambda lead: (
        lead.versions[0].record["created_at"] < f"{lead.first_visible - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    ),
    "never synced": lambda lead: lead.versions[0].record["last_synced_at"] is None,
    "vanished": lambda lead: lead.vanished is not None,
}


@pytest.mark.parametrize("trouble", CALL_TROUBLE)
def test_the_world_makes_this_trouble_with_calls(long_run: World, trouble: str) -> None:
    found = [call for call in long_run.truth(CALLS).values() if CALL_TROUBLE[trouble](call)]
    assert 0 < len(found) < len(long_run.truth(CALLS))


@pytest.mark.parametrize("trouble", LEAD_TROUBLE)
def test_the_world_makes_this_trouble_with_leads(long_run: World, trouble: str) -> None:
    found = [lead for lead in long_run.truth(LEADS).values() if LEAD_TROUBLE[trouble](lead)]
    assert 0 < len(found) < len(long_run.truth(LEADS))


async def test_the_truth_is_what_the_lists_show() -> None:
    stage = Stage(rate=4, history=timedelta(hours=10))
    stage.later(minutes=3)
    shown: list[Any] = []
    for page in (1, 2, 3):
        shown += (await stage.calls(**ALL_CALLS, show=1000, page=page, conversation_type="call")).json()["call"]
    truth = [call for call in stage.world.truth(CALLS).values() if not call.vanished]
    assert len(truth) > 2000
    assert sorted(map(repr, shown)) == sorted(repr(call.versions[-1].record) for call in truth)


async def test_leads_are_listed_as_the_truth_tells_live_and_trashed() -> None:
    stage = Stage(rate=1, history=timedelta(hours=10))
    for trashed in (0, 1):
        first = (await stage.leads(per_page=100, trashed=trashed)).json()
        rows = list(first["data"])
        for page in range(2, first["meta"]["last_page"] + 1):
            rows += (await stage.leads(per_page=100, trashed=trashed, page=page)).json()["data"]
        last = [lead.versions[-1] for lead in stage.world.truth(LEADS).values() if not lead.vanished]
        assert rows
        assert sorted(map(repr, rows)) == sorted(repr(one.record) for one in last if one.deleted is bool(trashed))


def test_records_can_be_made_edited_and_deleted_by_hand() -> None:
    stage = Stage()
    call = stage.world.put(CALLS, {"call_id": "A", "start_datetime": NOON})
    lead = stage.world.put(LEADS)
    stage.later(seconds=90)
    stage.world.edit(CALLS, call, {"revenue": 5})
    stage.world.edit(CALLS, call, {"revenue": 6}, stamped=False)
    stage.world.delete(LEADS, lead)
    stage.later(seconds=1)
    stage.world.edit(LEADS, lead, {"deleted_at": None})
    stage.world.delete(CALLS, call)
    calls, leads = stage.world.truth(CALLS)[call], stage.world.truth(LEADS)[lead]
    assert [version.record["revenue"] for version in calls.versions] == [0, 5, 6]
    assert changes(calls, "last_modified") == ["2026-03-14 12:00:00", "2026-03-14 12:01:30"]
    assert calls.vanished == stage.now
    assert [version.deleted for version in leads.versions] == [False, True, False]


def test_what_cannot_be_done_by_hand_is_an_error() -> None:
    stage = Stage()
    call = stage.world.put(CALLS)
    with pytest.raises(ValueError, match="before"):
        stage.world.put(CALLS, {"call_id": call})
    with pytest.raises(KeyError):
        stage.world.edit(CALLS, "nobody", {"revenue": 1})
    stage.world.delete(CALLS, call)
    with pytest.raises(KeyError):
        stage.world.delete(CALLS, call)
