"""ipSCAPE's platform-api v3.0, simulated from its public page (https://developer.onipscape.com/platform-api.html).

Where that is silent: fifty rows a page, by primary key; the link to the next page carries the last row's key and
nothing else, so that the filters have to be sent again; a time without an offset is Sydney's; a list that is told
neither from when nor to when shows seven days; errors look like the older API's, `resultCode` and `result`.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from poller.sandbox.api import date_ranges
from poller.sandbox.api.backend import Desk, Slice, Vendor, json_answer
from poller.sandbox.api.date_ranges import Span
from poller.sandbox.api.query import Query
from poller.sandbox.vendors.ipscape_calls import ACTIVITIES, ZONE
from poller.sandbox.vendors.ipscape_leads import ATTEMPTS, LEADS
from poller.sandbox.vendors.ipscape_lists import CAMPAIGN, LEAD_LIST, USER
from poller.sandbox.world.records import Fields, Kind, Version

TOKEN = "sandbox-ipscape-token"
PREFIX = "/platform-api/v3.0"
PER_PAGE, MOST_EMPTY, MOST_REFUSED = 50, 2, 5
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its filters (parameter to field), the two bounds on its `born` field, and whether it links backwards."""

    kind: Kind
    path: str
    filters: Mapping[str, str]
    bounds: tuple[str, ...] = ()
    back: bool = False

    def asked(self, query: Query) -> dict[str, str]:
        """Return the filters of a request. Raises ValueError for a value that no filter can have."""
        asked = {name: query[name] for name in (*self.filters, *self.bounds) if query.get(name)}
        for name, text in asked.items():
            if name.endswith(("Id", "Code")) and not text.isdecimal():
                raise ValueError(f"{name} must be an integer")
        if asked.get("accountActive", "true") not in {"true", "false", "1", "0"}:
            raise ValueError("accountActive must be a boolean")
        return asked

    def span(self, asked: Query, now: datetime) -> Span:
        """Return the first and the last second that the request asks for, both included."""
        given = [_instant(name, asked[name]) if name in asked else None for name in self.bounds]
        if not any(given):
            return (now - timedelta(days=7), date_ranges.ALWAYS[1]) if self.bounds else date_ranges.ALWAYS
        return given[0] or date_ranges.ALWAYS[0], given[1] or date_ranges.ALWAYS[1]


ONE_CAMPAIGN = {"campaignId": "campaignId"}
OUTBOUND = {**ONE_CAMPAIGN, "leadId": "leadId"}
LEAD_FILTERS = {"listId": "listId", "statusCode": "lastStatusCode", "customerKey": "customerKey", "phone1": "_phone1"}
LISTINGS = (
    Listing(ACTIVITIES, "/activities", {**OUTBOUND, "activityType": "type"},
            ("createdTimestampFrom", "createdTimestampTo")),
    Listing(ATTEMPTS, "/calls/dialler", OUTBOUND, ("dialledTimestampFrom", "dialledTimestampTo")),
    Listing(LEAD_LIST, "/leads/lists", ONE_CAMPAIGN, back=True),
    Listing(LEADS, "/leads", {**ONE_CAMPAIGN, **LEAD_FILTERS}, ("uploadedTimestampFrom", "uploadedTimestampTo"), True),
    Listing(CAMPAIGN, "/campaigns", {**ONE_CAMPAIGN, "campaignType": "campaignType"}),
    Listing(USER, "/users", {"userType": "userType", "accountActive": "accountIsActive"}, back=True),
)  # fmt: skip
BOOLEANS = {"true": "True", "1": "True", "false": "False", "0": "False"}


def _instant(name: str, text: str) -> datetime:
    if not INSTANT.fullmatch(text):
        raise ValueError(f"{name} is no timestamp: {text}")
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).astimezone(UTC)


def _closed(cursor: Fields) -> str:
    return urlsafe_b64encode(orjson.dumps(cursor)).decode().rstrip("=")


def _opened(text: str) -> Fields:
    if not text:
        return {}
    try:
        cursor = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return {"id": int(cursor["id"]), **cursor}
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("The cursor is invalid") from error


def _found(desk: Desk, listing: Listing, asked: Query, *, first: bool, everything: bool) -> Sequence[Version]:
    kind, filters = listing.kind, listing.filters
    wanted = {filters[name]: text for name, text in asked.items() if name in filters and not everything}
    if "accountIsActive" in wanted:
        wanted["accountIsActive"] = BOOLEANS[wanted["accountIsActive"]]
    start, end = date_ranges.ALWAYS if everything else desk.bounds(*listing.span(asked, desk.now()))

    def sift(rows: list[Version]) -> list[Version]:
        if listing.bounds:
            rows = [row for row in rows if start <= row.fields[kind.born] <= end]
        for name, text in wanted.items():
            rows = [row for row in rows if str(row.fields.get(name)) == text]
        return sorted(rows, key=lambda row: int(row.fields[kind.key]))

    found = desk.find(kind, 1 if first else 2, (start, end, tuple(wanted.items())), sift)
    return sorted(found, key=lambda row: int(row.fields[kind.key]))


def _place(listing: Listing, rows: Sequence[Version], cursor: Fields) -> slice:
    """Return the place of the rows that a cursor stands for: all after its own row, or the page before that row."""
    own, side = cursor.get("id", 0), bisect_left if cursor.get("back") else bisect_right
    at = side(rows, own, key=lambda row: int(row.fields[listing.kind.key]))
    return slice(max(0, at - PER_PAGE), at) if cursor.get("back") else slice(at, None)


def _list(desk: Desk, listing: Listing, query: Query) -> Response:
    cursor, asked = _opened(query.get("cursor", "")), listing.asked(query)
    if cursor and desk.strikes("cursor_expires"):
        return refusal(desk.rng.choice((404, 410)), "The cursor has expired")
    if cursor.get("alone") and asked:
        raise ValueError("A cursor cannot be combined with filters")
    everything = bool(cursor) and "filters" not in cursor and desk.strikes("filters_dropped")
    asked = cursor.get("filters", asked)
    rows = _found(desk, listing, asked, first=not cursor, everything=everything)
    place = _place(listing, rows, cursor)
    cut, start = desk.cut(rows[place], 1, PER_PAGE), place.start
    follow = _carrying(desk, cursor, asked, {"id": _key(listing, cut.rows[-1])} if cut.rows else {})
    if start + len(cut.rows) >= len(rows):
        follow = cursor if desk.strikes("cursor_repeats") else {}
    if (empty := cursor.get("empties", 0)) < MOST_EMPTY and desk.strikes("empty_page_with_cursor"):
        cut, follow = desk.cut([], 1, PER_PAGE), {"id": 0, **cursor, "empties": empty + 1}
        follow = _carrying(desk, cursor, asked, follow)
    earlier = {"id": _key(listing, cut.rows[0]), "back": True} if cut.rows and start else {}
    return desk.answer(_envelope(desk, listing, cut, start, (follow, earlier)))


def _key(listing: Listing, row: Version) -> int:
    return int(row.fields[listing.kind.key])


def _carrying(desk: Desk, cursor: Fields, asked: Query, follow: Fields) -> Fields:
    alone = bool(cursor.get("alone")) or desk.strikes("cursor_alone")
    carry = "filters" in cursor or alone or desk.strikes("filters_in_cursor")
    return follow | ({"filters": asked, "alone": alone} if carry else {})


def _envelope(desk: Desk, listing: Listing, cut: Slice, start: int, links: tuple[Fields, Fields]) -> Fields:
    abroad = "http://ipscape.example.net" if desk.strikes("foreign_next") else ""
    on, back = (f"/v3.0{listing.path}?cursor={_closed(cursor)}" if cursor else None for cursor in links)
    metadata = {"nextUri": on and abroad + on, **({"previousUri": back} if listing.back else {})}
    items = [orjson.Fragment(row.raw(listing.kind, ())) for row in cut.rows]
    if listing.kind is not CAMPAIGN:
        return {"metadata": metadata, "items": items}
    page = {"pageNo": start // PER_PAGE, "inPage": cut.claimed, "perPage": cut.size, "data": items}
    return {**page, "metadata": metadata} if on or desk.strikes("campaigns_metadata") else page


def _one(desk: Desk, listing: Listing, wanted: str) -> Response:
    key = listing.kind.key
    rows = desk.find(listing.kind, 1, wanted, lambda rows: [row for row in rows if str(row.fields[key]) == wanted])
    if not rows:
        return refusal(404, "Not found")
    return desk.answer(orjson.Fragment(rows[0].raw(listing.kind, ())))


def refusal(status: int, message: str) -> Response:
    """Return an error in the form of the older API, which could come with status 200."""
    return json_answer({"resultCode": "error", "result": {"message": message}}, status)


class Source:
    """A guard that asks for the token; too many refusals in a row lock it for as long as the vice `lockout` is on."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._refused, self._locked = desk, 0, False

    def refused(self, request: Request) -> Response | None:
        """Return the refusal of this request, or None if it is let in."""
        self._locked = self._locked and self._desk.world.vices.on(self._desk.vendor, "lockout")
        if self._locked:
            return refusal(403, "This account is locked")
        if request.headers.get("authorization") == f"Bearer {TOKEN}":
            self._refused = 0
            return None
        self._refused += 1
        self._locked = self._refused >= MOST_REFUSED and self._desk.strikes("lockout")
        return refusal(401, "The API token is invalid")


def _routes(desk: Desk) -> list[BaseRoute]:
    account = Source(desk)

    def route(listing: Listing, path: str) -> Route:
        async def answer(request: Request) -> Response:
            if refused := account.refused(request):
                return refused
            try:
                wanted = request.path_params.get("id")
                return _one(desk, listing, wanted) if wanted else _list(desk, listing, request.query_params)
            except ValueError as error:
                return refusal(400, str(error))

        return Route(f"{PREFIX}{path}", answer)

    lists = [route(listing, listing.path) for listing in LISTINGS]
    return [*lists, *(route(listing, f"{listing.path}/{{id}}") for listing in LISTINGS)]


VENDOR = Vendor("ipscape", tuple(listing.kind for listing in LISTINGS), _routes, refusal)
