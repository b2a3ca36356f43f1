"""Lists that have neither an order nor a cursor: a range that does not fit one page is halved."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.errors import Shifted
from poller.plugin.fields.structs import IdentityOf
from poller.plugin.pagination.pages import ListPage, PageEnds, ask_beyond
from poller.plugin.stream import Cursor, End, Page, Window

SECOND = timedelta(seconds=1)
PASSES = 4
"""So often a second that does not fit one page is read, until two readings in a row agree."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range from one time to another (aware, UTC); open where `end` is None."""

    start: datetime
    end: datetime | None

    def halves(self, edge: datetime, granule: timedelta = SECOND) -> tuple["Span", "Span"] | None:
        """Return the older and the newer half, cut at whole granules; None for a single one.

        An open range counts as ended at `edge`.
        """
        granules = ((self.end or edge) - self.start) // granule
        middle = self.start + granules // 2 * granule
        return (Span(self.start, middle), Span(middle, self.end)) if granules > 1 else None


Ask: TypeAlias = Callable[[Span, int], Awaitable[ListPage]]
"""Ask for a page of a span, by number. It may hold more than its span: seconds are cut differently elsewhere."""


async def bisect(
    ask: Ask, window: Window, *, size: int, lag: timedelta, identity: IdentityOf, ended: bool = False
) -> AsyncIterator[Page]:
    """Read what was stamped since the window's start; unless it is to be `ended`, the newest range has no end, so that
    nothing is held back.

    Ranges are halved until each fits one page of less than `size` records, so that no page can drift into another.
    A second that still does not fit is read page by page, again and again, until two readings agree with each other
    and with the list's total: `bisect_truncated`, which goes by what an answer says of itself, would give such a
    second up, and an import brings hundreds within one. The cursor is the date of the first answer less `lag`.
    Raises Shifted, once all is read, where the records of a range do not make up its total, no two readings agree,
    or an answer contradicted itself.
    """
    reading = _Reading(ask, window, size, lag, identity)
    spans = [Span(window.start.replace(microsecond=0), window.end if ended else None)]
    while spans:
        span = spans.pop()
        over = False
        async for page, proven in reading.first(span, last=not spans):
            yield page
            over = proven
        if over:
            continue
        if halves := span.halves(reading.edge):
            spans += halves
            continue
        async for page in reading.whole(span, last=not spans):
            yield page
    if reading.doubt:
        raise Shifted(reading.doubt, reading.until)


def _together(names: "Counter[str | bytes]", found: "Counter[str | bytes]") -> "Counter[str | bytes]":
    """Add up what came; a record that has an identity counts once, however often it comes."""
    return Counter({name: 1 if isinstance(name, str) else count for name, count in (names + found).items()})


class _Reading:
    """A pass: `until` is what it covers, `edge` how far there may be something to halve, `doubt` the first
    contradiction it met."""

    def __init__(self, ask: Ask, window: Window, size: int, lag: timedelta, identity: IdentityOf) -> None:
        self._ask, self._size, self._lag, self._identity = ask, size, lag, identity
        self._ends = PageEnds(size)
        self._begun = False
        self.until: datetime | None = None
        self.doubt: str | None = None
        self.edge = window.end

    async def first(self, span: Span, *, last: bool) -> AsyncIterator[tuple[Page, bool]]:
        """Read what the first page tells of a span, and whether that is all of it.

        A page that is full is left to those of its halves. Where a short one is not known to be the last, an empty
        second page proves that it is all; a second page that holds something proves that the vendor's pages are short.
        """
        self._ends.begin()
        answer = first = await self._answer(span, 1)
        over, rows = self._ends.ended(first), len(first.records)
        if not over and rows < self._size:
            yield Page(first.records), False
            answer = await self._answer(span, 2)
            over = not answer.records
            self._size = self._size if over else rows
        if over:
            self._add_up(first)
        yield self._page(answer, last) if over else Page(()), over

    async def whole(self, span: Span, *, last: bool) -> AsyncIterator[Page]:
        """Read all pages of a span until two readings agree."""
        before: Counter[str | bytes] | None = None
        for _ in range(PASSES):
            names: Counter[str | bytes] = Counter()
            number, ended = 0, False
            answer: ListPage | None = None
            self._ends.begin()
            while not ended:
                number += 1
                answer = await self._next(span, number, answer)
                ended = self._ends.ended(answer)
                found = self._names(answer)
                if found and found.keys() <= names.keys():
                    self._doubts(f"page {number} repeats the pages before it")
                    return
                names = _together(names, found)
                agreed = ended and names == before and answer.total in {None, names.total()}
                yield self._page(answer, last and agreed)
            if agreed:
                return
            before = names
        self._doubts(f"{PASSES} readings of one second do not agree with each other, or with the total")

    async def _next(self, span: Span, number: int, last: ListPage | None) -> ListPage:
        """Ask for the page after `last`, which may be full and all that its total counts."""
        if last and self._ends.counted(last):
            return await ask_beyond(self._answer(span, number), last)
        return await self._answer(span, number)

    async def _answer(self, span: Span, number: int) -> ListPage:
        answer = await self._ask(span, number)
        if not self._begun and answer.date:
            self.until = answer.date - self._lag
            self.edge = max(self.edge, answer.date)
        self._begun = True
        self._doubts(answer.doubt)
        return answer

    def _doubts(self, why: str | None) -> None:
        self.doubt = self.doubt or why

    def _names(self, answer: ListPage) -> "Counter[str | bytes]":
        """A record without an identity is named by its bytes, and there may be several such ones."""
        return _together(Counter(), Counter(self._identity(row) or bytes(row) for row in answer.records))

    def _add_up(self, answer: ListPage) -> None:
        found = self._names(answer).total()
        if answer.total not in {None, found}:
            self._doubts(f"the list holds {answer.total} records, but {found} different ones came")

    def _page(self, answer: ListPage, last: bool) -> Page:
        ended = last and not self.doubt
        return Page(answer.records, end=End(Cursor(self.until) if self.until else None) if ended else None)
