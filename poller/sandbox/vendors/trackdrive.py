"""TrackDrive's v1 lists of leads, calls and changes, simulated from its public documentation (https://trackdrive.com).

Where that is silent: bounds include their own millisecond; a bound without an offset is read in `time_zone`, else in
the company's; leads come in no order, but in the same one each time; a cursor is an id, newest first, and overrules
`order`; calls and changes are limited to 10 pages where `page` is used; any `per_page` is good.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import md5
from zlib import crc32

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from poller.sandbox.api import query as asked
from poller.sandbox.api.backend import Desk, Vendor, json_answer
from poller.sandbox.api.date_ranges import ALWAYS
from poller.sandbox.api.query import Query
from poller.sandbox.vendors.trackdrive_calls import CALLS
from poller.sandbox.vendors.trackdrive_leads import LEADS
from poller.sandbox.vendors.trackdrive_log import ENTRIES, ChangeLog
from poller.sandbox.vendors.trackdrive_records import COMPANY_ZONE
from poller.sandbox.world.records import Fields, Kind, Version, second

PUBLIC_KEY = "sandbox-trackdrive-public-key"
PRIVATE_KEY = "sandbox-trackdrive-private-key"
BASIC = f"Basic {b64encode(f'{PUBLIC_KEY}:{PRIVATE_KEY}'.encode()).decode()}"
TIME = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.\d+)? *(.*)")
OFFSET = re.compile(r"Z|[+-]\d\d:?\d\d")
SPANS = {
    LEADS.name: ("created_at", "next_action_at"),
    CALLS.name: ("created_at", "ended_at"),
    ENTRIES.name: ("created_at",),
}
SAME = {
    LEADS.name: ("status", "email", "offer_id", "schedule_id", "traffic_source_id", "buyer_id"),
    CALLS.name: ("id", "status", "offer_id", "traffic_source_id", "buyer_id"),
    ENTRIES.name: (),
}
ORDERS = {
    "updated_at": "updated_at", "created_at": "created_at", "end_time": "ended_at", "status": "status",
    "total_duration": "total_duration", "hold_duration": "hold_duration", "ivr_duration": "ivr_duration",
    "answered_duration": "answered_duration", "agent_duration": "agent_duration", "revenue": "revenue",
    "payout": "payout", "caller_number": "caller_number", "number_id": "number_id", "offer_id": "offer_id",
    "traffic_source_id": "traffic_source_id", "sub_id": "sub_id",
}  # fmt: skip
WHOLE = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

Wanted = tuple[tuple[tuple[str, datetime, datetime], ...], tuple[tuple[str, str], ...]]
"""Two maps: columns with the times they lie within, and columns with the text of their value."""


def _instant(query: Query, name: str) -> datetime | None:
    """Return a bound, in whole seconds. A `+` that was not encoded came as a space: no offset, and so another zone."""
    if not (text := query.get(name)):
        return None
    found = TIME.fullmatch(text)
    try:
        local, offset = datetime.fromisoformat(found[1] if found else text), found[2] if found else ""
    except ValueError:
        raise ValueError(f"{name} is not a time") from None
    offset = offset.replace("UTC", "Z")
    if OFFSET.fullmatch(offset):
        return datetime.fromisoformat(f"{local}{offset}")
    zone = query.get("time_zone", COMPANY_ZONE)
    return local.replace(tzinfo=asked.zone(zone if zone in asked.ZONES else COMPANY_ZONE))


def _wanted(desk: Desk, query: Query, kind: Kind) -> Wanted:
    spans = [(name, _instant(query, f"{name}_from"), _instant(query, f"{name}_to")) for name in SPANS[kind.name]]
    return (
        tuple((name, *desk.bounds(start or ALWAYS[0], end or ALWAYS[1])) for name, start, end in spans if start or end),
        tuple((name, query[name]) for name in SAME[kind.name] if query.get(name)),
    )


def _sifted(rows: Sequence[Version], wanted: Wanted) -> list[Version]:
    spans, same = wanted

    def fits(row: Fields) -> bool:
        within = all(row[name] is not None and start <= row[name] <= end for name, start, end in spans)
        return within and all(f"{row[name]}" == text for name, text in same)

    return [row for row in rows if fits(row.fields)]


def _id(row: Version) -> int:
    return int(row.fields["id"])


def _leads(desk: Desk, query: Query) -> Response:
    page, size, wanted = _number(query, "page", 1), _number(query, "per_page", 25), _wanted(desk, query, LEADS)
    if desk.strikes("csv_imports"):
        _import(desk)
    salt = f"{desk.rng.random()}" if desk.strikes("tied_stamps") else ""

    def sift(rows: list[Version]) -> list[Version]:
        return sorted(_sifted(rows, wanted), key=lambda row: crc32(f"{salt}{row.fields['uuid']}".encode()))

    cut = desk.cut(desk.find(LEADS, page, (wanted, salt), sift), page, size)
    return _reply(desk, query, "leads", LEADS, cut.rows, {"total_count": cut.total})


def _import(desk: Desk) -> None:
    """Import a file of leads; a job that began a while ago wrote its rows, and commits them now."""
    written, file = second(desk.now() - timedelta(seconds=desk.rng.uniform(60, 1800))), desk.rng.randrange(10**6)
    for _ in range(desk.rng.randint(150, 300)):
        at = written + timedelta(milliseconds=desk.rng.randrange(1000))
        desk.world.put(LEADS.name, {"updated_at": at, "lead_import_id": file}, at=at)


def _calls(desk: Desk, query: Query) -> Response:
    wanted, order = _wanted(desk, query, CALLS), query.get("order") if "page" in query else None
    descending = asked.word(query, "order_dir", ("asc", "desc")) == "desc"
    column = ORDERS[asked.word({"order": order}, "order", tuple(ORDERS))] if order else None

    def sift(rows: list[Version]) -> list[Version]:
        found = _sifted(rows, wanted)
        if column is None:
            return sorted(found, key=_id, reverse=True)
        return sorted(found, key=lambda row: _rank(row.fields[column]), reverse=descending)

    first = query.get("page", "1") == "1" and query.get("cursor", "-1") == "-1"
    found = desk.find(CALLS, 1 if first else 2, (wanted, column, descending), sift)
    return _walked(desk, query, "calls", CALLS, found)


def _rank(value: object) -> tuple[bool, object]:
    return value is not None, value or 0


def _changes(desk: Desk, query: Query, log: ChangeLog) -> Response:
    lag = timedelta(seconds=desk.rng.random() * desk.amount("replica_seconds"))
    seen = desk.now() - (lag if desk.strikes("lagging_replica") else timedelta())
    found = [entry for entry in reversed(log.entries()) if entry.since <= seen]
    rows = [] if desk.strikes("sick_replica") else _sifted(found, _wanted(desk, query, ENTRIES))
    return _walked(desk, query, "change_logs", ENTRIES, rows)


def _walked(desk: Desk, query: Query, root: str, kind: Kind, rows: Sequence[Version]) -> Response:
    """Answer with a page of the rows, or what follows a cursor: the last id shown; -1 at the start, 0 in the end."""
    size = _number(query, "per_page", 25)
    if "page" in query:
        cut = desk.cut(rows, _number(query, "page", 1, 10), size)
        return _reply(desk, query, root, kind, cut.rows, {"total_count": cut.total})
    if not re.fullmatch(r"-?\d+", cursor := query.get("cursor", "-1")):
        raise ValueError("cursor must be a number")
    rest = rows if int(cursor) < 0 or desk.strikes("same_page") else [row for row in rows if _id(row) < int(cursor)]
    shown = desk.cut(rest, 1, size).rows
    following = _id(shown[-1]) if len(shown) < len(rest) else 0
    return _reply(desk, query, root, kind, shown, {"total_count": len(rows), "next_cursor": following})


def _reply(
    desk: Desk, query: Query, root: str, kind: Kind, rows: Sequence[Version], metadata: Fields, *, one: bool = False
) -> Response:
    view = tuple(sorted(query["columns"].split(","))) if query.get("columns") else ()
    raws = [row.raw(kind, view) for row in rows]
    shown = [orjson.Fragment(raw) for raw in raws]
    body = shown[0] if one else shown
    if not WHOLE.get(query.get("root", "true"), True):
        return desk.answer(body)
    checksum = md5(b"".join(raws), usedforsecurity=False).hexdigest()
    about = {"checksum": checksum, "metadata": {"root": root, **metadata}}
    return desk.answer({"status": 200, "errors": {}, root: body, **about})


def _single(desk: Desk, query: Query, kind: Kind, name: str, names: Sequence[str]) -> Response:
    def sift(rows: list[Version]) -> list[Version]:
        return [row for row in rows if any(f"{row.fields[key]}" == name for key in names)]

    found = desk.find(kind, 1, f"{names}: {name}", sift)
    root = "lead" if kind is LEADS else "call"
    return _reply(desk, query, root, kind, found[:1], {}, one=True) if found else refusal(404, "")


def _number(query: Query, name: str, default: int, most: int = 10**9) -> int:
    return asked.number(query, name, default, most)


def refusal(status: int, message: str) -> Response:
    """Return an error in TrackDrive's own words; with status 200 only the body's own status tells of it."""
    if status in {401, 403, 404}:
        return HTMLResponse(f"<!doctype html><html><head><title>{status}</title></head><body></body></html>", status)
    return json_answer({"status": 500 if status == 200 else status, "errors": {"base": message}}, status)


def _routes(desk: Desk) -> list[BaseRoute]:
    log = ChangeLog(desk.world)

    def route(path: str, answer: Callable[[Query], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != BASIC:
                return refusal(401, "")
            try:
                return answer({**request.query_params, **request.path_params})
            except ValueError as error:
                field, _, complaint = str(error).partition(" ")
                return json_answer({"status": 422, "errors": {field: complaint}}, 422)

        return Route(f"/api/v1/{path}", endpoint)

    return [
        route("leads", lambda query: _leads(desk, query)),
        route("leads/{name}", lambda query: _single(desk, query, LEADS, query["name"], ("uuid",))),
        route("leads/{name}/id", lambda query: _single(desk, query, LEADS, query["name"], ("id",))),
        route("calls", lambda query: _calls(desk, query)),
        route("calls/{name}", lambda query: _single(desk, query, CALLS, query["name"], ("id", "uuid"))),
        route("change_logs", lambda query: _changes(desk, query, log)),
    ]


VENDOR = Vendor("trackdrive", (LEADS, CALLS), _routes, refusal)
