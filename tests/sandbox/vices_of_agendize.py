"""How Agendize is asked here, and how its vices show."""

import json
from datetime import timedelta
from typing import Any

import httpx

from poller.sandbox.vendors import agendize

from .stage import NOON, Stage

CALLS = "agendize/calls"
PATH = "/agendize/api/2.0/calls"
GOOD = {"apiKey": agendize.API_KEY, "token": agendize.TOKEN}


async def ask(stage: Stage, **query: Any) -> httpx.Response:
    return await stage.http.get(PATH, params=query, headers=GOOD)


def ids(answer: httpx.Response) -> set[str]:
    found = [row["id"] for row in answer.json()["items"]]
    assert len(found) == len(set(found))
    return set(found)


def made(stage: Stage, number: int, **fields: Any) -> list[str]:
    return [stage.world.put(CALLS, fields) for _ in range(number)]


def at(**units: float) -> str:
    return f"{NOON + timedelta(**units):%Y-%m-%dT%H:%M:%SZ}"


async def found(stage: Stage, **query: Any) -> set[str]:
    return ids(await ask(stage, **query))


async def token(stage: Stage, **query: Any) -> str:
    return str((await ask(stage, **query)).json()["nextSyncToken"])


async def walked(stage: Stage, **query: Any) -> list[httpx.Response]:
    """All pages of a list or a sync."""
    pages = [await ask(stage, **query)]
    while page_token := pages[-1].json().get("nextPageToken"):
        pages.append(await ask(stage, **{**query, "pageToken": page_token}))
    return pages


async def page_tokens(stage: Stage) -> Any:
    everything = set(made(stage, 250))
    pages = await walked(stage, startDate=at(days=-1))
    sizes = [len(ids(page)) for page in pages]
    synced = await walked(stage, syncToken="CA0_1")
    last = [set(page.json()) for page in (pages[-1], synced[-1])] == [{"items", "nextSyncToken"}] * 2
    both = all(set[str]().union(*map(ids, walk)) == everything for walk in (pages, synced))
    return both and last and sizes == [len(ids(page)) for page in synced] == [100, 100, 50]


async def silent_truncation(stage: Stage) -> Any:
    stage.later(hours=2)
    everything = [made(stage, 1, start=NOON + timedelta(seconds=n))[0] for n in range(130)]
    answer, since = await ask(stage, startDate=at(seconds=-1)), await ask(stage, syncToken="CA0_1")
    return ids(answer) == set(everything[30:]) and "nextPageToken" not in answer.json() and len(ids(since)) == 130


async def missing_items(stage: Stage) -> Any:
    none = [(await ask(stage)).json(), (await ask(stage, syncToken="CA0_1")).json()]
    made(stage, 1)
    return all(body.keys() == {"nextSyncToken"} for body in none) and len(await found(stage)) == 1


async def latin1(stage: Stage) -> Any:
    made(stage, 1, externalId="García Łuk")
    answers = [await ask(stage) for _ in range(12)]
    texts = {json.loads(answer.content.decode("latin-1"))["items"][0]["externalId"] for answer in answers}
    types = {answer.headers["Content-Type"] for answer in answers}
    return all(b"Garc\xeda" in answer.content for answer in answers) and (texts, types) == (
        {"García Łuk"},
        {"application/json", "application/json; charset=ISO-8859-1"},
    )


async def no_sync_tokens(stage: Stage) -> Any:
    answers = [await ask(stage), await ask(stage, startDate=at()), await ask(stage, syncToken="CA0_1")]
    return all(answer.json() == {"items": []} for answer in answers)


async def no_token_on_windows(stage: Stage) -> Any:
    whole, window = await ask(stage), await ask(stage, startDate=at())
    return "nextSyncToken" in whole.json() and "nextSyncToken" not in window.json()


async def sync_token_gone(stage: Stage) -> Any:
    since = [await token(stage) for _ in range(4)]
    told = [await ask(stage, syncToken=one) for one in since]
    ways = [(answer.status_code, answer.json()["error"]["code"]) for answer in told]
    stage.vices()
    dead = (await ask(stage, syncToken=since[0])).json()["error"]["code"]
    fresh = (await ask(stage, syncToken=await token(stage))).status_code
    return ways == [(410, 410), (200, 410), (400, 400), (410, 410)] and (dead, fresh) == (410, 200)
