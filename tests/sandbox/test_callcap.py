"""The simulated Callcap against its documentation, https://callcap.readme.io/docs/calls."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from .stage import ALL_CALLS, CALLS, NOON, Stage, ids

RECORD = {
    "call_id", "recording", "action", "start_datetime", "end_datetime", "last_modified", "dtmf", "duration", "rings",
    "revenue", "caller", "callsurance", "webmatch", "sentiment", "accounts",
}  # fmt: skip
CAMPAIGN = {
    "id", "name", "callcap_number", "dialed_number", "destination_number", "ivr_option", "medium", "medium_type",
    "direction", "line-memo", "addtl_line_memo", "cost_per_piece_est", "cost_per_piece_final", "default_revenue_value",
}  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def modified(stage: Stage, **stamps: str) -> None:
    """One call per name, last modified at that UTC time."""
    for name, stamp in stamps.items():
        stage.world.put(CALLS, {"call_id": name, "last_modified": utc(stamp), "start_datetime": utc("2026-03-01")})


def started(stage: Stage, **stamps: str) -> None:
    for name, stamp in stamps.items():
        stage.world.put(CALLS, {"call_id": name, "start_datetime": utc(stamp)})


async def test_the_envelope_and_the_record_are_the_documented_ones(stage: Stage) -> None:
    stage.world.put(CALLS)
    stage.world.put(CALLS)
    body = (await stage.calls(**ALL_CALLS, show=1)).json()
    assert list(body) == ["pagination", "status", "search", "call"]
    assert body["pagination"] == {"page": 1, "last_page": 2, "records_returned": 1, "show": 1, "total_records": 2}
    assert (body["status"], body["search"]) == ("success", {"timezone": "US/Arizona"})
    (call,) = body["call"]
    assert call.keys() == RECORD
    assert call["accounts"].keys() == {"corporate", "division", "location", "campaign"}
    assert call["accounts"]["campaign"].keys() == CAMPAIGN
    assert call["caller"].keys() == {"caller_id", "name", "class", "address", "city", "state", "zip"}
    assert call["callsurance"].keys() == {"major", "minor", "csr"}
    assert ":" in call["call_id"]


async def test_a_bad_key_is_told_so(stage: Stage) -> None:
    answer = await stage.http.get("/callcap/v2/get/calls/", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.json() == {"status": "unauthorized", "message": "Your key is invalid"}
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="https://api.callcap.com/v2/"'


async def test_every_answer_is_dated_by_the_worlds_clock(stage: Stage) -> None:
    for path in ("/callcap/v2/get/calls/", "/callcap/nowhere", "/_sandbox/log"):
        assert (await stage.http.get(path)).headers.get_list("Date") == ["Sat, 14 Mar 2026 19:00:00 GMT"]


async def test_a_wrong_path_is_a_page_for_people(stage: Stage) -> None:
    for path in ("/callcap/v2/get/call/", "/callcap/v2/get/calls"):
        answer = await stage.http.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"show": 1001}, "show"),
        ({"show": 0}, "show"),
        ({"page": 0}, "page"),
        ({"page": 2}, "page"),
        ({"order": "sideways"}, "order"),
        ({"search_range": "lastweek"}, "search_range"),
        ({"search_startdate": "2026-03-14", "search_enddate": "2026-03-14"}, "less than"),
        ({"search_startdate": "2026-03-15", "search_enddate": "2026-03-14"}, "less than"),
        ({"search_startdate": "14/03/2026"}, "14/03/2026"),
        ({"search_last_modified_start": "soon"}, "soon"),
    ],
)
async def test_what_cannot_be_asked_is_an_error_in_json(stage: Stage, query: dict[str, Any], complaint: str) -> None:
    stage.world.put(CALLS)
    answer = await stage.calls(**query)
    assert answer.status_code == 400
    assert answer.json().keys() == {"status", "message"}
    assert answer.json()["status"] != "success"
    assert complaint in answer.json()["message"]


async def test_unknown_parameters_are_ignored(stage: Stage) -> None:
    stage.world.put(CALLS)
    assert (await stage.calls(search_last_modifed_start="2030-01-01 00:00", colour="red")).status_code == 200


async def test_no_rows_are_an_empty_list(stage: Stage) -> None:
    body = (await stage.calls()).json()
    assert body["call"] == []
    assert body["pagination"] == {"page": 1, "last_page": 1, "records_returned": 0, "show": 50, "total_records": 0}


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
        ({"start": "2026-03-14 12:34", "end": "2026-03-14 12:35"}, "bcd"),
    ],
)
async def test_last_modified_is_filtered_by_minutes_both_ends_included(
    stage: Stage, bounds: dict[str, str], found: str
) -> None:
    stage.later(days=1)
    times = ("12:33:59", "12:34:00", "12:34:49", "12:35:00")
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
    ages = {"a": 1, "b": 4, "c": 25, "d": 13 * 60, "e": 5 * 1440, "f": 7 * 1440, "g": 20 * 1440, "h": 60 * 1440}
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


async def test_order_is_by_start_and_pages_hold_every_call_once(stage: Stage) -> None:
    for n in range(7):
        start = NOON - timedelta(minutes=(n * 3) % 7)
        stage.world.put(CALLS, {"call_id": f"{(n * 3) % 7}", "start_datetime": start})
    stage.world.edit(CALLS, "6")
    pages = [await stage.calls(**ALL_CALLS, order="oldest", show=3, page=page) for page in (1, 2, 3)]
    assert [ids(page) for page in pages] == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert {page.json()["pagination"]["last_page"] for page in pages} == {3}
    assert ids(await stage.calls(**ALL_CALLS)) == list("0123456")


async def test_blocks_are_shown_as_asked_for(stage: Stage) -> None:
    stage.world.put(CALLS)
    named = {"notes", "demographics", "scorecards", "import", "summaries"}
    for detail, blocks in {
        "all": RECORD,
        "all,import,summaries": RECORD | {"import", "summaries"},
        "caller": RECORD - {"callsurance", "webmatch", "sentiment", "accounts"},
        "notes": (RECORD | {"notes"}) - {"caller", "callsurance", "webmatch", "sentiment", "accounts"},
        f"all,{','.join(named)}": RECORD | named,
    }.items():
        assert (await stage.calls(detail=detail)).json()["call"][0].keys() == blocks


async def test_text_conversations_are_among_the_calls_unless_only_calls_are_asked_for(stage: Stage) -> None:
    for n in range(3):
        stage.world.put(CALLS, {"call_id": f"{n}", "_text": n == 0})
    assert len(ids(await stage.calls())) == 3
    assert sorted(ids(await stage.calls(conversation_type="call"))) == ["1", "2"]
    assert ids(await stage.calls(conversation_type="text")) == ["0"]
    assert stage.world.truth(CALLS).keys() == {"1", "2"}


async def test_one_call_by_its_id(stage: Stage) -> None:
    call = stage.world.put(CALLS)
    stage.world.put(CALLS)
    for answer in (await stage.calls(f"{quote(call, safe='')}/"), await stage.calls(call_id=call)):
        assert ids(answer) == [call]
    lost = await stage.calls("nobody/")
    assert (lost.status_code, lost.json()["status"]) == (404, "error")


async def test_accounts_can_be_read(stage: Stage) -> None:
    key = (await stage.calls()).request.headers["Authorization"]
    answer = await stage.http.get("/callcap/v2/get/accounts/", headers={"Authorization": key})
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    assert (await stage.http.get("/callcap/v2/get/accounts/")).status_code == 401


async def test_a_call_in_progress_has_no_end_until_it_ends() -> None:
    stage = Stage(rate=20)
    stage.later(minutes=2)
    calls = (await stage.calls(**ALL_CALLS, show=1000)).json()["call"]
    live = {call["call_id"] for call in calls if call["action"] == "In Progress"}
    assert live
    for call in calls:
        assert (call["end_datetime"] == "") is (call["call_id"] in live)
        assert call["recording"] == "" or call["action"] == "Answer"
    stage.later(hours=2)
    oldest = (await stage.calls(**ALL_CALLS, show=1000, order="oldest")).json()["call"]
    later = {call["call_id"]: call for call in oldest}
    for call_id in live & later.keys():
        assert later[call_id]["end_datetime"] > later[call_id]["start_datetime"]
        assert later[call_id]["last_modified"] >= later[call_id]["end_datetime"]
