"""Flextell's list of leads: how it is asked for, and which of the answers are believed.

The reference numbers pages, the prose has cursors (https://docs.flextell.ai/guides/pagination): we ask for a page and
go on by what `meta` holds. Links are never used: they may drop the order and the page size.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType, json

from poller.plugin import (
    BEGINNING,
    Cursor,
    FilterCheck,
    Http,
    JsonValue,
    ListPage,
    NewestFirst,
    Page,
    PageRef,
    Response,
    Seams,
    SentRows,
    Unexpected,
    Window,
    column_of,
    decode_response,
    identity_of,
    numbered_page,
    numbering,
    read_bool,
    read_count,
    read_id,
    read_in_turn,
    read_pages,
    read_rows,
    read_time,
    steady_rows,
    struct_of,
)
from poller.sources.flextell.records import deleted

Query: TypeAlias = Mapping[str, str]
LEADS, PER_PAGE = "/leads", 100  # the documented most
MOVING = {"last_synced_at"}  # the columns of times that an import sets anew

# What the documentation leaves open, and we assume (what could lose or repeat records has a name in assumptions.py):
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible
NULL_PAGES = 10  # pages of never synced leads that may come first: some databases sort them so


class _Meta(Struct):
    last_page: JsonValue = None
    total: JsonValue = None
    has_more: JsonValue = None
    cursor: JsonValue | UnsetType = UNSET


class _List(Struct):
    meta: Raw
    data: SentRows = UNSET
    error: JsonValue = None
    message: JsonValue = None


_LIST, _META = json.Decoder(_List), json.Decoder(_Meta)
_read_numbering = numbering(number="current_page", size="per_page", last="last_page", total="total")
_LOOKED_AT = ("id", "created_at", "last_synced_at")  # of rows that need not be decoded
_deletion, lead_id = json.Decoder(struct_of("deleted_at")), identity_of(*_LOOKED_AT)
_created = column_of("created_at", read_time, *_LOOKED_AT)
steady = steady_rows(volatile=[("last_synced_at", column_of("last_synced_at", str, *_LOOKED_AT))])


async def newest(column: str, query: Query, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read leads by a column of times, back to the beginning of the window.

    Leads of one second may change places between two pages. That they add up is known only where none moves to the top.
    """
    identity, seams = None if column in MOVING else lead_id, Seams(lead_id)
    enough = NewestFirst(column, window.start, NULL_PAGES).passed

    async def ask(place: PageRef) -> ListPage:
        answer = await ask_list(http, {**query, **newest_by(column)}, place)
        return replace(answer, doubt=answer.doubt or seams.doubt(answer)) if identity else answer

    async for page in read_pages(ask, lag=LAG, identity=identity, enough=enough):
        yield replace(page, asked_from=window.start)


def newest_by(column: str) -> Query:
    """Return the parameters of an order, newest first."""
    return {"sort_by": column, "sort_order": "desc"}


def past(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read back to the beginning of the window, for there is no filter by time; and what was deleted meanwhile."""
    return read_in_turn(newest("created_at", {}, http, None, window), whole({"trashed": "1"}, http, None, window))


def whole(query: Query, http: Http, _: Cursor | None, __: Window) -> AsyncIterator[Page]:
    """Read all there is, oldest first: what is new comes last, so nothing moves on its account; the leads have to add
    up."""
    check, seams = FilterCheck(lambda row, *_: deleted(_deletion.decode(row)), "deleted"), Seams(lead_id, _created)

    async def ask(place: PageRef) -> ListPage:
        answer = await ask_list(http, {**query, "sort_by": "created_at", "sort_order": "asc"}, place)
        others = check.doubt(answer.records, BEGINNING) if "trashed" in query else None
        return replace(answer, doubt=answer.doubt or others or seams.doubt(answer))

    return read_pages(ask, lag=LAG, identity=lead_id)


async def ask_list(http: Http, query: Query, place: PageRef, per_page: int = PER_PAGE) -> ListPage:
    """Ask for a page of leads. Raises Unexpected where what comes is not the documented answer to what was asked."""
    at = {"page": f"{place}"} if isinstance(place, int) else {"cursor": place}
    return await http.read(LEADS, {**query, "per_page": f"{per_page}", **at}, partial(_page, place, per_page))


def _page(place: PageRef, per_page: int, response: Response) -> ListPage:
    found = decode_response(_LIST, response)
    if found.error or found.message:  # strict: what came may be what there was before the error
        raise Unexpected("an error came as if it were an answer")
    meta = decode_response(_META, found.meta)
    total = read_count(meta.total)
    rows = read_rows(found.data, "data", lead_id, total=total, answer=response)
    if meta.last_page is None:
        return ListPage(rows, total, _continued(meta), response.date)
    said, number = _read_numbering(found.meta), place if isinstance(place, int) else 0
    return numbered_page(said, rows, response.date, number=number, size=per_page)


def _continued(meta: _Meta) -> str | None:
    """Return the cursor of the next page, None after the last."""
    goes_on, cursor = read_bool(meta.has_more), read_id(meta.cursor)
    if goes_on is False or (meta.has_more is None and meta.cursor is None):
        return None
    if cursor is None or (meta.has_more is not None and goes_on is None):
        raise Unexpected("meta does not say how the list goes on: has_more, cursor")
    return cursor
