"""The help desk of the sandbox, and the file that describes it."""

from pathlib import Path
from typing import Any

import yaml

from poller import sandbox
from poller.config.settings import load
from poller.sandbox.accounts import DESCRIBED, account
from poller.sandbox.vendors.helpdesk import TOKEN

from .stage import NOON, Stage

TICKETS = "helpdesk/tickets"
FILE = Path(sandbox.__path__[0]) / "helpdesk.yaml"
GOOD = {"Authorization": f"Bearer {TOKEN}"}


async def asked(stage: Stage, **query: str | int) -> tuple[int, dict[str, Any]]:
    answer = await stage.http.get("/helpdesk/v1/tickets", params=query, headers=GOOD)
    return answer.status_code, answer.json()


async def test_pages_hold_the_newest_change_first_and_the_total() -> None:
    stage = Stage()
    first = stage.world.put(TICKETS)
    for _ in range(4):
        stage.later(minutes=1)
        stage.world.put(TICKETS)
    stage.later(minutes=1)
    stage.world.edit(TICKETS, first)
    status, page = await asked(stage, per_page=3)
    assert (status, page["total"], page["page"], page["per_page"]) == (200, 5, 1, 3)
    (_, second), (_, third) = await asked(stage, per_page=3, page=2), await asked(stage, per_page=3, page=3)
    ids = [str(ticket["id"]) for part in (page, second, third) for ticket in part["tickets"]]
    assert (len(ids), len(set(ids)), ids[0]) == (5, 5, first)


async def test_since_counts_in_and_a_deleted_ticket_keeps_its_place_with_a_mark() -> None:
    stage = Stage()
    old = stage.world.put(TICKETS)
    stage.later(minutes=1)
    stage.world.put(TICKETS)
    stage.later(minutes=1)
    stage.world.delete(TICKETS, old)
    _, found = await asked(stage, updated_since="2026-03-14T19:02:00Z")
    (ticket,) = found["tickets"]
    assert (f"{ticket['id']}", ticket["deleted_at"]) == (old, "2026-03-14T19:02:00Z")


async def test_who_asks_amiss_is_refused_and_told_why() -> None:
    stage = Stage(now=NOON)
    assert await asked(stage, per_page=101) == (400, {"error": "per_page must be a number from 1 to 100"})
    assert (await stage.http.get("/helpdesk/v1/tickets")).status_code == 401


def test_the_file_is_a_configuration_and_what_the_demo_polls() -> None:
    (source,) = load(FILE, {}).sources.values()
    assert source.model_dump() == source.model_validate(account("http://127.0.0.1:8123", DESCRIBED)).model_dump()
    assert set(yaml.safe_load(FILE.read_text())) == {"sources", "outputs"}
