"""How ipSCAPE's lists are asked for, and which of its answers are believed.

- Parameters and envelopes: https://developer.onipscape.com/platform-api.html
- A list goes on at the cursor in `nextUri`. Nothing else of that link is used: it drops the filters, its path comes
  with and without `/platform-api`, and whoever follows it elsewhere takes the token along.
- Campaigns are numbered in pages of which only the first can be asked for, unless they, too, give a cursor.
- Leads have no filter by modification: those that were dialled are read again, one by one.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Raw, Struct

from poller.plugin import Shifted, Unexpected
from poller.plugin.fields.decoding import UNREADABLE, decode_response
from poller.plugin.fields.scalars import read_id
from poller.plugin.fields.structs import struct_of
from poller.plugin.stream import BEGINNING, Cursor, End, Http, Page, Window
from poller.sources.ipscape.calls import Attempt, attempt_end

ACTIVITIES, DIALLER, LEADS = "/v3.0/activities", "/v3.0/calls/dialler", "/v3.0/leads"
LEAD_LISTS, CAMPAIGNS, USERS = "/v3.0/leads/lists", "/v3.0/campaigns", "/v3.0/users"
EMPTY, PAGES = 3, 10_000  # no list is believed that goes on after so many empty pages in a row, or so many at all
AHEAD = timedelta(days=1)  # of now: an upper bound has to be sent, and is not to hold back what a fast clock stamped

# What the documentation leaves open, and we assume:
LAG = timedelta(seconds=5)  # so long after its time, at the latest, what is visible at once is visible
WRAP_UP = timedelta(minutes=10)  # so long after hang-up, at the latest, the agent has said what came of the call
EXPIRED = (400, 404, 410)  # what a cursor that is no longer valid may be answered with

Rows: TypeAlias = Sequence[Raw]
_attempt = msgspec.json.Decoder(Attempt).decode
_lead_id = re.compile(r"[0-9A-Za-z_-]+").fullmatch  # becomes part of a path
_Count = Annotated[int, Meta(ge=0)]


class _Metadata(Struct, rename="camel"):
    next_uri: str | None = None


class _Items(Struct):
    metadata: _Metadata
    items: list[Raw]


class _Data(Struct, rename="camel"):
    page_no: _Count
    in_page: _Count
    per_page: _Count
    data: list[Raw]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_LEAD = msgspec.json.Decoder(struct_of("timestamps phones"))
_ITEMS, _DATA = msgspec.json.Decoder(_Items), msgspec.json.Decoder(_Data)


@dataclass(frozen=True, slots=True)
class Part:
    """One answer, believed: the cursor at which the list goes on (None at the end), and why it cannot be read on."""

    rows: Rows
    cursor: str | None
    stuck: str | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """A list that is filtered by time: the names of its bounds (`<by>From`, `<by>To`, both included), and how a row's
    own time is read (ValueError where it cannot be), which is to lie between them but for `slack`."""

    path: str
    by: str
    time: Callable[[Raw], datetime]
    slack: timedelta = timedelta(seconds=1)


Believed: TypeAlias = Callable[[bytes], Part]
"""Read an answer's body. Raises Unexpected where it is not the documented one."""

Paged: TypeAlias = Callable[[Rows, datetime | None], Page]
"""Make a page of an answer's rows and date."""


def itemized(body: bytes) -> Part:
    """`metadata` and `items`. Raises Unexpected."""
    found = decode_response(_ITEMS, body)
    return Part(found.items, _cursor(found.metadata.next_uri))


def numbered(body: bytes) -> Part:
    """`pageNo`, `inPage`, `perPage` and `data`: a full page may be the first of several. Raises Unexpected."""
    found = decode_response(_DATA, body)
    if found.in_page != len(found.data) or found.in_page > found.per_page:
        raise Unexpected(f"it holds {len(found.data)} records, and says {found.in_page} of {found.per_page}")
    cursor, full = _cursor(found.metadata.next_uri), 0 < found.in_page == found.per_page
    return Part(found.data, cursor, "its page is full, and it does not say how it goes on" if full else None)


def _cursor(uri: str | None) -> str | None:
    """The cursor in a link, None where there is none. A plus sign is one: cursors are base64, which has no spaces."""
    query = (uri or "").partition("#")[0].partition("?")[2]
    found = [pair.removeprefix("cursor=") for pair in query.split("&") if pair.startswith("cursor=")]
    if len(found) > 1:
        raise Unexpected("its link to the next page holds several cursors")
    return unquote(found[0]) or None if found else None


async def between(
    listed: Timed, http: Http, _: Cursor | None, window: Window, *, page: Paged, ahead: timedelta = AHEAD
) -> AsyncIterator[Page]:
    """What lies in the window, both bounds sent, and so far `ahead` of it.

    Raises Unexpected where other rows come: the filter was lost.
    """
    first, last = max(window.start, BEGINNING), window.end + ahead
    query = {f"{listed.by}From": _spelled(first), f"{listed.by}To": _spelled(last)}
    asked = Window(first - listed.slack, last + listed.slack)
    async for read in walk(http, listed.path, query, partial(_filtered, listed, asked), page):
        yield read


def _spelled(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}+00:00"


def _filtered(listed: Timed, asked: Window, body: bytes) -> Part:
    part = itemized(body)
    for row in part.rows:
        try:
            time = listed.time(row)
        except (ValueError, *UNREADABLE):
            continue  # that one is a reject, for others to judge
        if not asked.start <= time <= asked.end:
            raise Unexpected(f"it holds records that are not between {listed.by}From and {listed.by}To")
    return part


async def walk(http: Http, path: str, query: Mapping[str, str], believed: Believed, page: Paged) -> AsyncIterator[Page]:
    """Read a list to its end: `page` makes a page of an answer's rows and date.

    The cursor is the date of the first answer less LAG. Raises Shifted where the vendor's cursor expires, or repeats.
    """
    at, until, used, empty = None, None, set[str](), 0
    for number in range(PAGES):
        place: Mapping[str, str] = {"cursor": at} if at else {}
        response = await http.get(path, {**query, **place}, accept=(200, *EXPIRED) if at else (200,))
        until = response.date - LAG if number == 0 and response.date else until
        if response.status != 200:
            raise Shifted(f"HTTP {response.status}: the cursor expired", until)
        part = believed(response.body)
        at, empty = part.cursor, 0 if part.rows else empty + 1
        found = page(part.rows, response.date)
        if at is None and not part.stuck:
            yield replace(found, end=End(Cursor(until) if until else None))
            return
        yield found
        _goes_on(part, at in used, empty, until)
        used.add(at or "")
    raise Unexpected(f"the list does not end within {PAGES:,} pages")


def _goes_on(part: Part, been: bool, empty: int, until: datetime | None) -> None:
    if part.cursor is None:
        raise Unexpected(f"the list may not be whole: {part.stuck}")
    if been:
        raise Shifted("the list goes on where it has been before", until)
    if empty > EMPTY:
        raise Unexpected(f"{empty} pages in a row are empty, and the list goes on")


def whole(path: str, believed: Believed, http: Http, _: Cursor | None, __: Window) -> AsyncIterator[Page]:
    """A list without filters."""
    return walk(http, path, {}, believed, records)


def records(rows: Rows, _: datetime | None) -> Page:
    """A page of the stream's own records."""
    return Page(rows)


def touched(zone: ZoneInfo | None, rows: Rows, date: datetime | None) -> Page:
    """A page that names the leads these dial attempts were at: until the agent has wrapped up, they change."""
    names: dict[str, timedelta] = {}
    for row in rows:
        try:
            attempt: Any = _attempt(row)
        except UNREADABLE:
            continue  # that one is a reject, in its own stream
        name, ended, age = read_id(attempt.leadId), attempt_end(attempt, zone=zone), timedelta(0)
        if date and ended:
            age = max(age, date - ended - WRAP_UP)
        if name and _lead_id(name):
            names[name] = min(age, names.get(name, age))
    return Page((), to_fetch=names)


async def reread(identity: Callable[[Raw], str | None], http: Http, name: str) -> Page:
    """One lead, or a reject of it; none where the vendor has it no more.

    Nothing surrounds it, so what is called a lead has to look like one. Raises Unexpected where it does not.
    """
    response = await http.get(f"{LEADS}/{name}", {}, accept=(200, 404))
    if response.status == 404:
        return Page(())
    said: Any = decode_response(_LEAD, response.body)
    if identity(Raw(response.body)) not in {None, name} or not (said.timestamps and said.phones):
        raise Unexpected(f"that is not the lead {name}")
    return Page((response.body,))
