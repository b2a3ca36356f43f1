"""When the simulated Callcap finds a call: days, minutes, zones, presets, as in https://callcap.readme.io/docs/calls."""

from datetime import UTC, datetime, timedelta

import pytest

from .stage import CALLS, NOON, Stage, ids


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def modified(stage: Stage, **stamps: str) -> None:
    """One call per name, last modified at that UTC time."""
    for name, stamp in stamps.items():
        stage.world.put(CALLS, {"call_id": name, "last_modified": utc(stamp), "start_datetime": utc("2026-03-01")})


def started(stage: Stage, **stamps: str) -> None:
    for name, stamp in stamps.items():
        stage.world.put(CALLS, {"call_id": name, "start_datetime": utc(stamp)})


BOUNDS = {"search_startdate": "2000-01-01", "search_enddate": "2026-03-16", "search_timezone": "UTC", "order": "oldest"}


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"start": "2026-03-14 12:34"}, "bcde"),
        ({"start": "2026-03-14 12:34:50"}, "bcde"),  # minutes: the seconds are dropped
        ({"start": "2026-03-14 12:35"}, "de"),
        ({"start": "2026-03-14"}, "abcde"),
        ({"start": "2026-03-15"}, "e"),
        ({"end": "2026-03-14 12:34"}, "ab"),  # included, as a second
        ({"end": "2026-03-14"}, "abcd"),  # a bare date lasts until 23:59:59
        ({"start": "2026-03-14 12:34", "end": "2026-03-14 12:35"}, "bc"),
    ],
)
async def test_last_modified_is_filtered_by_minutes_both_ends_included(
    stage: Stage, bounds: dict[str, str], found: str
) -> None:
    stage.later(days=1)
    times = ("12:33:59", "12:34:00", "12:34:49", "23:59:59")
    modified(stage, **{name: f"2026-03-14 {time}" for name, time in zip("abcd", times, strict=True)})
    modified(stage, e="2026-03-15 00:00:00")
    query = {f"search_last_modified_{end}": text for end, text in bounds.items()}
    assert "".join(sorted(ids(await stage.calls(**BOUNDS, **query)))) == found


async def test_dates_are_days_of_the_call_in_the_asked_zone_the_end_day_included(stage: Stage) -> None:
    started(stage, a="2026-03-12 06:59:59", b="2026-03-12 07:00:00", c="2026-03-14 06:59:59", d="2026-03-14 07:00:00")
    days = {"search_startdate": "2026-03-12", "search_enddate": "2026-03-13", "order": "oldest"}
    assert ids(await stage.calls(**days, search_timezone="US/Arizona")) == ["b", "c"]
    assert ids(await stage.calls(**days, search_timezone="UTC")) == ["a", "b"]


async def test_the_date_filter_also_holds_back_what_was_just_modified(stage: Stage) -> None:
    """The trap: left out, search_startdate is some date in the past, and old calls that change are cut off."""
    started(stage, old="2025-11-01 12:00:00", new="2026-03-14 12:00:00")
    since = {"search_last_modified_start": "2026-03-14 00:00"}
    assert ids(await stage.calls(**since)) == ["new"]
    assert ids(await stage.calls(**since, search_startdate="2000-01-01")) == ["new", "old"]


async def test_times_are_rendered_in_the_asked_zone_which_is_echoed(stage: Stage) -> None:
    started(stage, a="2026-03-14 18:00:00")
    shown = {}
    for zone in ("US/Arizona", "US/Central", "Etc/UTC", "Europe/Istanbul", None, "Mars/Olympus"):
        body = (await stage.calls(**({"search_timezone": zone} if zone else {}))).json()
        shown[zone] = (body["search"]["timezone"], body["call"][0]["start_datetime"])
    assert shown == {
        "US/Arizona": ("US/Arizona", "2026-03-14 11:00:00"),
        "US/Central": ("US/Central", "2026-03-14 13:00:00"),
        "Etc/UTC": ("Etc/UTC", "2026-03-14 18:00:00"),
        "Europe/Istanbul": ("Europe/Istanbul", "2026-03-14 21:00:00"),
        None: ("US/Central", "2026-03-14 13:00:00"),
        "Mars/Olympus": ("US/Central", "2026-03-14 13:00:00"),
    }


async def test_in_autumn_an_hour_is_told_twice() -> None:
    stage = Stage(now=utc("2026-11-01 12:00"))
    started(stage, first="2026-11-01 06:30:00", again="2026-11-01 07:30:00")
    query = {**BOUNDS, "search_enddate": "2026-11-02", "search_timezone": "US/Central"}
    body = (await stage.calls(**query)).json()
    assert [call["start_datetime"] for call in body["call"]] == ["2026-11-01 01:30:00"] * 2
    arizona = (await stage.calls(**{**query, "search_timezone": "US/Arizona"})).json()
    assert [call["start_datetime"] for call in arizona["call"]] == ["2026-10-31 23:30:00", "2026-11-01 00:30:00"]


async def test_a_bound_in_the_repeated_hour_means_the_first_one() -> None:
    stage = Stage(now=utc("2026-11-01 12:00"))
    modified(stage, before="2026-11-01 06:10:00", first="2026-11-01 06:30:00", again="2026-11-01 07:10:00")
    stage.later(days=1)
    query = {"search_startdate": "2000-01-01", "search_timezone": "US/Central"}
    found = ids(await stage.calls(**query, search_last_modified_start="2026-11-01 01:20"))
    assert sorted(found) == ["again", "first"]


async def test_a_bound_in_the_skipped_hour_is_understood() -> None:
    stage = Stage(now=utc("2026-03-08 20:00"))
    modified(stage, before="2026-03-08 07:59:00", after="2026-03-08 08:31:00")
    query = {"search_startdate": "2000-01-01", "search_timezone": "US/Central"}
    assert ids(await stage.calls(**query, search_last_modified_start="2026-03-08 02:30")) == ["after"]


@pytest.mark.parametrize(
    ("preset", "found"),
    [
        ("last1minutes", "a"),
        ("last5minutes", "ab"),
        ("last10minutes", "ab"),
        ("last30minutes", "abc"),
        ("last60minutes", "abc"),
        ("today", "abc"),  # from midnight in the asked zone
        ("yesterday", "d"),
        ("week", "abcde"),  # from Sunday
        ("last7days", "abcdef"),
        ("monthtodate", "abcdef"),
        ("lastmonth", "g"),
        ("last30days", "abcdefg"),
        ("last3months", "abcdefgh"),
        ("last6months", "abcdefgh"),
        ("yeartodate", "abcdefgh"),
    ],
)
async def test_presets_are_ranges_of_start_times_up_to_now(stage: Stage, preset: str, found: str) -> None:
    ages = {"a": 1, "b": 4, "c": 25, "d": 13 * 60, "e": 6 * 1440, "f": 7 * 1440, "g": 20 * 1440, "h": 60 * 1440}
    for name, minutes in ages.items():
        stage.world.put(CALLS, {"call_id": name, "start_datetime": NOON - timedelta(minutes=minutes)})
    assert ids(await stage.calls(search_range=preset, search_timezone="US/Arizona")) == list(found)


async def test_presets_slide_with_the_clock(stage: Stage) -> None:
    stage.world.put(CALLS, {"start_datetime": NOON - timedelta(minutes=4)})
    assert len(ids(await stage.calls(search_range="last5minutes"))) == 1
    stage.later(minutes=2)
    assert ids(await stage.calls(search_range="last5minutes")) == []


async def test_a_preset_and_last_modified_must_both_hold(stage: Stage) -> None:
    started(stage, a="2026-03-14 18:58:00")
    query = {"search_range": "last5minutes", "search_timezone": "UTC"}
    assert ids(await stage.calls(**query, search_last_modified_start="2026-03-14 19:00")) == ["a"]
    assert ids(await stage.calls(**query, search_last_modified_start="2026-03-14 19:01")) == []
