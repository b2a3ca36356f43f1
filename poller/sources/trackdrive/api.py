"""TrackDrive's lists: how they are asked for, and which of the answers are believed.

- Filters have seconds, records milliseconds, and whether a filter's own second is in is not documented: a second more
  is asked for, and the newest range has no end.
- Leads have neither order nor cursor, and paging drifts: what does not fit one page is halved (see `bisect`).
- Where there are cursors, a page number is good for ten pages, and a cursor knows no other order than its own.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from poller.plugin import (
    BEGINNING,
    DECODE_ERRORS,
    AskPage,
    Column,
    Cursor,
    Denied,
    FilterCheck,
    Http,
    JsonValue,
    ListPage,
    NewestFirst,
    Page,
    PageEnds,
    PageRef,
    Response,
    SentRows,
    Span,
    Throttled,
    Unavailable,
    Unexpected,
    Window,
    bisect,
    column_of,
    decode_response,
    identity_of,
    is_between,
    read_count,
    read_id,
    read_pages,
    read_rows,
    read_time,
    steady_rows,
    struct_of,
)

Query: TypeAlias = Mapping[str, str]
LEADS, CALLS, CHANGES = "/api/v1/leads", "/api/v1/calls", "/api/v1/change_logs"
PAGES = 10  # the documented most
SECOND = timedelta(seconds=1)
FIXED = {"root": "true", "time_zone": "UTC"}  # without the root there is no metadata
SHAPES = {LEADS: {"serializer": "lead"}, CALLS: {"serializer": "call"}, CHANGES: {"columns": "id,created_at,lead_id"}}

BY_UPDATE = {"order": "updated_at", "order_dir": "desc"}

# What the documentation leaves open, and we assume (what could lose or repeat records has a name in assumptions.py):
PER_PAGE = 100
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a record is visible
SLACK = timedelta(seconds=2)  # so far outside of bounds a record may lie: they are in seconds, and one more is asked


class _Metadata(Struct):
    total_count: JsonValue = None
    next_cursor: str | int | float | Literal[False] | UnsetType | None = UNSET


class _Found(Struct):
    status: JsonValue = 200
    errors: Any = None
    metadata: _Metadata | None = None
    leads: SentRows = UNSET
    calls: SentRows = UNSET
    change_logs: SentRows = UNSET
    lead: Raw = Raw()


_Listed: TypeAlias = tuple[_Metadata, Sequence[Raw], datetime | None]
_FOUND, _ANY = msgspec.json.Decoder(_Found), msgspec.json.Decoder(dict[str, Raw])
_ENVELOPE = {"status", "errors", "metadata", "checksum", "root"}  # all that an answer may hold that lacks its list
_LOOKED_AT = ("uuid", "created_at", "updated_at", "ended_at", "recording_url", "expires_in")  # undecoded rows
IDENTITIES = {LEADS: identity_of(*_LOOKED_AT), CALLS: identity_of(*_LOOKED_AT), CHANGES: identity_of("id")}
steady_calls = steady_rows(signed_urls=[("recording_url", column_of("recording_url", str, *_LOOKED_AT))])
steady_leads = steady_rows(volatile=[("expires_in", column_of("expires_in", str, *_LOOKED_AT))])
_ENDS = (None, "", "0")  # cursors after which there is nothing
ROW = msgspec.json.Decoder(struct_of("id created_at updated_at ended_at lead_id"))
_REFUSALS = {401: Denied, 403: Denied, 429: Throttled}


def leads(http: Http, _: Cursor | None, window: Window, *, ended: bool = False) -> AsyncIterator[Page]:
    """Read leads by the time of their creation, open-ended unless it is to be `ended`."""
    known = replace(window, start=max(window.start, BEGINNING))
    check = FilterCheck(is_between(time_of("created_at")), "created within the range asked for")
    ends = PageEnds(PER_PAGE)

    async def ask(going_on: Callable[[int, ListPage], ListPage], span: Span, place: PageRef) -> ListPage:
        end = {"created_at_to": written(span.end)} if span.end else {}
        query = {"created_at_from": written(span.start - SECOND), **end, "page": f"{place}"}
        answer = await numbered(http, LEADS, query)
        outside = check.doubt(answer.records, span.start - SLACK, span.end and span.end + SLACK)
        return going_on(int(place), replace(answer, doubt=answer.doubt or outside))

    def one_page(span: Span) -> AskPage:
        ends.begin()
        return partial(ask, ends.only, span)

    def all_pages(span: Span) -> AskPage:
        ends.begin()
        return partial(ask, ends.going_on, span)

    identity = IDENTITIES[LEADS]
    return bisect(one_page, known, lag=LAG, identity=identity, bring_news=True, ended=ended, whole=all_pages)


def calls(bound: str, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read calls from the window's start on, by the time that `bound` filters."""
    return _filtered_calls(http, bound.removesuffix("_from"), {bound: since(window)}, window.start, None)


def calls_between(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read calls by the time of their creation."""
    query = {"created_at_from": since(window), "created_at_to": written(window.end + SECOND)}
    return _filtered_calls(http, "created_at", query, window.start, window.end)


def _filtered_calls(
    http: Http, column: str, query: Query, start: datetime, end: datetime | None
) -> AsyncIterator[Page]:
    check = FilterCheck(is_between(time_of(column)), f"between the bounds of {column}")

    async def ask(place: PageRef) -> ListPage:
        answer = await continued(http, CALLS, query, place)
        outside = check.doubt(answer.records, max(start, BEGINNING) - SLACK, end and end + SLACK)
        return replace(answer, doubt=answer.doubt or outside)

    return read_pages(ask, lag=LAG)


async def updated(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read calls by the order of their last update, newest first: what is updated meanwhile only pushes others on.

    The list reaches back ten pages; what of the window lies beyond is said to be unreadable.
    """
    ends, read = PageEnds(PER_PAGE), 0
    beyond: tuple[Window, ...] = ()
    descent = NewestFirst("updated_at", window.start, PAGES)

    async def ask(place: PageRef) -> ListPage:
        answer = ends.going_on(int(place), await numbered(http, CALLS, {**BY_UPDATE, "page": f"{place}"}))
        # there is no page beyond the last one that can be had, and `enough` is to tell what lies there
        return replace(answer, following=answer.following or answer.beyond, beyond=None) if place == PAGES else answer

    def enough(rows: Sequence[Raw]) -> bool:
        nonlocal read, beyond
        read += 1
        passed = descent.passed(rows)
        if not passed and read == PAGES:
            beyond = (_unreached(rows, window),)
        return passed or read == PAGES

    async for page in read_pages(ask, lag=LAG, enough=enough):
        end = page.end and replace(page.end, unreadable=beyond)
        yield replace(page, end=end, asked_from=window.start)


def _unreached(rows: Sequence[Raw], window: Window) -> Window:
    """Return what lies beyond a list that is cut off after these rows: all of the window if they are not in order."""
    try:
        stamps = [read_time(ROW.decode(row).updated_at) for row in rows]
    except DECODE_ERRORS:
        return window
    known = [stamp for stamp in stamps if stamp]
    ordered = len(known) == len(stamps) and known == sorted(known, reverse=True)
    return Window(window.start, known[-1]) if ordered and known[-1] > window.start else window


async def one(http: Http, path: str) -> int | None:
    """Ask for one record of a list; how many there are in all, where the vendor says so."""
    return (await numbered(http, path, {"page": "1"}, per_page=1)).total


async def continued(http: Http, path: str, query: Query, place: PageRef, per_page: int = PER_PAGE) -> ListPage:
    """Ask for a page of a list that has cursors; its total may be that of what is left, and says nothing."""
    at = place if isinstance(place, str) else "-1"
    found, rows, date = await _list(http, path, {**query, "cursor": at}, per_page)
    sent = found.next_cursor
    following = None if sent is UNSET else read_id(sent)
    lost = sent is UNSET and len(rows) >= per_page
    doubt = "a full page does not say how the list goes on" if lost else None
    return ListPage(rows, None, None if following in _ENDS else following, date, doubt=doubt)


async def numbered(http: Http, path: str, query: Query, per_page: int = PER_PAGE) -> ListPage:
    """Ask for a page of a list by its number, which is in the query."""
    found, rows, date = await _list(http, path, query, per_page)
    return ListPage(rows, read_count(found.total_count), None, date)


async def _list(http: Http, path: str, query: Query, per_page: int) -> _Listed:
    return await http.read(path, {**FIXED, **SHAPES[path], "per_page": f"{per_page}", **query}, partial(_listed, path))


def _listed(path: str, response: Response) -> _Listed:
    """Raises Unexpected where that is not the documented answer to what was asked."""
    found, name = believed(response), path.rpartition("/")[2]
    sent, metadata = getattr(found, name), found.metadata
    if metadata is None:  # strict: without it nobody knows whether the list goes on
        raise Unexpected("not the documented answer: it holds no metadata")
    total = read_count(metadata.total_count)
    if total is None and metadata.total_count not in (None, ""):
        raise Unexpected("not the documented answer: its total_count is no whole number")
    if sent is UNSET and decode_response(_ANY, response).keys() - _ENVELOPE:
        raise Unexpected(f"not the documented answer: it holds no {name}, but something else")
    return metadata, read_rows(sent, name, IDENTITIES[path], total=total, answer=response), response.date


def believed(response: Response) -> _Found:
    """Return the answer, unless it holds a refusal. Raises SourceError."""
    found = decode_response(_FOUND, response)
    status = read_count(found.status)
    if status is None:
        raise Unexpected("not the documented answer: its status is no whole number")
    if status != response.status:
        refusal = _REFUSALS.get(status, Unavailable if status >= 500 else Unexpected)
        raise refusal(f"HTTP {response.status} with the status {status} in its body")
    if found.errors:
        raise Unexpected("errors came as if they were an answer")
    return found


@cache
def time_of(column: str) -> Column[datetime | None]:
    """Return a reader of a column of times, of rows that are not decoded yet."""
    return column_of(column, read_time, *_LOOKED_AT)


def since(window: Window) -> str:
    """Return the time to ask from, a second before the window."""
    return written(max(window.start, BEGINNING) - SECOND)


def written(time: datetime) -> str:
    """Spell a time to the second; its fraction is cut off."""
    return f"{time:%Y-%m-%d %H:%M:%S} +0000"
