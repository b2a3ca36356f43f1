"""Lists that hand out sync tokens: a pass asks for what changed since the token that the last one got."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.errors import Lasting, TooLarge
from poller.plugin.pagination.pages import ListPage, PageRef, read_pages
from poller.plugin.stream import Cursor, End, Page

Ask: TypeAlias = Callable[[PageRef], Awaitable[ListPage]]
"""Ask for a page of one list; the last one may hold a sync token. Raises SyncTokenExpired for a dead token."""


class SyncTokenExpired(Lasting):
    """The vendor does not know what was asked for, or no more: where that is a sync token, the list is read anew."""


async def follow_sync_token(
    cursor: Cursor | None,
    *,
    changes: Callable[[str], Ask],
    lists: Sequence[Ask],
    since: Callable[[datetime], AsyncIterator[Page]],
    lag: timedelta,
) -> AsyncIterator[Page]:
    """Read the `changes` since the cursor's token; where there is none yet, `lists` until one ends with a token.

    Where the token has expired, a new one is got in the same way, and only then is all read `since` the cursor: so what
    changes between the two is not lost. The cursor is the date of the first answer less `lag`, with the new token; with
    the old one, where the changes end without any.
    """
    if cursor is None or not cursor.token:
        async for page in _begin(lists, lag):
            yield page
        return
    try:
        async for page in read_pages(changes(cursor.token), lag=lag):
            yield _keeping(page, cursor.token)
    except SyncTokenExpired:
        async for page in _begin(lists, lag):
            anew = page
            yield Page(page.records, begins_anew=True)
        begun = anew.end or End()
        async for page in since(cursor.until):
            yield replace(page, end=replace(begun, unreadable=page.end.unreadable)) if page.end else page


def _keeping(page: Page, token: str) -> Page:
    """Return the page; where it ends the pass without a token, the former token is kept."""
    found = page.end and page.end.cursor
    return replace(page, end=End(Cursor(found.until, found.token or token))) if found else page


async def _begin(lists: Sequence[Ask], lag: timedelta) -> AsyncIterator[Page]:
    """Read lists until one ends with a token; the last page has the token, or says why there is none."""
    first, why = None, "no list comes with a sync token"
    try:
        for ask in lists:
            async for page in read_pages(ask, lag=lag):
                found = page.end.cursor if page.end else None
                first = first or found
                if first and found and found.token:
                    yield Page(page.records, end=End(Cursor(first.until, found.token)), begins_anew=True)
                    return
                yield Page(page.records, begins_anew=True)
    except TooLarge as error:
        why = f"a list that may come with a sync token cannot be read: {error}"
    yield Page((), end=End(unsupported=why))
