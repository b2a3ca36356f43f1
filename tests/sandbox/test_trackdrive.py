"""The simulated TrackDrive against its documentation, https://trackdrive.com/api/docs/1.0/calls/index.html."""

from datetime import timedelta
from typing import Any

import pytest

from poller.sandbox.vendors import trackdrive

from .stage import NOON, Stage
from .trackdrive_stage import CALLS, GOOD, LEADS, ask, made, rows, uuids, walked


async def test_the_envelope_and_the_record_are_the_documented_ones(stage: Stage) -> None:
    at = NOON.replace(microsecond=317_000)
    (lead,) = made(stage, LEADS, {"created_at": at, "id": 7, "revenue": 0.0})
    body = (await ask(stage, "leads")).json()
    assert body.keys() == {"status", "errors", "leads", "checksum", "metadata"}
    assert (body["status"], body["errors"]) == (200, {})
    assert body["metadata"] == {"root": "leads", "total_count": 1}
    (row,) = body["leads"]
    assert (row["uuid"], row["created_at"], row["revenue"]) == (lead, "2026-03-14T15:00:00.317-04:00", "0.0")
    assert (row["type"], row["deleted_at"], row["human_status"], row["has_next_action"]) == (
        "Lead", None, "Scheduled", True
    )  # fmt: skip
    assert row["caller_id"].startswith("+1")
    assert row["data"].keys() == {"loan_amount"}
    assert row == stage.world.truth(LEADS)[lead].versions[0].record


async def test_calls_have_tokens_as_columns_and_money_as_text_or_number(stage: Stage) -> None:
    made(stage, CALLS, {"id": 1, "revenue": 10.5}, {"id": 2, "revenue": 10.5})
    body = (await ask(stage, "calls", per_page=2)).json()
    assert body["metadata"] == {"root": "calls", "total_count": 2, "next_cursor": 0}
    assert [(row["id"], row["revenue"]) for row in body["calls"]] == [(2, 10.5), (1, "10.5")]
    assert body["calls"][0]["token-interest"] == "auto"
    assert body["calls"][0] in [call.versions[0].record for call in stage.world.truth(CALLS).values()]


async def test_root_false_drops_all_but_the_rows_and_columns_most_of_these(stage: Stage) -> None:
    made(stage, LEADS, {})
    for path in ("leads", "calls", "change_logs"):
        assert isinstance((await ask(stage, path, root="false")).json(), list)
        assert path in (await ask(stage, path, root="true")).json()
    (row,) = await rows(stage, "leads", columns="id,uuid,status,number")
    assert row.keys() == {"id", "uuid", "status"}


@pytest.mark.parametrize("path", ["leads", "calls", "change_logs", "leads/x", "leads/1/id", "calls/1"])
async def test_without_a_good_key_nobody_gets_in(stage: Stage, path: str) -> None:
    for bad in ({}, {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}, {"Authorization": trackdrive.BASIC[6:]}):
        answer = await stage.http.get(f"/trackdrive/api/v1/{path}", headers=bad)
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (401, "text/html")


async def test_the_key_is_the_pair_joined_by_a_colon(stage: Stage) -> None:
    pair = (trackdrive.PUBLIC_KEY, trackdrive.PRIVATE_KEY)
    assert (await stage.http.get("/trackdrive/api/v1/leads", auth=pair)).status_code == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("leads", {"page": 0}),
        ("leads", {"per_page": "many"}),
        ("leads", {"created_at_from": "yesterday"}),
        ("leads", {"next_action_at_to": "2026-02-30 00:00:00 +0000"}),
        ("calls", {"page": 11}),
        ("change_logs", {"page": 11}),
        ("calls", {"cursor": "next"}),
        ("calls", {"order": "colour", "page": 1}),
        ("calls", {"order_dir": "down"}),
    ],
)
async def test_what_does_not_validate_is_422(stage: Stage, path: str, query: dict[str, Any]) -> None:
    answer = await ask(stage, path, **query)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    assert list(answer.json()["errors"]) == [next(iter(query))]


async def test_one_record_by_its_names(stage: Stage) -> None:
    (lead,), (call,) = made(stage, LEADS, {"id": 5}), made(stage, CALLS, {"id": 6})
    body = (await ask(stage, f"leads/{lead}")).json()
    assert (body["lead"]["uuid"], body["metadata"]) == (lead, {"root": "lead"})
    assert (await ask(stage, "leads/5/id")).json()["lead"]["uuid"] == lead
    for name in (call, "6"):
        assert (await ask(stage, f"calls/{name}")).json()["call"]["uuid"] == call
    for path in ("leads/5", f"leads/{lead}/id", "calls/5", "nothing"):
        answer = await ask(stage, path)
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (404, "text/html")


@pytest.mark.parametrize("column", ["created_at", "next_action_at"])
async def test_bounds_are_whole_seconds_and_hold_their_own_millisecond(stage: Stage, column: str) -> None:
    """The trap: what lies within the last second of a window is in neither of two neighbours."""
    times = {ms: NOON + timedelta(milliseconds=ms) for ms in (-1, 0, 400, 999, 1000)}
    by_uuid = {made(stage, LEADS, {column: time})[0]: ms for ms, time in times.items()}

    async def found(**bounds: str) -> list[int]:
        query = {f"{column}_{end}": text for end, text in bounds.items()}
        return sorted(by_uuid[uuid] for uuid in await uuids(stage, "leads", **query))

    assert await found(to="2026-03-14 19:00:00 +0000") == [-1, 0]
    assert await found(**{"from": "2026-03-14 19:00:00 UTC"}) == [0, 400, 999, 1000]
    assert await found(**{"from": "2026-03-14 19:00:01.999 -0000"}) == [1000]
    assert await found(**{"from": "2026-03-14 15:00:00 -0400", "to": "2026-03-14 15:00:01 -04:00"}) == [
        0,
        400,
        999,
        1000,
    ]


async def test_a_lead_without_next_action_is_not_within_any_span(stage: Stage) -> None:
    made(stage, LEADS, {"next_action_at": None})
    assert await rows(stage, "leads", next_action_at_from="2000-01-01 00:00:00 +0000") == []


async def test_a_naked_plus_is_a_space_and_the_zone_is_lost(stage: Stage) -> None:
    made(stage, LEADS, {"created_at": NOON})  # 15:00 in New York
    for sent, zone, number in (
        ("%2B0000", "", 1), ("+0000", "", 0), ("", "", 0), ("", "&time_zone=UTC", 1), ("+0000", "&time_zone=UTC", 1),
        ("", "&time_zone=Mars", 0), ("%2B0000", "&time_zone=Asia/Tokyo", 1),
    ):  # fmt: skip
        url = f"/trackdrive/api/v1/leads?created_at_to=2026-03-14%2019:00:01%20{sent}{zone}"
        late = f"/trackdrive/api/v1/leads?created_at_from=2026-03-14%2018:59:59%20{sent}{zone}"
        found = [len((await stage.http.get(one, headers=GOOD)).json()["leads"]) for one in (url, late)]
        assert found == ([1, 1] if number else [1, 0]), (sent, zone)


async def test_leads_come_25_a_page_in_no_order_but_the_same_each_time(stage: Stage) -> None:
    made(stage, LEADS, *({"created_at": NOON + timedelta(seconds=n)} for n in range(60)))
    pages = [await rows(stage, "leads", page=page) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [25, 25, 10, 0]
    times = [row["created_at"] for page in pages for row in page]
    assert len(set(times)) == 60
    assert times not in (sorted(times), sorted(times, reverse=True))
    assert times == [row["created_at"] for row in await rows(stage, "leads", per_page=100)]
    stage.vices("trackdrive", tied_stamps=1)
    assert len({tuple(await uuids(stage, "leads")) for _ in range(5)}) == 5


async def test_the_vices_of_pages_show(stage: Stage) -> None:
    made(stage, LEADS, *({} for _ in range(8)))
    made(stage, CALLS, *({} for _ in range(8)))
    for vice in ("wrong_page_size", "silent_page_cap"):
        stage.vices("trackdrive", **{vice: 1})
        body = (await ask(stage, "leads", per_page=8)).json()
        assert (len(body["leads"]), body["metadata"]["total_count"]) == (4, 8)
        assert len(set(await walked(stage, "calls", per_page=4))) == 8
    stage.vices("trackdrive", sick_replica=1)
    assert [await rows(stage, path) for path in ("leads", "calls", "change_logs")] == [[], [], []]
    stage.vices("trackdrive", error_in_body=1)
    answer = await ask(stage, "leads")
    assert (answer.status_code, answer.json()["status"], "leads" in answer.json()) == (200, 500, False)


async def test_soft_deleted_leads_stay_listed_and_expired_ones_vanish(stage: Stage) -> None:
    kept, expired = made(stage, LEADS, {}, {"expires_in": 5})
    stage.later(minutes=5)
    stage.world.delete(LEADS, kept)
    stage.world.delete(LEADS, expired, vanish=True)
    (row,) = await rows(stage, "leads")
    assert (row["uuid"], row["deleted_at"]) == (kept, "2026-03-14T15:05:00.000-04:00")
    assert stage.world.truth(LEADS)[kept].versions[-1].deleted
    assert (await ask(stage, f"leads/{expired}")).status_code == 404


async def test_a_cursor_leads_through_calls_newest_first_whatever_comes_meanwhile(stage: Stage) -> None:
    made(stage, CALLS, *({"id": n} for n in range(1, 8)))
    first = (await ask(stage, "calls", cursor=-1, per_page=3, order="created_at", order_dir="asc")).json()
    assert ([row["id"] for row in first["calls"]], first["metadata"]["next_cursor"]) == ([7, 6, 5], 5)
    made(stage, CALLS, {"id": 8})
    assert [row["id"] for row in await rows(stage, "calls", cursor=5, per_page=3)] == [4, 3, 2]
    assert (await ask(stage, "calls", cursor=2)).json()["metadata"]["next_cursor"] == 0
    assert await walked(stage, "calls", per_page=4) == [8, 7, 6, 5, 4, 3, 2, 1]


async def test_calls_can_be_ordered_where_page_is_used(stage: Stage) -> None:
    stage.later(hours=1)
    for n, ended in enumerate((NOON, None, NOON - timedelta(hours=1)), 1):
        made(stage, CALLS, {"id": n, "ended_at": ended, "updated_at": NOON + timedelta(minutes=n % 3)})
    for order, ids in (("end_time", [2, 3, 1]), ("updated_at", [3, 1, 2])):
        for direction, wanted in (("asc", ids), ("desc", ids[::-1])):
            body = (await ask(stage, "calls", page=1, order=order, order_dir=direction)).json()
            assert [row["id"] for row in body["calls"]] == wanted
            assert "next_cursor" not in body["metadata"]
    assert [row["id"] for row in await rows(stage, "calls", ended_at_from="2026-03-14 19:00:00 +0000")] == [1]
    assert [row["id"] for row in await rows(stage, "calls", page=2, per_page=2, order="updated_at")] == [2]
