"""Callcap's v2 calls list, simulated from its public documentation (https://callcap.readme.io/docs/calls).

Where that is silent: a search by dates includes its end day; a local bound in the repeated autumn hour means the first
one; an unknown zone silently becomes the profile's; the hidden default of search_startdate is 30 days ago.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from poller.sandbox.api import date_ranges
from poller.sandbox.api import query as asked
from poller.sandbox.api.backend import Desk, Vendor, json_answer
from poller.sandbox.api.date_ranges import Span
from poller.sandbox.vendors.callcap_records import ACCOUNTS, BLOCKS, CALLS, SHOWN_BY_ALL
from poller.sandbox.world.records import Version

API_KEY = "sandbox-callcap-key"
PROFILE_ZONE = "US/Central"
TEXTS = {"all": (False, True), "call": (False,), "text": (True,)}
RANGES = ("custom", *date_ranges.DAYS, *(f"last{minutes}minutes" for minutes in (1, 5, 10, 30, 60)))


def _started_within(desk: Desk, query: asked.Query, zone: ZoneInfo, page: int) -> Span:
    now = desk.now()
    if page > 1 and desk.strikes("sliding_presets"):
        now += timedelta(seconds=desk.rng.random() * desk.amount("slide_seconds"))
    preset = asked.word(query, "search_range", RANGES)
    if preset != "custom":
        return date_ranges.named(preset, now, zone)
    today = now.astimezone(zone).date()
    first = date.fromisoformat(query.get("search_startdate") or f"{today - timedelta(days=30)}")
    if first < today - timedelta(days=365) and desk.strikes("old_start_date"):
        first = today
    last = date.fromisoformat(query.get("search_enddate") or f"{today}")
    if not first < last:
        raise ValueError("search_startdate must be less than search_enddate")
    return date_ranges.days(first, last - timedelta(days=desk.strikes("short_end_day")), zone)


def _modified_within(query: asked.Query, zone: ZoneInfo) -> Span:
    """Return the span in seconds, asked for in minutes, both ends included; a bare end date means its last second."""
    start, end = date_ranges.ALWAYS
    if text := query.get("search_last_modified_start"):
        start = _local(text if len(text) > 10 else f"{text} 00:00", zone)
    if text := query.get("search_last_modified_end"):
        end = _local(text, zone) if len(text) > 10 else _local(f"{text} 23:59", zone) + timedelta(seconds=59)
    return start, end


def _local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(text[:16], "%Y-%m-%d %H:%M").replace(tzinfo=zone).astimezone(UTC)


def _found(desk: Desk, query: asked.Query, zone: ZoneInfo, page: int) -> Sequence[Version]:
    newest_first = asked.word(query, "order", ("newest", "oldest")) == "newest"
    if call_id := query.get("call_id"):
        return desk.find(CALLS, page, call_id, lambda rows: [row for row in rows if row.fields["call_id"] == call_id])
    started = desk.bounds(*_started_within(desk, query, zone, page))
    modified = desk.bounds(*_modified_within(query, zone))
    wanted = TEXTS[asked.word(query, "conversation_type", tuple(TEXTS))]

    def sift(rows: list[Version]) -> list[Version]:
        found = [
            row
            for row in rows
            if modified[0] <= (fields := row.fields)["last_modified"] <= modified[1]
            and started[0] <= fields["start_datetime"] < started[1]
            and fields["_text"] in wanted
        ]
        return sorted(found, key=lambda row: row.fields["start_datetime"], reverse=newest_first)

    return desk.find(CALLS, page, (started, modified, wanted, newest_first), sift)


def _list(desk: Desk, query: asked.Query) -> Response:
    zone = query.get("search_timezone", PROFILE_ZONE)
    if zone not in asked.ZONES or desk.strikes("wrong_zone"):
        zone = PROFILE_ZONE
    page, size = asked.number(query, "page", 1, 10**9), asked.number(query, "show", 50, 1000)
    rows = _found(desk, query, asked.zone(zone), page)
    if not rows and ("call_id" in query or desk.strikes("empty_404")):
        return refusal(404, "No calls found")
    cut = desk.cut(rows, page, size)
    if page > cut.last_page and not cut.rows:
        return refusal(400, f"page must be a number from 1 to {cut.last_page}")
    return desk.answer({
        "pagination": {"page": page, "last_page": cut.last_page, "records_returned": cut.claimed, "show": cut.size,
                       "total_records": cut.total},
        "status": "success",
        "search": {"timezone": zone},
        "call": _shown(desk, cut.rows, zone, query.get("detail", "all").split(",")),
    })  # fmt: skip


def _shown(desk: Desk, rows: Sequence[Version], zone: str, detail: list[str]) -> list[orjson.Fragment]:
    blocks = BLOCKS.intersection(detail).union(SHOWN_BY_ALL if "all" in detail else ())
    calls = [row.raw(CALLS, (zone, *sorted(blocks))) for row in rows]
    if desk.strikes("signed_recordings"):
        signed = b'.mp3?Expires=900&Signature=%x"' % desk.rng.getrandbits(64)
        calls = [call.replace(b'.mp3"', signed) for call in calls]
    return [orjson.Fragment(call) for call in calls]


def refusal(status: int, message: str) -> Response:
    """Return an error in Callcap's own words."""
    if status == 401:
        realm = {"WWW-Authenticate": 'Bearer realm="https://api.callcap.com/v2/"'}
        return json_answer({"status": "unauthorized", "message": "Your key is invalid"}, 401, realm)
    return json_answer({"status": "error", "message": message}, status)


def _routes(desk: Desk) -> list[BaseRoute]:
    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return refusal(401, "")
        if request.url.path.endswith("/accounts/"):
            return json_answer({"status": "success", "accounts": ACCOUNTS})
        try:
            return _list(desk, {**request.query_params, **request.path_params})
        except ValueError as error:
            return refusal(400, str(error))

    paths = ("/v2/get/calls/", "/v2/get/calls/{call_id}/", "/v2/get/accounts/")
    return [Route(path, answer) for path in paths]


VENDOR = Vendor("callcap", (CALLS,), _routes, refusal)
