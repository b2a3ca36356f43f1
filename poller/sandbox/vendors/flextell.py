"""Flextell's v1 leads list and its OAuth tokens, simulated from its public documentation (https://docs.flextell.ai).

Where that is silent it behaves like a stock Laravel application on PostgreSQL: 15 rows a page, newest first, nulls
first when descending, 1 and 0 for booleans, 422 for what does not validate, 200 and no rows beyond the last page.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from poller.sandbox.api.backend import Desk, Slice, Vendor, json_answer
from poller.sandbox.api.oauth import Tokens
from poller.sandbox.api.query import Query
from poller.sandbox.api.rate_limit import Budget
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, Version, second

TENANT = 42
ACCESS_TOKEN = "sandbox-flextell-access-token"
CLIENT_ID = "sandbox-flextell-client"
CLIENT_SECRET = "sandbox-flextell-secret"
REFRESH_TOKEN = "def50200-sandbox-flextell-refresh"

STATUSES = tuple(
    {"id": n, "name": name, "slug": name.lower(), "color": "#94a3b8", "is_terminal": n > 2}
    for n, name in enumerate(("New", "Contacted", "Won", "Lost"), 1)
)
SOURCES = tuple({"id": n, "name": name, "external_id": None} for n, name in ((1, "Web"), (2, "Instagram")))
USERS = tuple({"id": n, "name": name} for n, name in ((8, "Dana"), (9, "Ümit"), (10, "Chloé")))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SORTS = ("created_at", "last_name", "first_name", "converted_at", "last_synced_at")
BOOLEANS = {"1": True, "0": False, "": None}
CODES = {403: "forbidden", 404: "not_found", 429: "too_many_requests"}


def _blank(n: int, created: datetime, rng: Random) -> Fields:
    first, last = names.name(rng)
    created, imported = second(created), rng.random() < 0.4
    return {
        "id": 5000 + n, "first_name": first, "last_name": last, "full_name": f"{first} {last}",
        "phone_number": f"+90555000{rng.randrange(10_000):04}", "email": f"lead{n}@example.com", "description": None,
        "message": "Please call me", "preferred_contact": rng.choice(("phone", "email", "whatsapp")),
        "source_page_url": "https://example.com/form", "country_id": 90, "is_converted": False, "converted_at": None,
        "customer_id": None, "marketing_attribution": [], "external_id": f"fb-{n}" if imported else None,
        "external_branch_id": None, "external_created_at": created - 5 * MINUTE if imported else None,
        "last_synced_at": None if rng.random() < 0.03 else created, "import_source_id": 3 if imported else None,
        "created_at": created, "updated_at": created, "deleted_at": None, "status": STATUSES[0],
        "reference_source": rng.choice(SOURCES), "assigned_user": rng.choice(USERS), "country_name": "Example Country",
    }  # fmt: skip


DEEDS: tuple[tuple[float, timedelta, Callable[[datetime, Random], Fields]], ...] = (
    (0.50, 10 * MINUTE, lambda at, rng: {"status": STATUSES[1], "updated_at": at}),
    (0.30, 30 * MINUTE, lambda at, rng: {"assigned_user": rng.choice(USERS), "updated_at": at}),
    (0.25, 15 * MINUTE, lambda at, rng: {"last_synced_at": at}),
    (0.10, 3 * HOUR, lambda at, rng: {"last_synced_at": at, "message": f"Again at {at:%H:%M}", "updated_at": at}),
    (0.15, 3 * HOUR, lambda at, rng: {"is_converted": True, "converted_at": at, "customer_id": rng.randrange(10**6),
                                      "status": STATUSES[2], "updated_at": at}),
    (0.05, 5 * DAY, lambda at, rng: {"status": STATUSES[3], "description": "Gave up", "updated_at": at}),
    (0.03, 2 * HOUR, lambda at, rng: {"assigned_user": {"id": 8, "name": "Dana K."}}),  # a rename moves no stamp
)  # fmt: skip
"""Each a probability, a delay on average, and what somebody does to a lead then."""


def _life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield a lead's life: a form or an import (some back-dated) brings it; people work on it, or throw it away."""
    backdated = timedelta(seconds=rng.expovariate(1 / 40_000)) if rng.random() < 0.04 else timedelta()
    seen = at + timedelta(seconds=rng.uniform(0, 2))
    yield Change(seen, _blank(n, at - backdated, rng) | {"updated_at": second(at)})
    for chance, wait, deed in DEEDS:
        if rng.random() < chance:
            done = seen + timedelta(seconds=0.5) + rng.expovariate(1) * wait
            yield Change(done, deed(second(done), rng))
    fate = rng.random()
    if fate < 0.07:
        trashed = seen + rng.expovariate(1) * (3 * HOUR if fate < 0.05 else timedelta(seconds=20))
        yield Change(trashed, _bury(trashed))
        if fate < 0.02:
            restored = trashed + rng.expovariate(1) * HOUR
            yield Change(restored, {"deleted_at": None, "updated_at": second(restored)})
    elif fate < 0.073:
        yield Change(seen + HOUR + rng.random() * DAY, None)


def _touch(at: datetime, rng: Random) -> Fields:
    return {"message": f"Note {rng.randrange(10**6)}", "updated_at": second(at)}


def _bury(at: datetime) -> Fields:
    return {"deleted_at": second(at), "updated_at": second(at)}


def _micros(lead: Fields) -> Fields:
    return {name: f"{value:%Y-%m-%dT%H:%M:%S}.000000Z" for name, value in lead.items() if isinstance(value, datetime)}


LEADS = Kind(
    name="flextell/leads",
    key="id",
    born="created_at",
    stamp="updated_at",
    life=_life,
    blank=_blank,
    touch=_touch,
    show=lambda lead, view: dict(lead),
    bury=_bury,
    deleted=lambda lead: lead["deleted_at"] is not None,
    nullable=("created_at", "last_synced_at"),
    odd=(
        _micros,
        lambda lead: {"is_converted": "1" if lead["is_converted"] else "0"},
        lambda lead: {"is_converted": "true" if lead["is_converted"] else "false", "country_id": "90"},
        lambda lead: {"is_converted": int(lead["is_converted"]), "marketing_attribution": [{"cost": MONEY}]},
        lambda lead: {"status": None, "reference_source": None, "assigned_user": None},
        lambda lead: {"full_name": ESCAPED, "phone_number": 905550000},
    ),
)

FILTERS: Mapping[str, Callable[[Fields], Any]] = {
    "lead_status_id": lambda lead: lead["status"]["id"],
    "lead_reference_source_id": lambda lead: lead["reference_source"]["id"],
}


def _complaints(query: Query) -> dict[str, list[str]]:
    allowed = {"sort_by": (*SORTS, ""), "sort_order": ("asc", "desc", ""), "converted": BOOLEANS, "trashed": BOOLEANS}
    wrong = [name for name, words in allowed.items() if query.get(name, "") not in words]
    wrong += [name for name in FILTERS if not (query.get(name) or "0").isdecimal()]
    per_page = query.get("per_page", "15")
    if not per_page.isdecimal() or not 1 <= int(per_page) <= 100:
        wrong.append("per_page")
    if len(query.get("search", "")) > 255:
        wrong.append("search")
    return {name: [f"The {name.replace('_', ' ')} field is invalid."] for name in wrong}


def _sifted(rows: list[Version], query: Query) -> list[Version]:
    trashed, converted = BOOLEANS[query.get("trashed", "")] is True, BOOLEANS[query.get("converted", "")]
    rows = [row for row in rows if row.deleted is trashed]
    if converted is not None:
        rows = [row for row in rows if row.fields["is_converted"] is converted]
    for name, value in FILTERS.items():
        if query.get(name):
            rows = [row for row in rows if value(row.fields) == int(query[name])]
    if search := query.get("search", "").lower():
        rows = [row for row in rows if search in f"{row.fields['full_name']} {row.fields['email']}".lower()]
    return _sorted(rows, query.get("sort_by") or "created_at", query.get("sort_order") != "asc")


def _sorted(rows: list[Version], column: str, descending: bool) -> list[Version]:
    nulls = [row for row in rows if row.fields[column] is None]
    dated = [row for row in rows if row.fields[column] is not None]
    dated.sort(key=lambda row: row.fields[column], reverse=descending)
    return nulls + dated if descending else dated + nulls


def _list(desk: Desk, request: Request) -> Response:
    query = request.query_params
    if wrong := _complaints(query):
        return json_answer({"message": next(iter(wrong.values()))[0], "errors": wrong}, 422)
    page = query.get("page", "")
    number = max(1, int(page)) if page.isdecimal() else 1
    key = tuple(sorted((name, value) for name, value in query.items() if name not in {"page", "per_page"}))
    cut = desk.cut(
        desk.find(LEADS, number, key, lambda rows: _sifted(rows, query)), number, int(query.get("per_page", "15"))
    )
    leads = [orjson.Fragment(row.raw(LEADS, ())) for row in cut.rows]
    path = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    return desk.answer({"data": leads, **_envelope(cut, path, "http://flextell.example.net/api/v1/leads"
                                                   if desk.strikes("foreign_next") else path)})  # fmt: skip


def _envelope(cut: Slice, path: str, next_path: str) -> Fields:
    """Return the envelope of a page as Laravel makes it: its links carry nothing but the page."""

    def link(page: int, label: str) -> Fields:
        there = next_path if page > cut.page else path
        url = f"{there}?page={page}" if 1 <= page <= cut.last_page else None
        return {"url": url, "label": label, "active": page == cut.page}

    back, on = link(cut.page - 1, "&laquo; Previous"), link(cut.page + 1, "Next &raquo;")
    numbers = [link(n, f"{n}") for n in range(1, min(cut.last_page, 10) + 1)]
    first = (cut.page - 1) * cut.size + 1 if cut.claimed else None
    ends = {"first": f"{path}?page=1", "last": f"{path}?page={cut.last_page}"}
    return {
        "links": {**ends, "prev": back["url"], "next": on["url"]},
        "meta": {
            "current_page": cut.page, "from": first, "last_page": cut.last_page, "links": [back, *numbers, on],
            "path": path, "per_page": cut.size, "to": first and first + cut.claimed - 1, "total": cut.total,
        },
    }  # fmt: skip


def refusal(status: int, message: str) -> Response:
    """Return an error in Flextell's own words."""
    if status == 401:
        return json_answer({"message": "Unauthenticated."}, 401)
    return json_answer({"error": CODES.get(status, "server_error"), "message": message}, status)


def _answer(desk: Desk, tokens: Tokens, request: Request) -> Response:
    if not tokens.good(request.headers.get("authorization", "")):
        browser = "json" not in request.headers.get("accept", "")
        return RedirectResponse(request.url.replace(path="/login", query=""), 302) if browser else refusal(401, "")
    if request.headers.get("x-tenant") != str(TENANT):
        return refusal(404, "Tenant not found.")
    if "id" not in request.path_params:
        return _list(desk, request)
    wanted = request.path_params["id"]
    lead = desk.find(LEADS, 1, wanted, lambda rows: [row for row in rows if str(row.fields["id"]) == wanted])
    if not lead:
        return refusal(404, "Lead not found.")
    return desk.answer({"success": True, "data": orjson.Fragment(lead[0].raw(LEADS, ()))})


def _routes(desk: Desk) -> list[BaseRoute]:
    tokens = Tokens(desk, ACCESS_TOKEN, REFRESH_TOKEN, {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    budget = Budget(desk)

    async def leads(request: Request) -> Response:
        limits = budget.spent()
        late = "Retry-After" in limits
        answer = refusal(429, "Too Many Attempts.") if late else _answer(desk, tokens, request)
        answer.headers.update(limits)
        return answer

    async def lost(request: Request) -> Response:
        return refusal(404, "Not found.")

    lists = [Route(f"/api/v1/leads{rest}", leads) for rest in ("", "/{id}")]
    return [*lists, Route("/oauth/token", tokens.endpoint, methods=["POST"]), Route("/{path:path}", lost)]


VENDOR = Vendor("flextell", (LEADS,), _routes, refusal)
