"""ipSCAPE's lists: how they are asked for, and which of the answers are believed.

- Parameters and envelopes: https://developer.onipscape.com/platform-api.html
- A list goes on at the cursor in `nextUri`. Nothing else of that link is used: it drops the filters, its path comes
  with and without `/platform-api`, and whoever follows it elsewhere takes the token along.
- Campaigns are numbered in pages of which only the first can be asked for, unless they, too, give a cursor.
- Leads have no filter by modification: those that were dialled are read again, one by one.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Raw, Struct

from poller.plugin import (
    BEGINNING,
    DECODE_ERRORS,
    Column,
    Cursor,
    FilterCheck,
    Http,
    IdentityOf,
    JsonValue,
    ListPage,
    Page,
    PageRef,
    Response,
    SentRows,
    Shifted,
    TypedDecoder,
    Unexpected,
    Window,
    decode_response,
    is_between,
    read_count,
    read_id,
    read_pages,
    read_rows,
    struct_of,
)
from poller.sources.ipscape.calls import Attempt, attempt_times

ACTIVITIES, DIALLER, LEADS = "/v3.0/activities", "/v3.0/calls/dialler", "/v3.0/leads"
LEAD_LISTS, CAMPAIGNS, USERS = "/v3.0/leads/lists", "/v3.0/campaigns", "/v3.0/users"
AHEAD = timedelta(days=1)  # of now: an upper bound has to be sent, and is not to hold back what a fast clock stamped

# What the documentation leaves open, and we assume (what could lose or repeat records has a name in assumptions.py):
LAG = timedelta(seconds=5)  # so long after its time, at the latest, what is visible at once is visible
WRAP_UP = timedelta(minutes=10)  # so long after hang-up, at the latest, the agent has said what came of the call
EXPIRED = (400, 404, 410)  # what a cursor that is no longer valid may be answered with

Rows: TypeAlias = Sequence[bytes | Raw]
Ask: TypeAlias = Callable[[PageRef], Awaitable[ListPage]]
_attempt = TypedDecoder(Attempt).decode
_lead_id = re.compile(r"[0-9A-Za-z_-]+").fullmatch  # becomes part of a path


class _Metadata(Struct, rename="camel"):
    next_uri: str | Literal[False] | None = None


class _Items(Struct):
    metadata: _Metadata
    items: SentRows = UNSET


class _Data(Struct, rename="camel"):
    page_no: JsonValue = None
    in_page: JsonValue = None
    per_page: JsonValue = None
    data: SentRows = UNSET
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_LEAD = msgspec.json.Decoder(struct_of("timestamps phones"))
_ITEMS, _DATA = msgspec.json.Decoder(_Items), msgspec.json.Decoder(_Data)
_ANY = msgspec.json.Decoder(dict[str, Raw])


@dataclass(frozen=True, slots=True)
class Part:
    """An answer, believed: the cursor at which the list goes on (None at the end), and what is doubtful about it."""

    rows: Sequence[Raw]
    cursor: str | None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """A list that is filtered by time: the names of its bounds (`<by>From`, `<by>To`, both included), and how a row's
    own time is read (ValueError where it cannot be), which is to lie between them but for `slack`."""

    path: str
    by: str
    identity: IdentityOf
    time: Column[datetime]
    slack: timedelta = timedelta(seconds=1)


Believed: TypeAlias = Callable[[Response], Part]
"""Read an answer. Raises Unexpected where it is not the documented one."""


def itemized(identity: IdentityOf, response: Response) -> Part:
    """Read `metadata` and `items`. Raises Unexpected.

    Metadata is required: without it nobody knows whether the list goes on.
    """
    found = decode_response(_ITEMS, response)
    if found.items is UNSET and decode_response(_ANY, response).keys() - {"metadata"}:
        raise Unexpected("not the documented answer: it holds no items, but something else")
    return Part(read_rows(found.items, "items", identity, answer=response), _cursor(found.metadata.next_uri))


def numbered(identity: IdentityOf, response: Response) -> Part:
    """Read `pageNo`, `inPage`, `perPage` and `data`: a full page may be the first of several. Raises Unexpected."""
    found = decode_response(_DATA, response)
    page, said, size = map(read_count, (found.page_no, found.in_page, found.per_page))
    if page is None or said is None or size is None:
        raise Unexpected("not the documented answer: pageNo, inPage or perPage is no whole number")
    rows = read_rows(found.data, "data", identity, total=said, answer=response)
    cursor, full = _cursor(found.metadata.next_uri), 0 < len(rows) == size
    if said != len(rows) or said > size:
        return Part(rows, cursor, f"it holds {len(rows)} records, and says {said} of {size}")
    lost = full and cursor is None
    return Part(rows, cursor, "its page is full, and it does not say how it goes on" if lost else None)


def _cursor(uri: str | Literal[False] | None) -> str | None:
    """Return the cursor in a link, None where there is none. A plus sign is no space: cursors are base64.

    One that is overlooked would be the end of the list: an ampersand may come as HTML has it, the name in capitals.
    """
    query = (uri or "").partition("#")[0].partition("?")[2].replace("&amp;", "&")
    pairs = (pair.partition("=") for pair in query.split("&"))
    found = [value for name, _, value in pairs if unquote(name).lower() == "cursor"]
    if len(found) > 1:
        raise Unexpected("its link to the next page holds several cursors")
    return unquote(found[0]) or None if found else None


def between(
    listed: Timed, http: Http, _: Cursor | None, window: Window, *, ahead: timedelta = AHEAD
) -> AsyncIterator[Page]:
    """Read what lies in the window, both bounds sent, and so far `ahead` of it."""
    return read_pages(_asked_between(listed, http, window, ahead), lag=LAG)


def whole(path: str, believed: Believed, http: Http, _: Cursor | None, __: Window) -> AsyncIterator[Page]:
    """Read a list without filters."""
    return read_pages(partial(_ask, http, path, {}, believed), lag=LAG)


def _asked_between(listed: Timed, http: Http, window: Window, ahead: timedelta) -> Ask:
    first, last = max(window.start, BEGINNING), window.end + ahead
    check = FilterCheck(is_between(listed.time), f"between {listed.by}From and {listed.by}To")

    async def ask(at: PageRef) -> ListPage:
        answer = await ask_between(listed, http, Window(first, last), at)
        outside = check.doubt(answer.records, first - listed.slack, last + listed.slack)
        return replace(answer, doubt=answer.doubt or outside)

    return ask


async def ask_between(listed: Timed, http: Http, window: Window, at: PageRef) -> ListPage:
    """Ask for a page of what lies in the window, believed."""
    query = {f"{listed.by}From": _spelled(window.start), f"{listed.by}To": _spelled(window.end)}
    return await _ask(http, listed.path, query, partial(itemized, listed.identity), at)


def _spelled(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}+00:00"


async def _ask(http: Http, path: str, query: Mapping[str, str], believed: Believed, at: PageRef) -> ListPage:
    """Ask for a page of a list. Raises Shifted where the vendor's cursor has expired."""
    place: Mapping[str, str] = {"cursor": at} if isinstance(at, str) else {}

    def read(response: Response) -> ListPage:
        if response.status != 200:
            raise Shifted(f"HTTP {response.status}: the cursor expired")
        part = believed(response)
        return ListPage(part.rows, None, part.cursor, response.date, doubt=part.doubt)

    return await http.read(path, {**query, **place}, read, accept=(200, *EXPIRED) if place else (200,))


async def touched(
    listed: Timed, zone: ZoneInfo | None, http: Http, _: Cursor | None, window: Window
) -> AsyncIterator[Page]:
    """Read the dial attempts of the window for the leads that they were at."""
    now: datetime | None = None
    ask_list = _asked_between(listed, http, window, AHEAD)

    async def ask(at: PageRef) -> ListPage:
        nonlocal now
        answer = await ask_list(at)
        now = answer.date
        return answer

    async for page in read_pages(ask, lag=LAG):
        yield Page((), to_fetch=_named(zone, page.records, now), end=page.end)


def _named(zone: ZoneInfo | None, rows: Rows, date: datetime | None) -> dict[str, timedelta]:
    """Return the leads these dial attempts were at, and how long ago: until the agent has wrapped up, they change."""
    names: dict[str, timedelta] = {}
    for row in rows:
        try:
            attempt: Any = _attempt(row)
        except DECODE_ERRORS:
            continue  # that one is a reject, in its own stream
        name, ended, age = read_id(attempt.leadId), attempt_times(attempt, zone=zone)[-1], timedelta(0)
        if date and ended:
            age = max(age, date - ended - WRAP_UP)
        if name and _lead_id(name):
            names[name] = min(age, names.get(name, age))
    return names


async def reread(identity: Callable[[Raw], str | None], http: Http, name: str) -> Page:
    """Read one lead, or a reject of it; none where the vendor has it no more.

    Nothing surrounds it, so what does not say that it is this lead has to look like one. Raises Unexpected where it
    does not, or where it is another lead: its own would never be read.
    """
    response = await http.get(f"{LEADS}/{name}", {}, accept=(200, 404))
    if response.status == 404:
        return Page(())
    said: Any = decode_response(_LEAD, response)
    found = identity(Raw(response.body))
    if found != name and (found or not (said.timestamps or said.phones)):
        raise Unexpected(f"that is not the lead {name}")
    return Page((response.body,))
