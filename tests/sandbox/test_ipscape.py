"""The simulated ipSCAPE against its public page, https://developer.onipscape.com/platform-api.html."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .ipscape_stage import (
    ACTIVITIES,
    ALWAYS,
    ATTEMPTS,
    CAMPAIGNS,
    GOOD,
    IDENTITY,
    LEADS,
    LISTS,
    PATHS,
    USERS,
    ask,
    cursor,
    ids,
    rows,
    walk,
)
from .stage import NOON, Stage

TIMED = {ACTIVITIES: ("created", "created"), ATTEMPTS: ("dialled", "dialled"), LEADS: ("uploaded", "created")}
CALL = {
    "activityId", "parentActivityId", "rootActivityId", "activityStatusId", "activityStatusName", "source",
    "destination", "campaignId", "campaignName", "agentInteractionId", "agentId", "agentFullName", "wrapCode",
    "wrapDescription", "durations", "timestamps", "recordingStatus", "recordingMetadata", "voicemailMetadata", "survey",
}  # fmt: skip
DIALLED = {"attemptId", "dialStatusId", "dialStatusName", "phoneIndex", "phoneNumber", "leadId"}
FIELDS = {
    ATTEMPTS: DIALLED | {"timestamps", "type", "campaignId", "campaignName", "activityId", "parentActivityId",
                         "rootActivityId"},
    LEADS: {"leadId", "campaignId", "campaignName", "listId", "listName", "timezone", "completed", "customerKey",
            "agentId", "agentFullName", "dataFields", "lastStatusCode", "lastStatusDescription", "phones",
            "outcomeType", "outcomesInfo", "timestamps"},
    LISTS: {"id", "name", "campaignId", "campaignName", "inDialler", "weight", "timestamps"},
    USERS: {"userId", "userTimezone", "firstName", "lastName", "username", "isLoggedIn", "userType", "email", "teams",
            "assignedCampaigns", "status", "timeInStatus", "accountIsActive"},
    CAMPAIGNS: {"campaignId", "campaignTitle", "campaignDescription", "campaignType", "campaignGroupName", "isRunning",
                "allowTransferToAnyPhone", "ipScapePayDetails"},
}  # fmt: skip
BACKWARDS = {LEADS, LISTS, USERS}


@pytest.mark.parametrize("stream", PATHS)
async def test_the_envelope_and_the_record_are_the_documented_ones(stage: Stage, stream: str) -> None:
    stage.world.put(stream)
    body = (await ask(stage, stream)).json()
    if stream == CAMPAIGNS:
        assert {**body, "data": None} == {"pageNo": 0, "inPage": 1, "perPage": 50, "data": None}
        (row,) = body["data"]
    else:
        links = ["nextUri", "previousUri"] if stream in BACKWARDS else ["nextUri"]
        assert body["metadata"] == dict.fromkeys(links)
        (row,) = body["items"]
    if stream == ACTIVITIES:
        assert row.keys() == {"type", "data"}
        row = row["data"]
    assert row.keys() == FIELDS.get(stream, CALL | {"callQualityScore"})


async def test_calls_of_either_direction_have_their_own_fields_and_spelling_of_offsets() -> None:
    stage = Stage(rate=5, history=timedelta(hours=4))
    stage.later(hours=1)
    found = [row for page in await walk(stage, ACTIVITIES, **ALWAYS) for row in rows(page)]
    inbound = [row["data"] for row in found if row["type"] == "call.inbound"]
    outbound = [row["data"] for row in found if row["type"] == "call.outbound"]
    assert {row["type"] for row in found} > {"call.inbound", "call.outbound", "message.sms"}
    for call in inbound:
        assert call.keys() == CALL | {"callQualityScore"}
        assert call["durations"].keys() == {"ivr", "queue", "hold", "interaction", "wrap", "talk"}
        assert call["timestamps"].keys() == {"created", "joinQueue", "answered", "hangUp", "wrapUp"}
        assert call["timestamps"]["created"].endswith("+1100")
    for call in outbound:
        assert call.keys() == CALL | DIALLED
        assert call["durations"].keys() == {"dial", "interaction"}
        assert call["timestamps"].keys() == {"created", "answered", "hangUp", "wrapUp"}
        assert call["timestamps"]["hangUp"].endswith("+11:00")
    legs = [call for call in inbound if call["parentActivityId"]]
    assert legs
    assert all(call["rootActivityId"] == call["parentActivityId"] == call["activityId"] - 1 for call in legs)


async def test_offsets_follow_sydneys_summer(stage: Stage) -> None:
    for month in (1, 7):
        stage.world.put(LEADS, {"leadId": month, "created": datetime(2025, month, 5, tzinfo=UTC)})
    found = [row["timestamps"]["created"] for row in rows(await ask(stage, LEADS, **ALWAYS))]
    assert found == ["2025-01-05T11:00:00+11:00", "2025-07-05T10:00:00+10:00"]


async def test_who_has_no_token_is_refused_in_json(stage: Stage) -> None:
    url = f"/ipscape/platform-api/v3.0{PATHS[LEADS]}"
    for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": GOOD["Authorization"][7:]}):
        answer = await stage.http.get(url, headers=headers)
        assert answer.status_code == 401
        assert answer.json().keys() == {"resultCode", "result"}


async def test_a_path_without_the_mount_point_is_a_page_for_people(stage: Stage) -> None:
    for path in ("/ipscape/v3.0/leads", "/ipscape/platform-api/platform-api/v3.0/leads", "/ipscape/platform-api/leads"):
        answer = await stage.http.get(path, headers=GOOD)
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (404, "text/html")


@pytest.mark.parametrize("stream", TIMED)
async def test_both_bounds_are_inclusive_to_the_second(stage: Stage, stream: str) -> None:
    verb, field = TIMED[stream]
    for n in (1, 2, 3, 4):
        key = "activityId" if stream == ACTIVITIES else IDENTITY[stream]
        stage.world.put(stream, {key: n, field: NOON + timedelta(seconds=n)})
    first, last = f"{verb}TimestampFrom", f"{verb}TimestampTo"
    two, three = "2026-03-14T19:00:02", "2026-03-14T19:00:03"
    assert ids(await ask(stage, stream, **{first: f"{two}Z", last: f"{three}+00:00"})) == [2, 3]
    assert ids(await ask(stage, stream, **{first: f"{three}+0000"})) == [3, 4]
    assert ids(await ask(stage, stream, **{last: "2026-03-14T21:00:02+02:00"})) == [1, 2]
    assert ids(await ask(stage, stream, **{first: "2026-03-15T06:00:04"})) == [4]  # Sydney's, eleven hours ahead


@pytest.mark.parametrize(
    "query",
    [
        "createdTimestampFrom=2026-03-15T06:00:00+11:00",  # the plus is a space
        "createdTimestampTo=2026-03-15",
        "createdTimestampTo=2026-13-15T00:00:00Z",
        "campaignId=x",
        "cursor=nonsense",
        "cursor=W10",
    ],
)
async def test_what_cannot_be_asked_is_an_error_in_json(stage: Stage, query: str) -> None:
    answer = await ask(stage, ACTIVITIES, f"?{query}")
    assert answer.status_code == 400
    assert answer.json()["resultCode"] == "error"
    assert (await ask(stage, ACTIVITIES, f"?{query.replace('+', '%2B')}")).status_code == (200 if "+" in query else 400)


@pytest.mark.parametrize("stream", TIMED)
async def test_a_list_asked_for_no_time_shows_seven_days(stage: Stage, stream: str) -> None:
    key = "activityId" if stream == ACTIVITIES else IDENTITY[stream]
    for days in (8, 6):
        stage.world.put(stream, {key: days, TIMED[stream][1]: NOON - timedelta(days=days)})
    assert ids(await ask(stage, stream)) == [6]
    assert ids(await ask(stage, stream, **ALWAYS)) == [6, 8]


async def test_lists_are_filtered(stage: Stage) -> None:
    stage.world.put(ACTIVITIES, {"activityId": 1, "type": "call.outbound", "campaignId": 7, "leadId": 5})
    stage.world.put(ACTIVITIES, {"activityId": 2, "campaignId": 8})
    stage.world.put(LEADS, {"leadId": 1, "customerKey": "A", "_phone1": "+61255500001", "lastStatusCode": 28})
    stage.world.put(LEADS, {"leadId": 2, "customerKey": "B", "listId": 4})
    stage.world.put(USERS, {"userId": 1, "accountIsActive": True, "userType": "agent"})
    stage.world.put(USERS, {"userId": 2, "accountIsActive": False, "userType": "user"})
    asked: list[tuple[str, dict[str, Any], list[int]]] = [
        (ACTIVITIES, {"campaignId": 8}, [2]), (ACTIVITIES, {"activityType": "call.outbound"}, [1]),
        (ACTIVITIES, {"leadId": 5}, [1]), (LEADS, {"customerKey": "A"}, [1]), (LEADS, {"listId": 4}, [2]),
        (LEADS, {"statusCode": 28}, [1]), (LEADS, {"phone1": "+61255500001"}, [1]), (USERS, {"userType": "user"}, [2]),
        (USERS, {"accountActive": "true"}, [1]), (USERS, {"accountActive": "0"}, [2]),
        (USERS, {"colour": "red"}, [1, 2]),
    ]  # fmt: skip
    for stream, query, found in asked:
        assert ids(await ask(stage, stream, **query)) == found, query
    assert (await ask(stage, USERS, accountActive="perhaps")).status_code == 400


@pytest.mark.parametrize("stream", PATHS)
async def test_pages_are_fifty_rows_by_key_and_the_link_carries_only_the_last_one(stage: Stage, stream: str) -> None:
    key = "activityId" if stream == ACTIVITIES else IDENTITY[stream]
    for n in range(120, 0, -1):
        stage.world.put(stream, {key: n})
    pages = await walk(stage, stream, **ALWAYS)
    found = [ids(page) for page in pages]
    assert [len(page) for page in found] == [50, 50, 20]
    assert found[0] == list(range(1, 51))
    link = pages[0].json()["metadata"]["nextUri"]
    assert link == f"/v3.0{PATHS[stream]}?cursor=eyJpZCI6NTB9"
    assert json.loads(b64decode(cursor(pages[0]) or "")) == {"id": 50}
    if stream == CAMPAIGNS:
        told = [(page.json()["pageNo"], page.json()["inPage"]) for page in pages]
        assert told == [(0, 50), (1, 50), (2, 20)]
        assert "metadata" not in pages[-1].json()
    if stream in BACKWARDS:
        back = await ask(stage, stream, **ALWAYS, cursor=cursor(pages[2], "previousUri"))
        assert ids(back) == found[1]


async def test_the_filters_have_to_be_sent_again_with_a_cursor(stage: Stage) -> None:
    for n in range(1, 61):
        stage.world.put(ACTIVITIES, {"activityId": n, "created": NOON - timedelta(days=30)})
    first = await ask(stage, ACTIVITIES, **ALWAYS)
    assert ids(await ask(stage, ACTIVITIES, cursor=cursor(first))) == []
    assert len(ids(await ask(stage, ACTIVITIES, cursor=cursor(first), **ALWAYS))) == 10


@pytest.mark.parametrize("stream", PATHS)
async def test_one_record_by_its_key(stage: Stage, stream: str) -> None:
    one = stage.world.put(stream)
    assert (await ask(stage, stream, f"/{one}")).json() == rows(await ask(stage, stream))[0]
    lost = await ask(stage, stream, "/1")
    assert (lost.status_code, lost.json()["resultCode"]) == (404, "error")


async def test_a_link_to_another_host_is_absolute_and_without_tls(stage: Stage) -> None:
    for _ in range(51):
        stage.world.put(ACTIVITIES)
    stage.vices("ipscape", foreign_next=1.0)
    link = (await ask(stage, ACTIVITIES)).json()["metadata"]["nextUri"]
    assert link.startswith("http://ipscape.example.net/v3.0/activities?cursor=")


@pytest.mark.parametrize("stream", PATHS)
async def test_a_broken_record_has_no_identity_or_no_time_where_the_record_has_it(stage: Stage, stream: str) -> None:
    stage.vices("ipscape", broken_record=1.0)
    for _ in range(40):
        stage.world.put(stream)
    objects = [row for row in rows(await ask(stage, stream)) if isinstance(row, dict)]
    inner = [row["data"] if stream == ACTIVITIES else row for row in objects]
    key, born = ("activityId" if stream == ACTIVITIES else IDENTITY[stream]), TIMED.get(stream, ("", ""))[1]
    nameless = [row for row in inner if row.get(key) is None]
    undated = [row for row in inner if born and row["timestamps"][born] in {"yesterday noon", "0000-00-00 00:00:00"}]
    assert any(key not in row for row in nameless)
    assert any(key in row for row in nameless)
    assert len(nameless) + len(undated) == len(inner) < 40
    assert bool(undated) is bool(born)


async def test_a_good_token_begins_the_count_of_refusals_anew(stage: Stage) -> None:
    stage.vices("ipscape", lockout=1.0)
    for _ in range(3):
        for _ in range(4):
            answer = await stage.http.get(f"/ipscape/platform-api/v3.0{PATHS[LEADS]}")
            assert answer.status_code == 401
        assert (await ask(stage, LEADS)).status_code == 200
