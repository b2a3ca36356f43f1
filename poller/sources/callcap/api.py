"""Callcap's list of calls: how it is asked for, and which of the answers are believed.

- Filters and times are wall clocks of `search_timezone`, to the minute and the day.
- A page number beyond the last is an error; so may be a list with nothing to say.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Raw, Struct

from poller.plugin import (
    BEGINNING,
    Column,
    Cursor,
    End,
    FilterCheck,
    Http,
    IdentityOf,
    ListPage,
    Page,
    PageRef,
    Response,
    Seams,
    SentRows,
    Shifted,
    Unexpected,
    Window,
    column_of,
    decode_response,
    identity_of,
    is_between,
    is_same_zone,
    numbered_page,
    numbering,
    read_pages,
    read_rows,
    read_time,
    read_zone,
    steady_rows,
    wall_clock,
)

CALLS, ACCOUNTS = "/v2/get/calls/", "/v2/get/accounts/"
SHOW = 1000  # the documented most

# What the documentation leaves open, and we assume (what could lose or repeat records has a name in assumptions.py):
BEYOND = timedelta(minutes=61)  # whether the last minute counts is not documented; an hour may come twice
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible
SLACK = timedelta(hours=1, minutes=1)  # so much earlier a call may seem than it was asked for: minutes, clocks put back


class _Verdict(Struct):
    status: str


class _Refusal(_Verdict, forbid_unknown_fields=True):
    """What an error is documented to be, and no more: https://callcap.readme.io/docs/getting-started."""

    message: str = ""  # the documentation shows one of a 401


class _List(_Verdict):
    pagination: Raw
    search: dict[str, Any]
    call: SentRows = UNSET


_LIST, _VERDICT, _REFUSAL = map(msgspec.json.Decoder, (_List, _Verdict, _Refusal))
_OTHERWISE = {"success", "unauthorized"}  # what is documented to be said by another status than 404
_LOOKED_AT = ("call_id", "last_modified", "start_datetime", "recording")  # of rows that need not be decoded
call_id = identity_of(*_LOOKED_AT)
steady = steady_rows(signed_urls=[("recording", column_of("recording", str, *_LOOKED_AT))])
_read_numbering = numbering(
    number="page", size="show", last="last_page", total="total_records", rows="records_returned"
)


async def recent(zone: ZoneInfo, preset: str, http: Http, _: Cursor | None, __: Window) -> AsyncIterator[Page]:
    """Read a preset, which slides on: `live` has what slid out of it, and a page that is gone is the end."""
    number: PageRef | None = 1
    while number is not None:
        try:
            answer = await ask_list(http, zone, {"search_range": preset, "order": "newest"}, number)
        except Shifted:
            return
        number = answer.following if answer.records else None
        yield Page(answer.records, end=End() if number is None else None)


def modified(
    zone: ZoneInfo, http: Http, _: Cursor | None, window: Window, *, ended: bool = False
) -> AsyncIterator[Page]:
    """Read by last modification, open-ended, so that rows can only enter, and push others on.

    Where the range is to be `ended`, a call that is edited meanwhile leaves it, and so shifts it.
    """
    since = max(window.start, BEGINNING)
    query = modified_within(zone, since, window.end if ended else None)
    return _read(zone, http, query, BEGINNING.date(), window.end, since=("last_modified", since))


def modified_within(zone: ZoneInfo, since: datetime, end: datetime | None) -> Mapping[str, str]:
    """Return the parameters that ask for what was last modified within a range, which may have no end."""
    bounds = {"start": since} if end is None else {"start": since, "end": end + BEYOND}
    clocks = {name: wall_clock(bound, zone) for name, bound in bounds.items()}
    return {f"search_last_modified_{name}": f"{clock:%Y-%m-%d %H:%M}" for name, clock in clocks.items()}


def started_within(zone: ZoneInfo, first: date, end: datetime) -> tuple[Mapping[str, str], datetime]:
    """Return the parameters that ask for what began from a day on, oldest first, and the end of what they ask for.

    A day more than that of `end` is asked for: that the last one is included is not documented.
    """
    last = max(end.astimezone(zone).date(), first) + timedelta(days=1)
    dates = {"search_range": "custom", "search_startdate": f"{first}", "search_enddate": f"{last}", "order": "oldest"}
    return dates, datetime.combine(last, time(), zone).astimezone(UTC)


def started(zone: ZoneInfo, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read by start date, whole days; the calls have to add up."""
    first = wall_clock(max(window.start, BEGINNING), zone).date()
    began = datetime.combine(first, time(), zone).astimezone(UTC)
    return _read(zone, http, {}, first, window.end, since=("start_datetime", began), identity=call_id)


def _read(
    zone: ZoneInfo,
    http: Http,
    query: Mapping[str, str],
    first: date,
    end: datetime,
    *,
    since: tuple[str, datetime],
    identity: IdentityOf | None = None,
) -> AsyncIterator[Page]:
    """Read calls that began from the day `first` on, oldest first; what begins later was not asked for.

    `since` is a column of times that the filter is about, and from when on these were asked for.
    """
    column, earliest = since
    check = FilterCheck(is_between(time_of(column, zone)), "since then")
    seams = Seams(call_id, time_of("start_datetime", zone))

    async def ask(place: PageRef) -> ListPage:
        answer = await ask_list(http, zone, {**dates, **query}, place)
        outside, twice = check.doubt(answer.records, earliest - SLACK), seams.doubt(answer)
        return replace(answer, doubt=answer.doubt or outside or twice)

    dates, limit = started_within(zone, first, end)
    return read_pages(ask, lag=LAG, limit=limit, identity=identity)


@cache
def time_of(column: str, zone: ZoneInfo) -> Column[datetime | None]:
    """Return a reader of a column of times, of rows that are not decoded yet."""
    return column_of(column, partial(read_time, zone=zone), *_LOOKED_AT)


async def ask_list(http: Http, zone: ZoneInfo, query: Mapping[str, str], place: PageRef, show: int = SHOW) -> ListPage:
    """Raises Unexpected where that is not the documented answer to what was asked, Shifted where the page is gone."""
    number = int(place)
    fixed = {"conversation_type": "call", "detail": "all", "search_timezone": zone.key, "show": f"{show}"}
    believed = partial(_page, zone, number, show)
    answer = await http.read(CALLS, {**query, **fixed, "page": f"{number}"}, believed, accept=(200, 404))
    return await _silence(http, answer, number) if isinstance(answer, Response) else answer


def _page(zone: ZoneInfo, number: int, show: int, response: Response) -> ListPage | Response:
    """Return the page that an answer is; a 404 as it came."""
    if response.status == 404:
        return response
    found = decode_response(_LIST, response)
    if found.status.lower() != "success":
        raise Unexpected(f"page {number} is not what was asked for: its status is not success")
    if not is_same_zone(read_zone(found.search.get("timezone")), zone):
        # strict: no time in it can be known, and each would be wrong by hours
        raise Unexpected(f"page {number} is not what was asked for: its times are not those of {zone.key}")
    said = _read_numbering(found.pagination)
    rows = read_rows(found.call, "call", call_id, total=said.total, answer=response)
    return numbered_page(said, rows, response.date, number=number, size=show)


async def _silence(http: Http, response: Response, number: int) -> ListPage:
    """A list with nothing to say is a 404 with a status; so may be a wrong address, or the answer of a gateway.

    It is believed where this key was answered before, and it is just the documented one; else the accounts have to be
    there, too. Raises Unexpected, and Shifted for a page after the first.
    """
    decode_response(_VERDICT, response)
    if number > 1:
        raise Shifted(f"page {number} is gone")
    if not (http.answered(CALLS) and _is_documented(response)):
        proof = await http.get(ACCOUNTS, {})
        if decode_response(_VERDICT, proof).status != "success":
            raise Unexpected("neither the calls nor the accounts are there: is base_url right?")
    return ListPage((), 0, None, response.date)


def _is_documented(refusal: Response) -> bool:
    try:
        return decode_response(_REFUSAL, refusal).status.lower() not in _OTHERWISE
    except Unexpected:
        return False
