"""The simulated Flextell against its documentation, https://docs.flextell.ai/api-reference/introduction."""

from datetime import timedelta
from typing import Any

import pytest

from poller.sandbox.vendors import flextell

from .stage import GOOD_LEADS, LEADS, NOON, Stage, ids

RECORD = {
    "id", "first_name", "last_name", "full_name", "phone_number", "email", "description", "message",
    "preferred_contact", "source_page_url", "country_id", "is_converted", "converted_at", "customer_id",
    "marketing_attribution", "external_id", "external_branch_id", "external_created_at", "last_synced_at",
    "import_source_id", "created_at", "updated_at", "deleted_at", "status", "reference_source", "assigned_user",
    "country_name",
}  # fmt: skip
HERE = "http://sandbox/flextell/api/v1/leads"


def leads(stage: Stage, *rows: dict[str, Any]) -> list[int]:
    return [int(stage.world.put(LEADS, row)) for row in rows]


async def test_the_envelope_and_the_record_are_the_documented_ones(stage: Stage) -> None:
    leads(stage, {}, {}, {})
    body = (await stage.leads(per_page=2, page=1, sort_by="created_at", sort_order="asc")).json()
    assert body.keys() == {"data", "links", "meta"}
    assert body["data"][0].keys() == RECORD
    assert body["data"][0]["created_at"] == "2026-03-14T19:00:00Z"
    assert body["data"][0]["status"].keys() == {"id", "name", "slug", "color", "is_terminal"}
    assert body["data"][0]["reference_source"].keys() == {"id", "name", "external_id"}
    assert body["data"][0]["assigned_user"].keys() == {"id", "name"}
    two = f"{HERE}?page=2"
    assert body["links"] == {"first": f"{HERE}?page=1", "last": two, "prev": None, "next": two}
    meta = body["meta"]
    assert meta.pop("links")[0] == {"url": None, "label": "&laquo; Previous", "active": False}
    assert meta == {"current_page": 1, "from": 1, "last_page": 2, "path": HERE, "per_page": 2, "to": 2, "total": 3}


async def test_links_carry_nothing_but_the_page(stage: Stage) -> None:
    """The trap: who follows them reads page 2 in another order and size."""
    leads(stage, *({} for _ in range(40)))
    first = (await stage.leads(per_page=10, sort_order="asc")).json()
    followed = (await stage.http.get(first["links"]["next"], headers=GOOD_LEADS)).json()
    assert followed["meta"]["per_page"] == 15
    assert set(ids(await stage.leads(per_page=10, sort_order="asc", page=2))) != {row["id"] for row in followed["data"]}


async def test_beyond_the_last_page_there_is_nothing(stage: Stage) -> None:
    for rows in (0, 3):
        leads(stage, *({} for _ in range(rows)))
        answer = await stage.leads(page=9)
        assert answer.status_code == 200
        assert (answer.json()["data"], answer.json()["meta"]["from"], answer.json()["meta"]["to"]) == ([], None, None)
        assert answer.json()["meta"]["total"] == rows


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": 0},
        {"per_page": 101},
        {"per_page": "many"},
        {"trashed": "true"},
        {"converted": "false"},
        {"sort_by": "updated_at"},
        {"sort_order": "down"},
        {"lead_status_id": "new"},
        {"search": "x" * 256},
    ],
)
async def test_what_does_not_validate_is_422(stage: Stage, query: dict[str, Any]) -> None:
    answer = await stage.leads(**query)
    assert answer.status_code == 422
    assert answer.json().keys() == {"message", "errors"}
    assert answer.json()["errors"].keys() == query.keys()


async def test_unknown_parameters_are_ignored(stage: Stage) -> None:
    leads(stage, {})
    assert len(ids(await stage.leads(limit=1, cursor="x", updated_after="2030-01-01"))) == 1


async def test_without_a_good_token_nobody_gets_in(stage: Stage) -> None:
    for bad in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": flextell.ACCESS_TOKEN}):
        answer = await stage.http.get("/flextell/api/v1/leads", headers={"Accept": "application/json", **bad})
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


async def test_who_does_not_ask_for_json_is_sent_to_a_login_page(stage: Stage) -> None:
    answer = await stage.http.get("/flextell/api/v1/leads")
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://sandbox/login")


async def test_another_tenant_is_not_found(stage: Stage) -> None:
    for tenant in ({"X-Tenant": "43"}, {"X-Tenant": ""}):
        answer = await stage.http.get("/flextell/api/v1/leads", headers={**GOOD_LEADS, **tenant})
        assert answer.status_code == 404


async def test_rate_limits_are_told_and_kept(stage: Stage) -> None:
    stage.vices("flextell", rate_limit=2)
    answers = [await stage.leads() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["X-RateLimit-Limit"] == "2"
    assert answers[0].headers["X-RateLimit-Reset"] == f"{int(NOON.timestamp()) + 60}"
    assert answers[2].headers["Retry-After"] == "60"
    stage.later(seconds=60)
    assert (await stage.leads()).status_code == 200


async def test_the_defaults_are_fifteen_live_leads_newest_first(stage: Stage) -> None:
    made = leads(stage, *({"created_at": NOON + timedelta(seconds=n)} for n in range(17)))
    stage.world.delete(LEADS, f"{made[-1]}")
    answer = await stage.leads()
    assert ids(answer) == list(reversed(made[:-1]))[:15]
    assert answer.json()["meta"]["per_page"] == 15


@pytest.mark.parametrize(("order", "places"), [("asc", [1, 2, 0, 3]), ("desc", [3, 0, 2, 1])])
async def test_every_sort_works_both_ways_nulls_first_when_descending(
    stage: Stage, order: str, places: list[int]
) -> None:
    times = [NOON, NOON - timedelta(hours=2), NOON - timedelta(hours=1), None]
    made = leads(stage, *({"converted_at": time, "last_synced_at": time, "created_at": time} for time in times))
    for column in ("created_at", "converted_at", "last_synced_at"):
        assert ids(await stage.leads(sort_by=column, sort_order=order)) == [made[place] for place in places]


async def test_leads_can_be_sorted_by_name(stage: Stage) -> None:
    made = leads(stage, {"last_name": "B", "first_name": "X"}, {"last_name": "A", "first_name": "Y"})
    assert ids(await stage.leads(sort_by="last_name", sort_order="asc")) == [made[1], made[0]]
    assert ids(await stage.leads(sort_by="first_name", sort_order="asc")) == made


async def test_the_filters_filter(stage: Stage) -> None:
    plain, done, other = leads(
        stage,
        {"full_name": "Pat Example"},
        {"is_converted": True, "full_name": "Kim"},
        {"status": flextell.STATUSES[2], "full_name": "Kim"},
    )
    assert ids(await stage.leads(converted=1)) == [done]
    assert set(ids(await stage.leads(converted=0))) == {plain, other}
    assert ids(await stage.leads(lead_status_id=3)) == [other]
    assert ids(await stage.leads(search="pat ex")) == [plain]
    assert len(ids(await stage.leads(converted="", trashed="", lead_status_id=""))) == 3


async def test_trashed_leads_are_in_a_list_of_their_own_until_restored(stage: Stage) -> None:
    kept, thrown = leads(stage, {}, {})
    stage.later(minutes=5)
    stage.world.delete(LEADS, f"{thrown}")
    assert (ids(await stage.leads()), ids(await stage.leads(trashed=0))) == ([kept], [kept])
    trashed = await stage.leads(trashed=1)
    assert ids(trashed) == [thrown]
    assert trashed.json()["data"][0]["deleted_at"] == "2026-03-14T19:05:00Z"
    stage.world.edit(LEADS, f"{thrown}", {"deleted_at": None})
    assert set(ids(await stage.leads())) == {kept, thrown}
    assert ids(await stage.leads(trashed=1)) == []


async def test_one_lead_by_its_id(stage: Stage) -> None:
    (lead,) = leads(stage, {})
    body = (await stage.leads(f"/{lead}")).json()
    assert (body["success"], body["data"]["id"]) == (True, lead)
    assert (await stage.leads("/1")).status_code == 404


async def with_token(stage: Stage, token: str) -> int:
    headers = {**GOOD_LEADS, "Authorization": f"Bearer {token}"}
    return (await stage.http.get("/flextell/api/v1/leads", headers=headers)).status_code


async def test_a_refresh_token_buys_an_access_token_for_a_while(stage: Stage) -> None:
    stage.vices("flextell", token_seconds=60)
    bought = (await stage.refresh(flextell.REFRESH_TOKEN)).json()
    assert (bought["token_type"], bought["expires_in"]) == ("Bearer", 60)
    assert bought["refresh_token"] == flextell.REFRESH_TOKEN
    assert await with_token(stage, bought["access_token"]) == 200
    stage.later(seconds=60)
    assert await with_token(stage, bought["access_token"]) == 401
    assert await with_token(stage, flextell.ACCESS_TOKEN) == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"refresh_token": "nonsense"}, 400, "invalid_grant"),
        ({"client_secret": "nonsense"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_bad_refresh_is_refused(stage: Stage, form: dict[str, str], status: int, error: str) -> None:
    answer = await stage.refresh(flextell.REFRESH_TOKEN, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
