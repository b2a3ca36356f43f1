"""The simulated TrackDrive within reach: how it is asked, and filled by hand."""

from typing import Any

import httpx

from poller.sandbox.vendors import trackdrive

from .stage import Stage

LEADS, CALLS = "trackdrive/leads", "trackdrive/calls"
GOOD = {"Authorization": trackdrive.BASIC, "Accept": "application/json"}


async def ask(stage: Stage, path: str, **query: Any) -> httpx.Response:
    return await stage.http.get(f"/trackdrive/api/v1/{path}", params=query, headers=GOOD)


async def rows(stage: Stage, path: str, **query: Any) -> list[Any]:
    found: list[Any] = (await ask(stage, path, **query)).json()[path]
    return found


async def uuids(stage: Stage, path: str, **query: Any) -> list[str]:
    return [row["uuid"] for row in await rows(stage, path, **query)]


async def walked(stage: Stage, path: str, **query: Any) -> list[int]:
    """Ids, all the way along the cursor."""
    ids, cursor = [], -1
    while cursor:
        body = (await ask(stage, path, **query, cursor=cursor)).json()
        ids += [row["id"] for row in body[path]]
        cursor = body["metadata"]["next_cursor"]
    return ids


def made(stage: Stage, stream: str, *records: dict[str, Any]) -> list[str]:
    return [stage.world.put(stream, record) for record in records]
