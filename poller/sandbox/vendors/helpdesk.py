"""A help desk of no vendor in particular: a list of tickets as many APIs document theirs, to be polled by `type: rest`.

`GET /v1/tickets?updated_since=&per_page=&page=`, newest change first; how many there are in all is in each answer.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from poller.sandbox.api import query as asked
from poller.sandbox.api.backend import Desk, Vendor, json_answer
from poller.sandbox.api.date_ranges import ALWAYS
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, Version, View, second

TOKEN = "sandbox-helpdesk-token"
SUBJECTS = ("Where is my order?", "The invoice is wrong", "I cannot log in", "Please call me back")
PRIORITIES = ("low", "normal", "urgent")
STATES = ("open", "pending", "solved")


def _ticket(n: int, at: datetime, rng: Random) -> Fields:
    first, last = names.name(rng)
    return {
        "id": 5000 + n, "created_at": second(at), "updated_at": second(at), "deleted_at": None, "status": "new",
        "url": f"/tickets/{5000 + n}", "subject": rng.choice(SUBJECTS), "priority": rng.choice(PRIORITIES),
        "requester": {"name": f"{first} {last}", "email": f"customer{n}@example.com"},
        "assignee": None, "tags": [], "minutes_spent": 0, "satisfaction": None,
    }  # fmt: skip


def _touch(at: datetime, rng: Random) -> Fields:
    worked = {"status": rng.choice(STATES), "minutes_spent": rng.randint(1, 600), "assignee": rng.choice(names.FIRST)}
    return {**worked, "tags": rng.sample(("vip", "refund", "bug"), rng.randint(0, 2)), "updated_at": second(at)}


def _bury(at: datetime) -> Fields:
    return {"deleted_at": second(at), "updated_at": second(at)}


def _life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield a ticket's life: it comes up, is worked on, and now and then is deleted, which leaves a mark."""
    yield Change(at + _commit_lag(rng), _ticket(n, at, rng))
    step = at
    for _ in range(rng.randint(0, 3)):
        step += timedelta(seconds=10 + rng.expovariate(1 / 900))
        yield Change(step + _commit_lag(rng), _touch(step, rng))
    if rng.random() < 0.05:
        step += timedelta(minutes=rng.uniform(1, 60))
        yield Change(step + _commit_lag(rng), _bury(step))


def _commit_lag(rng: Random) -> timedelta:
    """Draw the time between a row's stamp and the moment when it can be seen."""
    return timedelta(seconds=rng.uniform(0.1, 4))


def _show(ticket: Fields, view: View) -> Fields:
    return dict(ticket)


TICKETS = Kind(
    name="helpdesk/tickets",
    key="id",
    born="created_at",
    stamp="updated_at",
    life=_life,
    blank=_ticket,
    touch=_touch,
    show=_show,
    bury=_bury,
    deleted=lambda ticket: ticket["deleted_at"] is not None,
    odd=(
        lambda ticket: {"requester": None, "priority": 3},
        lambda ticket: {"minutes_spent": MONEY, "subject": ESCAPED},
        lambda ticket: {"assignee": {"id": 7}, "tags": "vip"},
        lambda ticket: {"status": None, "created_at": f"{ticket['created_at']:%Y-%m-%dT%H:%M:%S}.000+00:00"},
    ),
)


def _list(desk: Desk, query: asked.Query) -> Response:
    page, size = asked.number(query, "page", 1, 10**9), asked.number(query, "per_page", 20, 100)
    since = datetime.fromisoformat(query.get("updated_since", "1970-01-01T00:00:00Z"))
    since, _ = desk.bounds(since if since.tzinfo else since.replace(tzinfo=UTC), ALWAYS[1])

    def sift(rows: list[Version]) -> list[Version]:
        found = [row for row in rows if row.fields["updated_at"] >= since]
        return sorted(found, key=lambda row: (row.fields["updated_at"], row.fields["id"]), reverse=True)

    cut = desk.cut(desk.find(TICKETS, page, since, sift), page, size)
    return desk.answer({
        "tickets": [orjson.Fragment(row.raw(TICKETS, ())) for row in cut.rows],
        "total": cut.total, "page": page, "per_page": cut.size,
    })  # fmt: skip


def refusal(status: int, message: str) -> Response:
    """Return an error as the help desk words it."""
    return json_answer({"error": message}, status)


def _routes(desk: Desk) -> list[BaseRoute]:
    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(401, "Your token is invalid")
        try:
            return _list(desk, request.query_params)
        except ValueError as error:
            return refusal(400, str(error))

    return [Route("/v1/tickets", answer)]


VENDOR = Vendor("helpdesk", (TICKETS,), _routes, refusal)
