"""How one sees ipSCAPE's own vices."""

from datetime import timedelta
from typing import Any

import httpx

from .ipscape_stage import ACTIVITIES, ALWAYS, CAMPAIGNS, GOOD, PATHS, ask, cursor, ids, walk
from .stage import NOON, Stage

RECENT = {"createdTimestampFrom": "2026-03-10T00:00:00Z"}
AGES_AGO = {"createdTimestampTo": "2026-03-01T00:00:00Z"}


def _sixty(stage: Stage, days: float = 0) -> Stage:
    for n in range(60):
        stage.world.put(ACTIVITIES, {"activityId": n + 1, "created": NOON - timedelta(days=days)})
    return stage


async def _second(stage: Stage, **query: Any) -> httpx.Response:
    first = await ask(stage, ACTIVITIES, **query)
    return await ask(stage, ACTIVITIES, **query, cursor=cursor(first))


async def cursor_repeats(stage: Stage) -> Any:
    first = await ask(_sixty(stage), ACTIVITIES)
    last = await ask(stage, ACTIVITIES, cursor=cursor(first))
    return len(ids(last)) == 10 and cursor(last) == cursor(first)


async def cursor_expires(stage: Stage) -> Any:
    _sixty(stage)
    found = {(await _second(stage)).status_code for _ in range(20)}
    return found == {404, 410} and (await ask(stage, ACTIVITIES)).status_code == 200


async def filters_dropped(stage: Stage) -> Any:
    stage.world.put(ACTIVITIES, {"activityId": 999, "created": NOON - timedelta(days=30)})
    _sixty(stage)
    first, second = await ask(stage, ACTIVITIES, **RECENT), await _second(stage, **RECENT)
    return len(ids(first)) == 50 and 999 in ids(second)


async def filters_in_cursor(stage: Stage) -> Any:
    first = await ask(_sixty(stage, 30), ACTIVITIES, **AGES_AGO)
    alone = await ask(stage, ACTIVITIES, cursor=cursor(first))
    beside = await ask(stage, ACTIVITIES, cursor=cursor(first), **RECENT)
    return len(ids(alone)) == 10 and ids(beside) == ids(alone)


async def cursor_alone(stage: Stage) -> Any:
    first = await ask(_sixty(stage, 30), ACTIVITIES, **AGES_AGO)
    both = await ask(stage, ACTIVITIES, cursor=cursor(first), **AGES_AGO)
    return both.status_code == 400 and len(ids(await ask(stage, ACTIVITIES, cursor=cursor(first)))) == 10


async def empty_page_with_cursor(stage: Stage) -> Any:
    pages = await walk(_sixty(stage), ACTIVITIES, **ALWAYS)
    marks = [cursor(page) for page in pages]
    return [len(ids(page)) for page in pages] == [0, 0, 50, 0, 0, 10] and len(set(marks)) == 6


async def campaigns_metadata(stage: Stage) -> Any:
    stage.world.put(CAMPAIGNS)
    return (await ask(stage, CAMPAIGNS)).json()["metadata"] == {"nextUri": None}


async def lockout(stage: Stage) -> Any:
    url = f"/ipscape/platform-api/v3.0{PATHS[ACTIVITIES]}"
    told = [(await stage.http.get(url, headers={"Authorization": "Bearer no"})).status_code for _ in range(5)]
    locked = (await stage.http.get(url, headers=GOOD)).status_code
    await stage.http.post("/_sandbox/vices", json={})
    return told == [401] * 5 and locked == 403 and (await stage.http.get(url, headers=GOOD)).status_code == 200
