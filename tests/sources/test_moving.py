"""A list that is sorted by its modification, newest first, and is edited while it is read: a pass that says it is whole
has met all that is no newer than its cursor.

Killed: a short pass that counts as whole whatever the front holds; a total that is wrong; a front that is not read, or
read too short, or once; another cursor than that of the first answer; an order that is not looked at;
a list that shrank.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.errors import Shifted
from poller.plugin.fields.structs import identity_of
from poller.plugin.pagination.moving import read_moving
from poller.plugin.pagination.newest_first import column_reader
from poller.plugin.pagination.pages import AskPage, ListPage, PageRef
from poller.plugin.stream import Page
from tests.support.toy import NOON

LAG, TICK = timedelta(seconds=5), timedelta(seconds=10)
SIZE = 2
Row = tuple[str, datetime]
Change = tuple[str, int]


@dataclass
class Living:
    """A list, newest first, in which before each answer something changes; `more` is how wrong its total is."""

    changes: Sequence[Sequence[Change]]
    rows: dict[str, datetime] = field(default_factory=dict)
    more: int = 0
    oldest_first: bool = False
    pages_reversed: bool = False
    doubt_from: int = 1_000
    asked: int = 0

    @property
    def now(self) -> datetime:
        return NOON + self.asked * TICK

    def sorted(self) -> list[Row]:
        return sorted(self.rows.items(), key=lambda row: row[1], reverse=not self.oldest_first)

    def _change(self, what: str, which: int) -> None:
        if what == "new":
            self.rows[f"n{len(self.rows)}-{self.asked}"] = self.now
        elif self.rows:
            name, _ = self.sorted()[which % len(self.rows)]
            del self.rows[name]
            if what == "edit":
                self.rows[name] = self.now - timedelta(seconds=1)

    def begin(self) -> AskPage:
        async def ask(at: PageRef) -> ListPage:
            assert isinstance(at, int)
            self.asked += 1
            for what, which in self.changes[self.asked - 1] if self.asked <= len(self.changes) else ():
                self._change(what, which)
            rows = self.sorted()[SIZE * (at - 1) : SIZE * at]
            rows = rows[::-1] if self.pages_reversed else rows
            following = at + 1 if at * SIZE < len(self.rows) else None
            records = [msgspec.Raw(b'{"id":"%b","t":"%b"}' % (n.encode(), t.isoformat().encode())) for n, t in rows]
            doubt = "it contradicts itself" if self.asked >= self.doubt_from else None
            return ListPage(records, len(self.rows) + self.more, following, self.now, doubt=doubt)

        return ask


def living(rows: int, *changes: Sequence[Change], more: int = 0, oldest_first: bool = False) -> Living:
    listed = Living(changes, {str(n): NOON - n * timedelta(minutes=1) for n in range(1, rows + 1)})
    listed.more, listed.oldest_first = more, oldest_first
    return listed


async def read(listed: Living, time_of: Callable[[msgspec.Raw], datetime | None] | None = None) -> tuple[
    list[Page], Shifted | None
]:  # fmt: skip
    came: list[Page] = []
    reading = read_moving(listed.begin, time_of or column_reader("t"), lag=LAG, identity=identity_of("id"))
    try:
        async for page in reading:
            came.append(page)  # noqa: PERF401  an error does not take back what came
    except Shifted as error:
        return came, error
    return came, None


def met(came: Sequence[Page]) -> set[Row]:
    rows = [msgspec.json.decode(bytes(row)) for page in came for row in page.records]
    return {(row["id"], datetime.fromisoformat(row["t"])) for row in rows}


NOTHING: Sequence[Change] = ()
EDIT_LAST: Sequence[Change] = [("edit", -1)]


async def test_what_moved_to_the_front_is_found_there_and_the_pass_is_whole() -> None:
    listed = living(6, NOTHING, EDIT_LAST)
    came, error = await read(listed)
    assert error is None
    assert listed.asked == 4, "a pass of three pages, and the front"
    assert [bool(page.end) for page in came] == [False] * 3 + [True]
    end = came[-1].end
    assert end
    assert end.cursor
    assert end.cursor.until == NOON + TICK - LAG, "the cursor is that of the first answer"
    assert met(came) >= set(listed.rows.items())


async def test_a_front_of_several_pages_is_read_back_to_what_did_not_move() -> None:
    listed = living(8, NOTHING, NOTHING, EDIT_LAST, [*EDIT_LAST, *EDIT_LAST])
    came, error = await read(listed)
    assert error is None
    assert listed.asked == 6, "a pass of four pages, and two pages of the front"
    assert came[-1].end
    assert met(came) >= set(listed.rows.items())


async def test_what_moves_while_the_front_is_read_is_found_at_the_next_one() -> None:
    listed = living(8, NOTHING, NOTHING, EDIT_LAST, [*EDIT_LAST, *EDIT_LAST], NOTHING, [("edit", 2)])
    came, error = await read(listed)
    assert error is None
    assert listed.asked == 7
    assert came[-1].end
    assert met(came) >= set(listed.rows.items())


async def test_a_total_that_is_wrong_stays_a_doubt_and_costs_one_request() -> None:
    listed = living(6, more=1)
    came, error = await read(listed)
    assert str(error) == "the list holds 7 records, but 6 different ones came"
    assert listed.asked == 4
    assert not any(page.end for page in came)
    assert error
    assert error.until == NOON + TICK - LAG


async def test_a_wrong_total_is_not_made_up_for_by_what_moves() -> None:
    _, error = await read(living(6, NOTHING, EDIT_LAST, more=1))
    assert error


@pytest.mark.parametrize("pages_reversed", [False, True])
async def test_what_a_list_misses_that_is_sorted_otherwise_is_no_move(*, pages_reversed: bool) -> None:
    listed = living(6, NOTHING, [("edit", 0)], oldest_first=True)
    listed.pages_reversed = pages_reversed
    came, error = await read(listed)
    assert error
    assert listed.asked == 3, "a row was missed at a seam, and the front would not tell"
    assert not met(came) >= set(listed.rows.items())


async def test_a_doubt_at_the_front_stays_one() -> None:
    listed = living(6, NOTHING, EDIT_LAST)
    listed.doubt_from = 4
    came, error = await read(listed)
    assert str(error) == "it contradicts itself"
    assert ("6", listed.rows["6"]) in met(came), "what came is delivered"
    assert not any(page.end for page in came)


async def test_without_a_time_there_is_no_second_reading() -> None:
    listed = living(6, NOTHING, EDIT_LAST)
    reading = read_moving(listed.begin, None, lag=LAG, identity=identity_of("id"))
    with pytest.raises(Shifted, match="the list holds 6 records, but 5"):
        _ = [page async for page in reading]
    assert listed.asked == 3


async def test_times_that_cannot_be_read_account_for_nothing() -> None:
    def unread(row: msgspec.Raw) -> datetime | None:
        raise ValueError(row)

    _, error = await read(living(6, NOTHING, EDIT_LAST), unread)
    assert error


changes = st.lists(
    st.lists(st.tuples(st.sampled_from(["new", "edit", "edit", "gone"]), st.integers(0, 8)), max_size=2), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(rows=st.integers(3, 8), changes=changes)
async def test_a_whole_pass_has_met_all_that_is_no_newer_than_its_cursor(
    rows: int, changes: list[list[Change]]
) -> None:
    listed = living(rows, *changes)
    came, error = await read(listed)
    if error is None and came[-1].end and came[-1].end.cursor:
        until = came[-1].end.cursor.until
        assert met(came) >= {row for row in listed.rows.items() if row[1] <= until}
