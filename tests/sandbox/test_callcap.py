"""The simulated Callcap against its documentation, https://callcap.readme.io/docs/calls."""

from datetime import timedelta
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
