"""A clock in hand, a world on it, and both vendors within reach, in process."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.sandbox.vendors import callcap, flextell

NOON = datetime(2026, 3, 14, 19, 0, tzinfo=UTC)  # noon in Arizona, a Saturday
CALLS, LEADS = "callcap/calls", "flextell/leads"
ALL_CALLS = {"search_timezone": "US/Arizona", "search_startdate": "2000-01-01", "search_enddate": "2030-01-01"}
GOOD_LEADS = {
    "Authorization": f"Bearer {flextell.ACCESS_TOKEN}",
    "X-Tenant": f"{flextell.TENANT}",
    "Accept": "application/json",
}


class Stage:
    """An empty world at noon, unless told otherwise."""

    def __init__(self, seed: int = 7, rate: float = 0, history: timedelta = timedelta(), now: datetime = NOON) -> None:
        self.now = now
        self.world = new_world(seed, rate, lambda: self.now, history)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(sandbox(self.world)), base_url="http://sandbox", trust_env=False
        )

    def later(self, **units: float) -> datetime:
        self.now += timedelta(**units)
        return self.now

    def vices(self, vendor: str = "*", **values: float) -> None:
        self.world.vices.set({vendor: values})

    async def calls(self, path: str = "", **query: Any) -> httpx.Response:
        key = {"Authorization": f"Bearer {callcap.API_KEY}"}
        return await self.http.get(f"/callcap/v2/get/calls/{path}", params=query, headers=key)

    async def leads(self, path: str = "", **query: Any) -> httpx.Response:
        return await self.http.get(f"/flextell/api/v1/leads{path}", params=query, headers=GOOD_LEADS)

    async def refresh(self, token: str, **form: str) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "client_id": flextell.CLIENT_ID,
            "client_secret": flextell.CLIENT_SECRET,
            "refresh_token": token,
            **form,
        }
        return await self.http.post("/flextell/oauth/token", data=form)


def ids(response: httpx.Response) -> list[Any]:
    """Identities in the order of the answer."""
    body = response.json()
    return [row["call_id"] for row in body["call"]] if "call" in body else [row["id"] for row in body["data"]]


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
