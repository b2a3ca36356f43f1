"""How lists that hand out sync tokens are followed: a pass asks for what changed since the token the last one got."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.errors import TooLarge, Unexpected
from poller.plugin.pagination.pages import ListPage, PageRef, read_pages
from poller.plugin.stream import Cursor, Page

Ask: TypeAlias = Callable[[PageRef], Awaitable[ListPage]]
"""Ask for a page of one list; the last one may hold a sync token. Raises Expired where that of the list is none."""


class Expired(Unexpected):
    """The vendor has no such thing, or has it no more: a sync token, for one."""


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
            kept = page.cursor and Cursor(page.cursor.until, page.cursor.token or cursor.token)
            yield replace(page, cursor=kept)
    except Expired:
        async for page in _begin(lists, lag):
            anew = page
            yield Page(page.records)
        async for page in since(cursor.until):
            yield replace(page, cursor=anew.cursor, off=anew.off) if page.last else page


async def _begin(lists: Sequence[Ask], lag: timedelta) -> AsyncIterator[Page]:
    """The last page has the token, or is `off`: the last of the lists may be too large to be read."""
    first, off = None, "no list comes with a sync token"
    try:
        for ask in lists:
            async for page in read_pages(ask, lag=lag):
                first = first or page.cursor
                if first and page.cursor and page.cursor.token:
                    yield replace(page, cursor=Cursor(first.until, page.cursor.token))
                    return
                yield Page(page.records)
    except TooLarge as error:
        off = f"a list that may come with a sync token cannot be read: {error}"
    yield Page((), last=True, off=off)
