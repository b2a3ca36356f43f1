"""Every vice, switched on, shows; and only then."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from poller.sandbox import flextell
from poller.sandbox.vices import RATES, Vices

from .stage import ALL_CALLS, CALLS, GOOD_LEADS, LEADS, NOON, Stage, ids

Check = Callable[[Stage], Awaitable[Any]]


def both(stage: Stage, number: int = 4) -> Stage:
    """So many records with each vendor, ten seconds apart, all visible by now."""
    for n in range(number):
        stage.world.put(CALLS, {"call_id": f"{n}"})
        stage.world.put(LEADS, {"id": n})
        stage.later(seconds=10)
    return stage


async def answers(stage: Stage, times: int = 20) -> list[httpx.Response]:
    """Both vendors asked so many times."""
    found = []
    for _ in range(times):
        found += [await stage.calls(**ALL_CALLS), await stage.leads()]
    return found


async def shifting_pages(stage: Stage) -> Any:
    both(stage, 20)
    for _ in range(5):
        await stage.calls(**ALL_CALLS, show=5, page=2)
        await stage.leads(per_page=5, page=2)
    calls, leads = stage.world.truth(CALLS), stage.world.truth(LEADS)
    return (
        len(calls) > 20
        and len(leads) > 20
        and any(call.vanished for call in calls.values())
        and any(len(lead.versions) > 1 for lead in leads.values())
    )


async def tied_stamps(stage: Stage) -> Any:
    for n in range(5):
        stage.world.put(CALLS, {"call_id": f"{n}", "start_datetime": NOON})
    stage.world.edit(CALLS, "0", {"last_modified": NOON + timedelta(seconds=1)})
    stage.later(seconds=5)
    stamps = [version.record["last_modified"] for version in stage.world.truth(CALLS)["0"].versions]
    orders = {tuple(ids(answer)) for answer in (await answers(stage, 10))[::2]}
    return len(orders) > 1 and Counter(stamps)["2026-03-14 12:00:01"] == 2


async def lagging_replica(stage: Stage) -> Any:
    both(stage)
    stage.world.edit(CALLS, "1", {"revenue": 99})
    stage.later(seconds=10)
    seen = [call.get("revenue") for answer in (await answers(stage))[::2] for call in answer.json()["call"]]
    short = [answer for answer in await answers(stage) if len(ids(answer)) < 4]
    honest = {answer.headers["Date"] for answer in await answers(stage)} == {"Sat, 14 Mar 2026 19:00:50 GMT"}
    return 99 in seen and len(set(seen)) > 1 and len(short) > 1 and honest


async def sliding_presets(stage: Stage) -> Any:
    for n in range(60):
        stage.world.put(CALLS, {"call_id": f"{n}", "start_datetime": NOON - timedelta(seconds=300 - n)})
    query = {"search_range": "last5minutes", "order": "oldest", "show": 10}
    pages = [await stage.calls(**query, page=page) for page in (1, 2)]
    return ids(pages[0])[-1] == "9" and ids(pages[1])[0] != "10"


async def sick_replica(stage: Stage) -> Any:
    both(stage)
    return all(answer.status_code == 200 and ids(answer) == [] for answer in await answers(stage, 2))


async def wrong_page_size(stage: Stage) -> Any:
    both(stage)
    calls, leads = (await stage.calls(**ALL_CALLS, show=4)).json(), (await stage.leads(per_page=4)).json()
    return (
        len(calls["call"]) == calls["pagination"]["show"] == 2 == calls["pagination"]["last_page"]
        and len(leads["data"]) == leads["meta"]["per_page"] == 2 == leads["meta"]["last_page"]
    )


async def silent_page_cap(stage: Stage) -> Any:
    both(stage)
    calls, leads = (await stage.calls(**ALL_CALLS)).json(), (await stage.leads()).json()
    return (
        (len(calls["call"]), calls["pagination"]["records_returned"]) == (2, 4)
        and (len(leads["data"]), leads["meta"]["to"], leads["meta"]["per_page"]) == (2, 4, 15)
    )  # fmt: skip


async def shrinking_total(stage: Stage) -> Any:
    both(stage, 12)
    calls = [(await stage.calls(**ALL_CALLS, show=1, page=page)).json() for page in (1, 2)]
    leads = [(await stage.leads(per_page=1, page=page)).json() for page in (1, 2)]
    return (
        calls[0]["pagination"]["total_records"] > calls[1]["pagination"]["total_records"]
        and leads[0]["meta"]["total"] > leads[1]["meta"]["total"]
    )


async def wrong_zone(stage: Stage) -> Any:
    both(stage)
    body = (await stage.calls(**ALL_CALLS)).json()
    times = {call["last_modified"] for call in body["call"]}
    return body["search"]["timezone"] != "US/Arizona" and "2026-03-14 14:00:00" in times


async def empty_404(stage: Stage) -> Any:
    answer = await stage.calls()
    both(stage)
    return answer.status_code == 404 and "status" in answer.json() and (await stage.calls()).status_code == 200


async def short_end_day(stage: Stage) -> Any:
    both(stage)
    days = {"search_startdate": "2026-03-01", "search_enddate": "2026-03-14"}
    return ids(await stage.calls(**days)) == [] and len(ids(await stage.calls(**ALL_CALLS))) == 4


async def signed_recordings(stage: Stage) -> Any:
    both(stage)
    urls = [(await stage.calls(call_id="1")).json()["call"][0]["recording"] for _ in range(2)]
    unsigned = stage.world.truth(CALLS)["1"].versions[0].record["recording"]
    return urls[0] != urls[1] and all(url.partition("?")[0] == unsigned for url in urls)


async def foreign_next(stage: Stage) -> Any:
    both(stage)
    url = httpx.URL((await stage.leads(per_page=1, sort_by="last_name")).json()["links"]["next"])
    return url.host != "sandbox" and url.scheme == "http" and dict(url.params) == {"page": "2"}


async def token_rotation(stage: Stage) -> Any:
    one = (await stage.refresh(flextell.REFRESH_TOKEN)).json()
    old_dies = (await stage.refresh(flextell.REFRESH_TOKEN)).status_code == 400
    two = (await stage.refresh(one["refresh_token"])).json()
    got = []
    for token in (flextell.ACCESS_TOKEN, one["access_token"], two["access_token"]):
        headers = {**GOOD_LEADS, "Authorization": f"Bearer {token}"}
        got.append((await stage.http.get("/flextell/api/v1/leads", headers=headers)).status_code)
    return old_dies and got == [401, 401, 200]


async def odd_record(stage: Stage) -> Any:
    both(stage, 30)
    types: dict[str, set[type]] = {}
    for row in (await stage.calls(**ALL_CALLS)).json()["call"] + (await stage.leads(per_page=100)).json()["data"]:
        for name, value in row.items():
            types.setdefault(name, set()).add(type(value))
    leaves = ("caller", "duration", "accounts", "action", "is_converted", "status")
    odd = [name for name in leaves if len(types[name]) > 1]
    raw = (await stage.calls(**ALL_CALLS)).text + (await stage.leads(per_page=100)).text
    spelled = all(text in raw for text in ('"revenue":1.10', r"\u00e9", r"\ud83d\ude00", r"\/", ".000000Z"))
    return len(odd) == 6 and spelled and truth_agrees(stage, CALLS, (await stage.calls(**ALL_CALLS)).json()["call"])


def truth_agrees(stage: Stage, stream: str, rows: list[Any]) -> Any:
    told = [version.record for history in stage.world.truth(stream).values() for version in history.versions]
    return all(row in told for row in rows)


async def broken_record(stage: Stage) -> Any:
    both(stage, 40)
    rows = (await stage.calls(**ALL_CALLS)).json()["call"]
    objects = [row for row in rows if isinstance(row, dict)]
    return (
        len(objects) < len(rows)
        and any("call_id" not in row for row in objects)
        and any("call_id" in row and row["call_id"] is None for row in objects)
        and {row["start_datetime"] for row in objects} >= {"yesterday noon", "0000-00-00 00:00:00"}
        and any(not isinstance(row, dict) for row in (await stage.leads(per_page=100)).json()["data"])
        and truth_agrees(stage, CALLS, rows)
        and all("broken_record" in call.versions[0].vices for call in stage.world.truth(CALLS).values())
    )


async def new_field(stage: Stage) -> Any:
    both(stage)
    rows = (await stage.calls(**ALL_CALLS)).json()["call"] + (await stage.leads()).json()["data"]
    return all("beta_score" in row for row in rows)


async def null_dates(stage: Stage) -> Any:
    both(stage, 10)
    rows = (await stage.leads()).json()["data"]
    gone = Counter(name for row in rows for name in ("created_at", "last_synced_at") if row[name] is None)
    return gone.total() >= 10 and len(gone) == 2 and rows[0]["created_at"] is None


async def pretty_body(stage: Stage) -> Any:
    both(stage)
    found = await answers(stage, 1)
    return all("\n  " in answer.text and len(ids(answer)) == 4 for answer in found)


async def html_200(stage: Stage) -> Any:
    found = await answers(stage)
    return all(
        answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html") and "<html" in answer.text
        for answer in found
    )


async def error_in_body(stage: Stage) -> Any:
    calls, leads = await stage.calls(), await stage.leads()
    return (
        calls.status_code == leads.status_code == 200
        and calls.json().keys() == {"status", "message"}
        and calls.json()["status"] != "success"
        and leads.json().keys() == {"error", "message"}
    )


async def server_error(stage: Stage) -> Any:
    found = await answers(stage)
    return {answer.status_code for answer in found} == {500, 502, 503} and (
        0 < sum("Retry-After" in answer.headers for answer in found) < len(found)
    )


async def throttle(stage: Stage) -> Any:
    found = await answers(stage)
    waits = {answer.headers["Retry-After"] for answer in found if answer.status_code == 429}
    return waits == {"2", "Sat, 14 Mar 2026 19:00:02 GMT"} and len(found) == 40


async def unauthorized(stage: Stage) -> Any:
    calls, leads = await stage.calls(), await stage.leads()
    return calls.json()["status"] == "unauthorized" and (calls.status_code, leads.status_code) == (401, 401)


async def forbidden(stage: Stage) -> Any:
    return [answer.status_code for answer in await answers(stage, 1)] == [403, 403]


async def cut_off(stage: Stage) -> Any:
    both(stage)
    failed = 0
    for _ in range(20):
        try:
            (await stage.calls(**ALL_CALLS)).json()
        except (httpx.TransportError, json.JSONDecodeError):
            failed += 1
    return failed == 20


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        shifting_pages, tied_stamps, lagging_replica, sliding_presets, sick_replica, wrong_page_size, silent_page_cap,
        shrinking_total, wrong_zone, empty_404, short_end_day, signed_recordings, foreign_next, token_rotation,
        odd_record, broken_record, new_field, null_dates, pretty_body, html_200, error_in_body, server_error, throttle,
        unauthorized, forbidden,
    )
} | {"stall": cut_off, "reset": cut_off, "short_body": cut_off}  # fmt: skip


def test_every_vice_is_checked_here() -> None:
    assert CHECKS.keys() == RATES.keys()


@pytest.mark.parametrize("vice", RATES)
async def test_a_vice_shows(stage: Stage, vice: str) -> None:
    stage.world.vices.set({"*": {vice: 1.0, "stall_seconds": 0.001}})
    assert await CHECKS[vice](stage)


@pytest.mark.parametrize("vice", RATES)
async def test_without_the_vice_it_does_not(stage: Stage, vice: str) -> None:
    stage.world.vices.set({"*": dict.fromkeys(RATES, 0.0)})
    try:
        shows = await CHECKS[vice](stage)
    except KeyError:  # an answer that is no error has no `status: unauthorized`, no Retry-After ...
        shows = False
    assert not shows


async def test_a_vice_happens_as_often_as_its_rate_says() -> None:
    vices = Vices(5, {"*": {"reset": 0.25}, "callcap": {"reset": 0.75}})
    counts = {name: sum(vices.strikes(name, "reset") for _ in range(4000)) for name in ("callcap", "flextell")}
    assert 2900 < counts["callcap"] < 3100
    assert 900 < counts["flextell"] < 1100


async def test_the_same_seed_misbehaves_the_same() -> None:
    runs = []
    for seed in (1, 1, 2):
        stage = both(Stage(seed))
        stage.vices(throttle=0.2, lagging_replica=0.3, wrong_zone=0.3)
        runs.append([answer.text for answer in await answers(stage)])
    assert runs[0] == runs[1] != runs[2]


async def test_a_cut_off_answer_is_a_failed_request_in_process(stage: Stage) -> None:
    stage.vices(reset=1.0)
    for _ in range(8):
        with pytest.raises(httpx.ReadError):
            await stage.leads()


async def test_a_refresh_that_took_effect_is_always_answered(stage: Stage) -> None:
    """Else the only good refresh token would be lost, which no client could help."""
    token = flextell.REFRESH_TOKEN
    for _ in range(60):
        stage.vices(token_rotation=1.0, reset=0.5, short_body=0.5, stall=0.3, server_error=0.2, stall_seconds=0.001)
        try:
            answer = await stage.refresh(token)
        except httpx.ReadError:
            continue
        if answer.status_code == 200:
            token = answer.json()["refresh_token"]
    stage.vices(token_rotation=1.0)
    assert token != flextell.REFRESH_TOKEN
    assert (await stage.refresh(token)).status_code == 200


async def test_a_throttled_client_is_told_when_to_come_back_as_a_date(stage: Stage) -> None:
    stage.vices(throttle=1.0, retry_seconds=90)
    dates = {answer.headers["Retry-After"] for answer in await answers(stage)} - {"90"}
    assert [parsedate_to_datetime(date) for date in dates] == [NOON + timedelta(seconds=90)]


async def test_bulk_imports_share_their_stamps() -> None:
    stage = Stage(rate=5)
    stage.vices(tied_stamps=0.8)
    stage.later(hours=1)
    starts = Counter(call.versions[0].record["created_at"] for call in stage.world.truth(LEADS).values())
    assert max(starts.values()) > 5
    assert len(starts) > 100
