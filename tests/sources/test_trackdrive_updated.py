"""How far TrackDrive's calls are read in the order of their update, and what is said of the rest."""

from datetime import timedelta
from typing import Any

import pytest

from poller.plugin.stream import Cursor, End, Window
from poller.sources.trackdrive.api import LAG, PAGES
from tests.sources.scripted import HOUR, NOW, Said, Scripted, read
from tests.sources.trackdrive_pages import CALLS, FIXED, listing, stamped


def ages(page: int, first: float = 0.0) -> list[float]:
    """Of a page in order of update: one call a second."""
    return [first + (page - 1) * 100 + n for n in range(100)]


async def updated(*pages: list[dict[str, Any]], window: Window = HOUR, **metadata: object) -> Any:
    http = Scripted(Said(listing("calls", rows, **metadata)) for rows in pages)
    return await read(CALLS, "updated", http, window), http


@pytest.mark.covers("trackdrive", 7, 12)
async def test_updated_walks_down_until_a_whole_page_is_older_than_the_window() -> None:
    minutes = Window(NOW - timedelta(seconds=150), NOW)
    done, http = await updated(*(stamped(ages(page)) for page in (1, 2, 3)), window=minutes, total_count=9000)
    query = {**FIXED, "serializer": "call", "order": "updated_at", "order_dir": "desc"}
    assert http.queries() == [{**query, "page": str(page)} for page in (1, 2, 3)]
    assert (done.error, done.cursors[-1]) == (None, Cursor(NOW - LAG))
    assert [page.end for page in done.pages] == [None, None, End(Cursor(NOW - LAG))]
    assert {page.asked_from for page in done.pages} == {minutes.start}, "the last page reaches beyond that"


@pytest.mark.covers("trackdrive", 7)
async def test_updated_stops_where_the_list_does_and_says_what_it_did_not_reach() -> None:
    done, http = await updated(*(stamped(ages(page)) for page in range(1, PAGES + 2)), total_count=9000)
    assert (done.error, len(http.asked)) == (None, PAGES)
    assert done.cursors[-1] == Cursor(NOW - LAG)
    assert [page.end for page in done.pages[:-1]] == [None] * (PAGES - 1)
    assert done.end.unreadable == (Window(HOUR.start, NOW - timedelta(seconds=999)),)


async def test_where_the_list_ends_with_the_tenth_page_no_other_is_asked_for() -> None:
    done, http = await updated(*(stamped(ages(page)) for page in range(1, PAGES + 1)), total_count=100 * PAGES)
    assert (done.error, len(http.asked)) == (None, PAGES)
    assert done.end.unreadable == (Window(HOUR.start, NOW - timedelta(seconds=999)),), "nobody could look beyond it"


async def test_a_tenth_page_that_is_older_than_the_window_leaves_nothing_unread() -> None:
    pages = [*(stamped(ages(page)) for page in range(1, PAGES)), stamped(ages(PAGES, first=3600))]
    done, _ = await updated(*pages, total_count=9000)
    assert (len(done.pages), done.end.unreadable) == (PAGES, ())


LAST_PAGES: dict[str, list[Any]] = {
    "ascending": stamped(ages(PAGES)[::-1]),
    "without times": stamped([*ages(PAGES)[:99], None]),
    "no objects": [*stamped(ages(PAGES)[:99]), 7],
}


@pytest.mark.parametrize("page", LAST_PAGES.values(), ids=LAST_PAGES.keys())
@pytest.mark.covers("trackdrive", 7)
async def test_a_last_page_whose_order_cannot_be_trusted_reaches_nothing(page: list[Any]) -> None:
    done, _ = await updated(*(stamped(ages(number)) for number in range(1, PAGES)), page)
    assert (done.error, done.end.unreadable) == (None, (HOUR,))


SHORT = {
    "an empty page": ([stamped(ages(1)), []], {}),
    "a short page after a full one": ([stamped(ages(1)), stamped([101.0])], {}),
    "the total": ([stamped(ages(1)), stamped([101.0])], {"total_count": 101}),
    "the total of small pages": ([stamped(ages(1)[:60]), stamped(ages(1)[60:])], {"total_count": 100}),
    "an empty page after a short one": ([stamped(ages(1)[:60]), []], {}),
}


@pytest.mark.parametrize(("pages", "metadata"), SHORT.values(), ids=SHORT.keys())
async def test_updated_ends_with_the_list(pages: list[Any], metadata: dict[str, Any]) -> None:
    done, http = await updated(*pages, **metadata)
    assert (done.error, len(http.asked)) == (None, len(pages))
    assert done.end.unreadable == ()
