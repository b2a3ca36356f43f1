"""Agendize's list of calls: how it is asked for, and which of the answers are believed.

Its words on `startDate`, `endDate` and sync tokens are those of Google Calendar's `timeMax`, `timeMin` and `syncToken`
(https://developers.google.com/calendar/api/v3/reference/events/list): the first two we take for swapped.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec import UNSET, Raw, Struct, json

from poller.plugin import (
    BEGINNING,
    Cursor,
    Denied,
    FilterCheck,
    Http,
    JsonValue,
    ListPage,
    Page,
    PageRef,
    Response,
    SentRows,
    SourceError,
    Span,
    SyncTokenExpired,
    Throttled,
    TruncationGuess,
    Unavailable,
    Unexpected,
    Window,
    bisect,
    column_of,
    decode_response,
    follow_sync_token,
    identity_of,
    read_id,
    read_rows,
    read_time,
    steady_rows,
    utf8,
)
from poller.sources.agendize.records import STARTED, start_of

CALLS = "/calls"
NO_CALLS = {"items", "nextPageToken", "nextSyncToken"}  # all that an answer may hold that lacks its calls
_NONE = (None, "", False)  # an error, or a token, that is none
BEYOND = datetime(2100, 1, 1, tzinfo=UTC)  # no call begins later: who asks for those has an answer, and a short one
EXCLUSIVE = timedelta(seconds=2)  # so much earlier is asked: a bound is not in its range, which is cut to the second

# What the documentation leaves open, and we assume (what could lose or repeat records has a name in assumptions.py):
LAG = timedelta(seconds=5)  # so long after its end, at the latest, a call is visible
LONGEST = timedelta(hours=4)  # no call lasts longer: `endDate` is about the end
CAPS = frozenset({100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000})  # so many in one answer may not be all
SLACK = timedelta(hours=2)  # so much earlier a call may seem to begin than it was asked for: clocks are put back
SHORT = timedelta(hours=1)  # a list since then is short, and may hold a sync token as well as a whole one
RESET = timedelta(hours=48)  # so far before the last good sync is read again when a token has expired
EXPIRED = ("400", "404", "410")  # what a token that has expired may be answered with
CODES = frozenset(map(str, range(400, 600)))
REFUSALS: Mapping[str, type[SourceError]] = {"401": Denied, "403": Denied, "429": Throttled}
_written = "{:%Y-%m-%dT%H:%M:%SZ}".format  # to the second; its fraction is cut off


class _Found(Struct, rename="camel"):
    items: SentRows = UNSET
    next_page_token: JsonValue = None
    next_sync_token: JsonValue = None
    error: JsonValue = None
    status_code: JsonValue = None


_FOUND, _KEYS = json.Decoder(_Found), json.Decoder(dict[str, Raw])
call_id = identity_of("id", "record.url")
steady = steady_rows(signed_urls=[("url", column_of("record.url", str, "id"))])


def since(http: Http, _: Cursor | None, window: Window, *, ended: bool = False) -> AsyncIterator[Page]:
    """Read what began since the window's start, open-ended unless `ended`."""
    check, guess = FilterCheck(_is_late_enough, "calls that began after startDate"), TruncationGuess(CAPS)

    async def ask(span: Span, place: PageRef) -> ListPage:
        known = replace(span, start=max(span.start, BEGINNING))
        answer = await ask_since(http, known, place)
        cut = guess.looks_cut(place, answer)
        return replace(answer, doubt=check.doubt(answer.records, known.start - EXCLUSIVE - SLACK), cut=cut)

    return bisect(lambda span: partial(ask, span), window, lag=LAG, longest=LONGEST, ended=ended)


async def ask_since(http: Http, span: Span, place: PageRef) -> ListPage:
    """Ask for a page of what began in a span; it may hold what began up to LONGEST later. Raises SourceError."""
    end = {"endDate": _written(span.end + LONGEST)} if span.end else {}
    return await _ask(http, {"startDate": _written(span.start - EXCLUSIVE), **end}, place)


async def ask_changes(http: Http, token: str) -> ListPage:
    """Ask for the first page of what changed since a sync token. Raises SourceError."""
    return await _ask(http, {"syncToken": token}, 1)


async def count_beyond(http: Http) -> int:
    """Return how many calls begin later than any can. Raises Unexpected where the filter means the opposite."""
    answer = await _ask(http, {"startDate": _written(BEYOND - EXCLUSIVE)}, 1)
    check = FilterCheck(_is_late_enough, "calls that began after startDate")
    if check.doubt(answer.records, BEYOND - SLACK):
        raise Unexpected("the filter was not applied: calls came that began before startDate")
    return len(answer.records)


def sync(http: Http, cursor: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read what changed since the last pass, whenever it began."""
    return follow_sync_token(
        cursor,
        changes=lambda token: partial(_ask, http, {"syncToken": token}),
        lists=[partial(_ask, http, query) for query in ({"startDate": _written(window.end - SHORT)}, {})],
        since=lambda until: since(http, None, replace(window, start=until - RESET)),
        lag=LAG,
    )


async def _ask(http: Http, query: Mapping[str, str], place: PageRef) -> ListPage:
    """Ask for a page of a list of calls. Raises SourceError."""
    at = {"pageToken": place} if isinstance(place, str) else {}
    return await http.read(CALLS, {**query, **at}, _page, accept=(200, *map(int, EXPIRED)))


def _page(response: Response) -> ListPage:
    found = _believed(response)
    rows, further = read_rows(found.items, "items", call_id, answer=response), read_id(found.next_page_token)
    if further is None and found.next_page_token not in _NONE:
        raise Unexpected("not the documented answer: its nextPageToken is no token")
    return ListPage(rows, None, further, response.date, read_id(found.next_sync_token))


def _believed(response: Response) -> _Found:
    """Return the answer, unless it is a refusal, which may come as a 200. Raises SourceError."""
    response = replace(response, sent=utf8(response.sent))
    try:
        found = decode_response(_FOUND, response)
    except Unexpected:
        if response.status == 200:
            raise
        found = _Found()  # what comes with another status need not be of the documented shape
    inner = found.error.get("code") if isinstance(found.error, dict) else found.status_code
    said = [code for code in (read_id(inner), f"{response.status}") if code in CODES]
    if said or found.error not in _NONE:
        raise _refusal(said[0] if said else "none", response.status)
    if found.items in (None, UNSET) and decode_response(_KEYS, response).keys() - NO_CALLS:
        raise Unexpected("not the documented answer: it holds no items, but something else")
    return found


def _refusal(code: str, status: int) -> SourceError:
    named = (
        SyncTokenExpired if code in EXPIRED else REFUSALS.get(code, Unavailable if code.startswith("5") else Unexpected)
    )
    return named(f"HTTP {status}, refused with the code {code}")


def _is_late_enough(row: Raw, start: datetime, _: datetime | None) -> bool | None:
    """Return whether a call began after `start`; None where that hangs on the zone in the configuration."""
    began = read_time(*start_of(STARTED.decode(row), None))
    return None if began is None else began >= start
