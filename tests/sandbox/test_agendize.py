"""The simulated Agendize against its documentation, https://developers.agendize.com/v2/calls/reference/index.jsp."""

from datetime import timedelta

import pytest

from poller.sandbox.vendors import agendize

from .stage import NOON, Stage
from .vices_of_agendize import CALLS, GOOD, PATH, ask, at, found, ids, made, token, walked


async def test_the_envelope_and_the_record_are_the_documented_ones(stage: Stage) -> None:
    fields = {"start": NOON, "duration": 143, "_zone": "US/Eastern", "_text": False, "_mine": False}
    url, number = "https://recordings.example.com/1.mp3", "+18195550123"
    shown = {"clientId": "50113", "status": "completed", "externalId": "crm-9981", "type": "callTracking"}
    called = {"callerNumber": "+15145550101", "calledNumber": "+15145550199", "trackingNumber": number}
    stage.world.put(CALLS, {**fields, **shown, **called, "id": "1", "buttonId": None, "record": url})
    answer = await ask(stage)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {"items", "nextSyncToken"}
    (row,) = answer.json()["items"]
    start = {"dateTime": "2026-03-14T15:00:00", "timeZone": "US/Eastern"}
    record = {"mimeType": "audio/mpeg", "url": url}
    assert row == {"id": "1", **shown, **called, "start": start, "duration": 143, "record": record}
    assert row == stage.world.truth(CALLS)["1"].versions[0].record


async def test_without_good_credentials_nobody_gets_in(stage: Stage) -> None:
    bearer = {"Authorization": f"Bearer {agendize.ACCESS_TOKEN}"}
    bad: tuple[dict[str, str], ...] = (
        {}, {"apiKey": agendize.API_KEY}, {"token": agendize.TOKEN}, {**GOOD, "token": "no"},
        {"Authorization": "Bearer no"}, {"Authorization": agendize.ACCESS_TOKEN},
    )  # fmt: skip
    for headers in bad:
        answer = await stage.http.get(PATH, headers=headers, params=GOOD)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
        assert answer.json()["error"].keys() == {"code", "reason", "message"}
    for headers in (GOOD, bearer):
        assert (await stage.http.get(PATH, headers=headers)).status_code == 200


async def test_both_bounds_are_exclusive_one_of_the_start_and_one_of_the_end(stage: Stage) -> None:
    stage.later(hours=1)
    (call,) = made(stage, 1, start=NOON, duration=60)
    (unknown,) = made(stage, 1, start=NOON, duration=None)
    (rung,) = made(stage, 1, start=NOON, duration=0)
    assert await found(stage, startDate=at(seconds=-1)) == {call, unknown, rung}
    assert await found(stage, startDate=at()) == set()
    assert await found(stage, endDate=at(seconds=61)) == {call, rung}
    assert await found(stage, endDate=at(seconds=60)) == {rung}
    assert await found(stage, endDate=at()) == set()
    assert await found(stage, startDate="2026-03-14T14:59:59-04:00", endDate=at(seconds=61)) == {call, rung}
    assert await found(stage, startDate=at(hours=1), endDate=at(hours=-1)) == set()


async def test_search_looks_at_numbers_and_a_tool_is_one_of_them(stage: Stage) -> None:
    (one,) = made(stage, 1, callerNumber=None, trackingNumber="+18195550777", _tool="1")
    (two,) = made(stage, 1, calledNumber="+15145550888", _tool="2")
    assert [await found(stage, search=text) for text in ("0777", "0888", "nobody")] == [{one}, {two}, set()]
    assert [await found(stage, toolId=tool) for tool in ("1", "2", "3")] == [{one}, {two}, set()]


@pytest.mark.parametrize(
    "query",
    [
        {"startDate": "yesterday"},
        {"startDate": "2026-03-14"},
        {"endDate": "2026-03-14T15:00:00"},
        {"endDate": "2026-03-14T15:00:00 01:00"},
        {"pageToken": "2"},
    ],
)
async def test_what_cannot_be_read_is_400(stage: Stage, query: dict[str, str]) -> None:
    answer = await ask(stage, **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)
    assert next(iter(query)) in answer.json()["error"]["message"]


async def test_what_nobody_knows_is_ignored(stage: Stage) -> None:
    (call,) = made(stage, 1)
    assert await found(stage, endStart=at(days=-9), limit=0, startDate="") == {call}


async def test_a_list_is_in_no_order_but_the_same_each_time(stage: Stage) -> None:
    for n in range(30):
        made(stage, 1, start=NOON - timedelta(minutes=n))
    starts = [[row["id"] for row in (await ask(stage)).json()["items"]] for _ in range(2)]
    assert starts[0] == starts[1]
    assert starts[0] not in (sorted(starts[0]), sorted(starts[0], reverse=True))


async def test_a_sync_token_brings_what_changed_since_whatever_its_start(stage: Stage) -> None:
    old, edited, deleted = made(stage, 3)
    since = await token(stage)
    assert await found(stage, syncToken=since) == set()
    (late,) = made(stage, 1, start=NOON - timedelta(days=300))
    stage.world.edit(CALLS, edited, {"status": "message"})
    stage.world.delete(CALLS, deleted)
    first = await ask(stage, syncToken=since)
    assert ids(first) == {late, edited}
    again = first.json()["nextSyncToken"]
    stage.later(minutes=1)
    stage.world.edit(CALLS, late)
    stage.world.edit(CALLS, late)
    assert await found(stage, syncToken=again) == {late}
    assert await found(stage, syncToken=since) == {late, edited}
    assert old not in await found(stage, syncToken=since)
    assert stage.world.truth(CALLS)[deleted].deletion_event == NOON


async def test_a_list_with_filters_has_a_token_too_but_none_takes_filters(stage: Stage) -> None:
    window = {"startDate": at(hours=1)}
    since = await token(stage, **window)
    (call,) = made(stage, 1, start=NOON - timedelta(days=1))
    assert await found(stage, syncToken=since) == {call}
    for name in ("startDate", "endDate", "search", "toolId"):
        answer = await ask(stage, syncToken=since, **{name: at()})
        assert (answer.status_code, name in answer.json()["error"]["message"]) == (400, True)


@pytest.mark.parametrize("unknown", ["CAff_1", "opaque", "CA-1_1"])
async def test_an_unknown_sync_token_is_gone(stage: Stage, unknown: str) -> None:
    answer = await ask(stage, syncToken=unknown)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, 410)


async def test_the_token_of_a_walk_is_as_old_as_its_first_page(stage: Stage) -> None:
    made(stage, 250)
    since = await token(stage)
    stage.vices("agendize", page_tokens=1.0)
    first = (await ask(stage)).json()
    (meanwhile,) = made(stage, 1, start=NOON - timedelta(days=1))
    assert first.keys() == {"items", "nextPageToken"}
    *_, last = await walked(stage, pageToken=first["nextPageToken"])
    assert meanwhile in await found(stage, syncToken=last.json()["nextSyncToken"])
    stage.world.edit(CALLS, meanwhile)
    pages = await walked(stage, syncToken=since)
    assert [ids(page) for page in pages] == [{meanwhile}]


@pytest.mark.parametrize("vice", ["lagging_replica", "sick_replica"])
async def test_no_token_is_newer_than_what_was_shown(stage: Stage, vice: str) -> None:
    """Else a change that a lagging copy does not know of would be lost to who follows the tokens."""
    shown, since = set[str](), await token(stage)
    everything = set[str]()
    for _ in range(40):
        everything |= set(made(stage, 1))
        stage.vices("agendize", **{vice: 0.7})
        synced, listed = await ask(stage, syncToken=since), await ask(stage)
        shown, since = shown | ids(synced), synced.json()["nextSyncToken"]
        stage.vices()
        if vice == "lagging_replica":
            assert everything - ids(listed) <= await found(stage, syncToken=listed.json()["nextSyncToken"])
        stage.later(seconds=7)
    assert shown < everything
    assert shown | await found(stage, syncToken=since) == everything


async def test_the_vices_of_all_lists_and_answers_are_here_too(stage: Stage) -> None:
    made(stage, 150, record="https://recordings.example.com/1.mp3")
    stage.vices("agendize", signed_recordings=1.0)
    urls = [(await ask(stage)).json()["items"][0]["record"]["url"] for _ in range(2)]
    assert urls[0] != urls[1]
    assert {url.partition("?")[0] for url in urls} == {"https://recordings.example.com/1.mp3"}
    stage.vices("agendize", error_in_body=1.0)
    answer = await ask(stage)
    assert (answer.status_code, answer.json()["error"]["code"], "items" in answer.json()) == (200, 500, False)
    stage.vices("agendize", page_tokens=1.0, shifting_pages=1.0)
    before = stage.world.changes(CALLS)
    for query in ({}, {"syncToken": "CA0_1"}):
        assert len(await walked(stage, **query)) > 1
        assert stage.world.changes(CALLS) > before
        before = stage.world.changes(CALLS)


async def test_odd_records_lack_a_zone_or_have_an_unknown_one(stage: Stage) -> None:
    stage.vices("agendize", odd_record=1.0)
    made(stage, 80, start=NOON, _zone="Europe/Paris")
    rows = (await ask(stage)).json()["items"]
    starts = {(row["start"]["dateTime"][11:16], row["start"].get("timeZone")) for row in rows}
    assert starts == {("20:00", "Europe/Paris"), ("20:00", "Eastern Standard Time"), ("15:00", None)}
    assert {type(row["id"]) for row in rows} == {str, int}
    stage.vices("agendize", broken_record=1.0)
    made(stage, 40)
    times = [row["start"]["dateTime"] for row in (await ask(stage)).json()["items"] if isinstance(row, dict)]
    assert {"yesterday noon", "0000-00-00 00:00:00"} <= set(times)
