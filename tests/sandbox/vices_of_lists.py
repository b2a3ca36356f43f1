"""How one sees that a list moves under its reader, or lies."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx

from poller.sandbox.vendors import flextell, trackdrive

from .stage import ALL_CALLS, CALLS, GOOD_LEADS, LEADS, NOON, Stage, answers, both, ids


async def shifting_pages(stage: Stage) -> Any:
    both(stage, 20)
    for _ in range(5):
        await stage.calls(**ALL_CALLS, show=5, page=2)
        await stage.leads(per_page=5, page=2)
    calls, leads = stage.world.truth(CALLS), stage.world.truth(LEADS)
    return (
        len(calls) > 20
        and len(leads) > 20
        and any(call.deletion_event for call in calls.values())
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
    query: dict[str, Any] = {"search_range": "last5minutes", "order": "oldest", "show": 10}
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


async def csv_imports(stage: Stage) -> Any:
    headers = {"Authorization": trackdrive.BASIC}
    rows = (await stage.http.get("/trackdrive/api/v1/leads?per_page=1000", headers=headers)).json()["leads"]
    stamps = Counter(datetime.fromisoformat(row["created_at"]).replace(microsecond=0) for row in rows)
    written = min(stamps, default=NOON)
    return (
        len(stamps) == 1
        and 150 <= stamps[written] <= 300
        and NOON - timedelta(minutes=31) < written < NOON - timedelta(seconds=59)
    )
