"""A list that is read page by page: what each page says is handed on, and what contradicts the list moves no cursor.

Killed: a cursor without the list's token, or beyond its limit; a notice that only the last page hands on; a list
without end, or with a few empty pages, taken for the other; a last page without a total that costs the pass; a page of
old records that passes for a new one; a page that is gone and makes the pass forget what it covered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.fields.structs import identity_of
from poller.plugin.pagination import pages
from poller.plugin.pagination.pages import ListPage, PageRef, read_in_turn, read_pages
from poller.plugin.stream import Cursor, End, Page
from tests.support.toy import NOON

MINUTE = timedelta(minutes=1)
IDENTITY = identity_of("id")


def answers(*lists: str, **every: Any) -> dict[PageRef, ListPage]:
    """A list of so many pages, numbered from 1, whose records have these letters as identities."""
    shown: dict[PageRef, ListPage] = {}
    for number, names in enumerate(lists, 1):
        records = [msgspec.Raw(b'{"id":"%b"}' % name.encode()) for name in names]
        shown[number] = replace(ListPage(records, None, number + 1, NOON + number * MINUTE), **every)
    shown[len(lists)] = replace(shown[len(lists)], following=None)
    return shown


async def read(listed: Mapping[PageRef, ListPage], **how: Any) -> tuple[list[Page], Exception | None]:
    """Return the pages of a pass, and what ended it."""

    async def ask(at: PageRef) -> ListPage:
        if at not in listed:
            raise Shifted("that page is gone")
        return listed[at]

    came: list[Page] = []
    try:
        async for page in read_pages(ask, lag=MINUTE, **how):
            came.append(page)  # noqa: PERF401  an error does not take back what came
    except (Shifted, Unexpected) as error:
        return came, error
    return came, None


async def test_the_cursor_is_the_first_date_less_the_lag_within_its_limit_and_has_the_lists_token() -> None:
    listed = answers("a", "b", token="next")
    for limit, until in ((None, NOON), (NOON + MINUTE, NOON), (NOON - MINUTE, NOON - MINUTE)):
        came, _ = await read(listed, limit=limit)
        assert [page.end for page in came] == [None, End(Cursor(until, "next"))]
    came, _ = await read(answers("a", date=None), limit=NOON)
    assert [page.end for page in came] == [End(None)], "a vendor without a date earns none"


async def test_every_page_hands_on_what_was_noticed() -> None:
    came, _ = await read(answers("a", "b", facts=frozenset({"odd"}), notice="an odd page"))
    assert [(page.facts, page.notice) for page in came] == [(frozenset({"odd"}), "an odd page")] * 2


async def test_so_many_empty_pages_in_a_row_are_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EMPTY_PAGES", 2)
    came, error = await read(answers("", "", "a", "", "", "b"))
    assert (error, len(came)) == (None, 6)
    came, error = await read(answers("", "", "", "a"))
    assert str(error) == "3 pages in a row are empty, and the list goes on"


async def test_no_list_is_longer_than_a_list_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGES", 2)
    assert (await read(answers("a", "b")))[1] is None
    assert str((await read(answers("a", "b", "c")))[1]) == "the list does not end within 2 pages"


@pytest.mark.parametrize(
    ("totals", "names", "complaint"),
    [
        ((2, 2), "ab", None),
        ((2, None), "ab", None),
        ((2, None), "aa", "the list holds 2 records, but 1 different ones came"),
        ((1, 2), "ab", None),
        ((2, 3), "ab", None),
        ((3, 2), "ab", "the list shrank from 3 to 2 records while it was read"),
        ((1, 1), "ab", "the list holds 1 records, but 2 different ones came"),
    ],
)
async def test_the_identities_add_up_to_the_total(
    totals: Sequence[int | None], names: str, complaint: str | None
) -> None:
    listed = answers(*names)
    listed = {at: replace(listed[at], total=total) for at, total in zip(listed, totals, strict=True)}
    came, error = await read(listed, identity=IDENTITY)
    assert (len(came), str(error) if error else None) == (2, complaint)
    assert bool(came[-1].end) is (complaint is None)


async def test_a_page_of_old_records_repeats_the_list_where_each_has_to_bring_news() -> None:
    came, error = await read(answers("ab", "ab", "c"), identity=IDENTITY, bring_news=True)
    assert (len(came), str(error)) == (2, "the list repeats itself: it goes on where it has been before")
    _, error = await read(answers("ab", "bc", "", "d"), identity=IDENTITY, bring_news=True)
    assert error is None
    _, error = await read(answers("ab", "ab", "c"), identity=IDENTITY)
    assert error is None


async def test_a_list_that_begins_again_and_again_repeats_itself_though_each_page_brings_news() -> None:
    moving = [f"{chr(200 + number)}{chr(199 + number)}{chr(198 + number)}" for number in range(40)]
    came, error = await read(answers(*moving))
    assert (len(came), str(error)) == (21, "the list repeats itself: it goes on where it has been before")
    _, error = await read(answers(*moving[:20], "ab", *moving[20:]))
    assert error is None, "not so often in a row"
    _, error = await read(answers("abcd", "defa", "hidj", "jklm", "mnop"))
    assert error is None, "a list whose pages overlap"


async def test_a_page_that_is_gone_leaves_what_the_pass_covered() -> None:
    came, error = await read({1: answers("a", "b")[1]})
    assert isinstance(error, Shifted)
    assert (len(came), str(error), error.until) == (1, "that page is gone", NOON)


async def test_lists_in_turn_are_complete_with_the_last_one_and_earn_no_cursor() -> None:
    async def ask(at: PageRef) -> ListPage:
        return answers("a", "b")[at]

    came = [page async for page in read_in_turn(*(read_pages(ask, lag=MINUTE) for _ in range(2)))]
    assert [bytes(page.records[0]) for page in came] == [b'{"id":"a"}', b'{"id":"b"}'] * 2
    assert [page.end for page in came] == [None, None, None, End()]
