"""What happens in the simulated world: seeded, in its own time, with all the trouble that vendors make."""

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from poller.sandbox.registry import new_world
from poller.sandbox.world.world import World

from .stage import ALL_CALLS, CALLS, LEADS, NOON, Stage


@cache
def grown(seed: int, steps: int, vendor: str | None = None) -> World:
    """A world that ran for ten hours, asked so many times, all of it or at one vendor."""
    now = NOON
    world = new_world(seed, 1, lambda: now, timedelta(hours=2))
    for _ in range(steps):
        now += timedelta(hours=10) / steps
        world.advance(vendor)
    return world


@pytest.mark.parametrize("stream", [CALLS, LEADS])
def test_the_same_seed_is_the_same_world_however_often_it_is_asked(stream: str) -> None:
    vendor = stream.partition("/")[0]
    assert grown(1, 1).truth(stream) == grown(1, 500, vendor).truth(stream)
    assert grown(1, 1).truth(stream) != grown(2, 1, vendor).truth(stream)


@pytest.mark.exhaustive
def test_records_come_at_the_rate_asked_for() -> None:
    stage = Stage(rate=60, history=timedelta(hours=1))
    stage.world.advance()
    assert 3300 < len(stage.world.look(LEADS)) < 3900
    stage.later(minutes=30)
    stage.world.advance()
    assert 5000 < len(stage.world.look(LEADS)) < 5800


@pytest.mark.exhaustive
def test_a_long_past_is_thinned_out() -> None:
    stage = Stage(rate=600, history=timedelta(days=2))
    stage.world.advance()
    assert 4500 < len(stage.world.look(LEADS)) < 5500


@pytest.mark.parametrize("stream", [CALLS, LEADS])
def test_nothing_happens_once_it_is_quiet(stream: str) -> None:
    stage = Stage(rate=5, history=timedelta(hours=2))
    stage.world.quiet()
    before = stage.world.truth(stream)
    stage.later(days=3)
    assert before
    assert stage.world.truth(stream) == before


async def test_the_truth_is_what_the_lists_show() -> None:
    stage = Stage(rate=20, history=timedelta(hours=2))
    stage.later(minutes=3)
    shown: list[Any] = []
    for page in (1, 2, 3):
        shown += (await stage.calls(**ALL_CALLS, show=1000, page=page, conversation_type="call")).json()["call"]
    truth = [call for call in stage.world.truth(CALLS).values() if not call.deletion_event]
    assert len(truth) > 2000
    assert sorted(map(repr, shown)) == sorted(repr(call.versions[-1].record) for call in truth)


async def test_leads_are_listed_as_the_truth_tells_live_and_trashed() -> None:
    stage = Stage(rate=1, history=timedelta(hours=10))
    for trashed in (0, 1):
        first = (await stage.leads(per_page=100, trashed=trashed)).json()
        rows = list(first["data"])
        for page in range(2, first["meta"]["last_page"] + 1):
            rows += (await stage.leads(per_page=100, trashed=trashed, page=page)).json()["data"]
        last = [lead.versions[-1] for lead in stage.world.truth(LEADS).values() if not lead.deletion_event]
        assert rows
        assert sorted(map(repr, rows)) == sorted(repr(one.record) for one in last if one.deleted is bool(trashed))


def test_records_can_be_made_edited_and_deleted_by_hand() -> None:
    stage = Stage()
    call = stage.world.put(CALLS, {"call_id": "A", "start_datetime": NOON})
    lead = stage.world.put(LEADS)
    stage.later(seconds=90)
    stage.world.edit(CALLS, call, {"revenue": 5})
    stage.later(seconds=90)
    stage.world.edit(CALLS, call, {"revenue": 6}, stamped=False)
    stage.world.delete(LEADS, lead)
    stage.later(seconds=1)
    stage.world.edit(LEADS, lead, {"deleted_at": None})
    stage.world.delete(CALLS, call)
    calls, leads = stage.world.truth(CALLS)[call], stage.world.truth(LEADS)[lead]
    assert [version.record["revenue"] for version in calls.versions] == [0, 5, 6]
    stamps = [version.record["last_modified"] for version in calls.versions]
    assert stamps == ["2026-03-14 12:00:00", *["2026-03-14 12:01:30"] * 2]
    assert calls.deletion_event == stage.now
    assert [version.deleted for version in leads.versions] == [False, True, False]


def test_what_is_put_late_is_stamped_now_and_no_stamp_goes_back() -> None:
    stage = Stage()
    call = stage.world.put(CALLS, at=NOON - timedelta(days=3))
    stage.world.edit(CALLS, call, {"last_modified": NOON - timedelta(hours=1), "revenue": 7})
    versions = stage.world.truth(CALLS)[call].versions
    assert versions[0].record["end_datetime"] == "2026-03-11 12:00:00"
    assert [version.record["last_modified"] for version in versions] == ["2026-03-14 12:00:00"] * 2


def test_what_is_made_up_depends_on_the_seed() -> None:
    worlds = [Stage(seed).world for seed in (1, 1, 2)]
    leads = [world.put(LEADS) for world in worlds]
    one, same, other = (world.truth(LEADS)[lead] for world, lead in zip(worlds, leads, strict=True))
    assert one == same != other


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
