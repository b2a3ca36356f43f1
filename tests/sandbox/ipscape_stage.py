"""How tests ask the simulated ipSCAPE."""

from typing import Any

import httpx

from poller.sandbox.vendors.ipscape import TOKEN

from .stage import Stage

ACTIVITIES, ATTEMPTS, LEADS = "ipscape/activities", "ipscape/dialler_calls", "ipscape/leads"
CAMPAIGNS, LISTS, USERS = "ipscape/campaigns", "ipscape/lead_lists", "ipscape/users"
PATHS = {
    ACTIVITIES: "/activities", ATTEMPTS: "/calls/dialler", LEADS: "/leads", CAMPAIGNS: "/campaigns",
    LISTS: "/leads/lists", USERS: "/users",
}  # fmt: skip
IDENTITY = {ATTEMPTS: "attemptId", LEADS: "leadId", CAMPAIGNS: "campaignId", LISTS: "id", USERS: "userId"}
GOOD = {"Authorization": f"Bearer {TOKEN}"}
ALWAYS = {
    f"{verb}Timestamp{end}": f"{year}-01-01T00:00:00Z"
    for verb in ("created", "dialled", "uploaded")
    for end, year in (("From", 2000), ("To", 2030))
}


async def ask(stage: Stage, stream: str, rest: str = "", **query: Any) -> httpx.Response:
    url = f"/ipscape/platform-api/v3.0{PATHS[stream]}{rest}"
    return await stage.http.get(url, params=query or None, headers=GOOD)


def rows(answer: httpx.Response) -> list[Any]:
    body = answer.json()
    found: list[Any] = body["data"] if "data" in body else body["items"]
    return found


def ids(answer: httpx.Response) -> list[int]:
    return [row["data"]["activityId"] if "data" in row else row[_key(row)] for row in rows(answer)]


def _key(row: dict[str, Any]) -> str:
    names = ("attemptId", "leadId", "userId", "id", "campaignId")
    return next(name for name in names if name in row and not (name == "leadId" and "attemptId" in row))


def cursor(answer: httpx.Response, link: str = "nextUri") -> str | None:
    """The cursor of a link, which carries nothing else."""
    uri = (answer.json().get("metadata") or {}).get(link)
    if not uri:
        return None
    ((name, value),) = httpx.URL(uri).params.multi_items()
    assert name == "cursor"
    return value


async def walk(stage: Stage, stream: str, **query: Any) -> list[httpx.Response]:
    """All pages, the filters sent again with each; at most twenty."""
    pages = [await ask(stage, stream, **query)]
    while (mark := cursor(pages[-1])) and len(pages) < 20:
        pages.append(await ask(stage, stream, **query, cursor=mark))
    return pages
