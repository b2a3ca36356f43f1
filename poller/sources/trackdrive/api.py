"""How TrackDrive is asked, and which of its answers are believed.

- Filters have seconds, records milliseconds, and whether a filter's own second is in is not documented: a second more
  is asked for, and the newest range has no end.
- Leads have neither order nor cursor, and paging drifts: see `poller.plugin.pagination.bisect`.
- Where there are cursors, a page number is good for ten pages, and a cursor knows no other order than its own.
- The log of changes (https://trackdrive.com/api/docs/1.0/change_logs/index.html) names a lead by its internal `id`,
  while its identity is the `uuid`: it is read by that `id`, so that nobody has to remember which is which.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from poller.plugin import Denied, Throttled, Unavailable, Unexpected
from poller.plugin.fields.decoding import UNREADABLE, decode_response
from poller.plugin.fields.scalars import read_id
from poller.plugin.fields.structs import identity_of, struct_of
from poller.plugin.fields.times import read_time
from poller.plugin.pagination.bisect import SECOND, Span, bisect
from poller.plugin.pagination.newest_first import NewestFirst
from poller.plugin.pagination.pages import ListPage, PageEnds, PageRef, read_pages
from poller.plugin.stream import BEGINNING, Cursor, Http, Page, Response, Window

Query: TypeAlias = Mapping[str, str]
LEADS, CALLS, CHANGES = "/api/v1/leads", "/api/v1/calls", "/api/v1/change_logs"
PAGES = 10  # the documented most
FIXED = {"root": "true", "time_zone": "UTC"}  # without the root there is no metadata
SHAPES = {LEADS: {"serializer": "lead"}, CALLS: {"serializer": "call"}, CHANGES: {"columns": "id,created_at,lead_id"}}

# What the documentation leaves open, and we assume:
PER_PAGE = 100
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a record is visible
LEAD_BY_ID = "/api/v1/leads/{}/id"  # documented for another method only


class _Metadata(Struct):
    total_count: Annotated[int, Meta(ge=0)] | None = None
    next_cursor: int | str | UnsetType | None = UNSET


class _Found(Struct):
    status: int = 200
    errors: Any = None
    metadata: _Metadata | None = None
    leads: list[Raw] | None = None
    calls: list[Raw] | None = None
    change_logs: list[Raw] | None = None
    lead: Raw = Raw()


_FOUND = msgspec.json.Decoder(_Found)
_KEYS = msgspec.json.Decoder(struct_of("id created_at updated_at lead_id"))
_ID = re.compile(r"[0-9A-Za-z-]+")
_REFUSALS = {401: Denied, 403: Denied, 429: Throttled}


def leads(http: Http, _: Cursor | None, window: Window, *, ended: bool = False) -> AsyncIterator[Page]:
    """Leads by the time of their creation, open-ended unless it is to be `ended`."""
    since = replace(window, start=max(window.start, BEGINNING))
    return bisect(partial(_created, http), since, size=PER_PAGE, lag=LAG, identity=identity_of("uuid"), ended=ended)


async def _created(http: Http, span: Span, number: int) -> ListPage:
    end = {"created_at_to": _written(span.end)} if span.end else {}
    query = {"created_at_from": _written(span.start - SECOND), **end, "page": f"{number}"}
    return await _rows(http, LEADS, query)


def calls(bound: str, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Calls from the window's start on, by the time that `bound` filters."""
    return read_pages(partial(_continued, http, CALLS, {bound: _since(window)}), lag=LAG)


def calls_between(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Calls by the time of their creation."""
    query = {"created_at_from": _since(window), "created_at_to": _written(window.end + SECOND)}
    return read_pages(partial(_continued, http, CALLS, query), lag=LAG)


async def updated(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Calls by the order of their last update, newest first, so that what is updated meanwhile only pushes others on.

    The list reaches back ten pages; what of the window lies beyond is said to be unreadable.
    """
    ends, read = PageEnds(PER_PAGE), 0
    beyond: tuple[Window, ...] = ()
    descent = NewestFirst("updated_at", window.start, PAGES)

    async def ask(place: PageRef) -> ListPage:
        query = {"order": "updated_at", "order_dir": "desc", "page": f"{place}"}
        answer = await _rows(http, CALLS, query)
        return answer if ends.ended(answer) else replace(answer, following=int(place) + 1)

    def enough(rows: Sequence[Raw]) -> bool:
        nonlocal read, beyond
        read += 1
        passed = descent.passed(rows)
        if not passed and read == PAGES:
            beyond = (_unreached(rows, window),)
        return passed or read == PAGES

    async for page in read_pages(ask, lag=LAG, enough=enough):
        yield replace(page, end=replace(page.end, unreadable=beyond)) if page.end else page


def _unreached(rows: Sequence[Raw], window: Window) -> Window:
    """What lies beyond a list that is cut off after these rows: all of the window where they are not in order."""
    try:
        stamps = [read_time(_KEYS.decode(row).updated_at) for row in rows]
    except UNREADABLE:
        return window
    known = [stamp for stamp in stamps if stamp]
    ordered = len(known) == len(stamps) and known == sorted(known, reverse=True)
    return Window(window.start, known[-1]) if ordered and known[-1] > window.start else window


async def changes(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """The leads that the log of changes names; the calls it names are found by other sweeps."""
    now: datetime | None = None

    async def ask(place: PageRef) -> ListPage:
        nonlocal now
        answer = await _continued(http, CHANGES, {"created_at_from": _since(window)}, place)
        now = answer.date
        return answer

    async for page in read_pages(ask, lag=LAG):
        yield replace(page, records=(), to_fetch=_named(page.records, now))


def _named(rows: Sequence[bytes | Raw], now: datetime | None) -> dict[str, timedelta]:
    """The leads of these entries, and how long ago they changed last. Raises Unexpected where one is no entry."""
    found: dict[str, timedelta] = {}
    for row in rows:
        entry: Any = decode_response(_KEYS, Raw(row))
        name, logged = read_id(entry.lead_id), read_time(entry.created_at)
        if entry.lead_id in (None, ""):
            continue
        if not name or not _ID.fullmatch(name):
            raise Unexpected("the log of changes names a lead by what is no id")
        age = max(now - logged, timedelta(0)) if now and logged else timedelta(0)
        found[name] = min(age, found.get(name, age))
    return found


async def lead(http: Http, name: str) -> Page:
    """The lead of this internal id. Raises Unexpected where another one comes."""
    response = await http.get(LEAD_BY_ID.format(name), {**FIXED, **SHAPES[LEADS]}, accept=(200, 404))
    if response.status == 404:
        return Page(())
    found = _believed(response).lead
    said: Any = decode_response(_KEYS, found)
    if read_id(said.id) != name:
        raise Unexpected("another lead came than the one asked for")
    return Page((found,))


async def one(http: Http, path: str) -> int | None:
    """Ask for one record of a list; how many there are in all, where the vendor says so."""
    return (await _rows(http, path, {"page": "1"}, per_page=1)).total


async def _continued(http: Http, path: str, query: Query, place: PageRef) -> ListPage:
    """A page of a list that has cursors; its total may be that of what is left, and says nothing."""
    found, rows, date = await _list(http, path, {**query, "cursor": place if isinstance(place, str) else "-1"})
    at = found.next_cursor
    if at is UNSET and len(rows) == PER_PAGE:
        raise Unexpected("a full page does not say how the list goes on")
    return ListPage(rows, None, None if at in (0, "0", "", None, UNSET) else str(at), date)


async def _rows(http: Http, path: str, query: Query, per_page: int = PER_PAGE) -> ListPage:
    """A page of a list by its number."""
    found, rows, date = await _list(http, path, query, per_page)
    return ListPage(rows, found.total_count, None, date)


async def _list(
    http: Http, path: str, query: Query, per_page: int = PER_PAGE
) -> tuple[_Metadata, list[Raw], datetime | None]:
    """Raises Unexpected where that is not the documented answer to what was asked."""
    response = await http.get(path, {**FIXED, **SHAPES[path], "per_page": f"{per_page}", **query})
    found, name = _believed(response), path.rpartition("/")[2]
    rows = getattr(found, name)
    if rows is None or found.metadata is None:
        raise Unexpected(f"not the documented answer: it holds no {name if rows is None else 'metadata'}")
    if len(rows) > per_page:
        raise Unexpected(f"its pages hold {len(rows)} records, not the {per_page} asked for")
    return found.metadata, rows, response.date


def _believed(response: Response) -> _Found:
    """The answer, unless it holds a refusal. Raises SourceError."""
    found = decode_response(_FOUND, response.body)
    if found.status != response.status:
        refusal = _REFUSALS.get(found.status, Unavailable if found.status >= 500 else Unexpected)
        raise refusal(f"HTTP {response.status} with the status {found.status} in its body")
    if found.errors:
        raise Unexpected("errors came as if they were an answer")
    return found


def _since(window: Window) -> str:
    return _written(max(window.start, BEGINNING) - SECOND)


def _written(time: datetime) -> str:
    """To the second; its fraction is cut off."""
    return f"{time:%Y-%m-%d %H:%M:%S} +0000"
