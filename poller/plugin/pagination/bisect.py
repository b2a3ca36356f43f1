"""How a list that has neither an order nor a cursor is read: a range that does not fit one page is halved."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.errors import Shifted
from poller.plugin.fields.structs import IdentityOf
from poller.plugin.pagination.pages import ListPage, PageEnds
from poller.plugin.stream import Cursor, End, Page, Window

SECOND = timedelta(seconds=1)
PASSES = 4
"""So often a second that does not fit one page is read, until two readings in a row agree."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range from one whole second to another (aware, UTC); open where `end` is None."""

    start: datetime
    end: datetime | None

    def halves(self, edge: datetime) -> tuple["Span", "Span"] | None:
        """The older and the newer half; None where it is but a second. An open one is cut as if it ended at `edge`."""
        seconds = ((self.end or edge) - self.start) // SECOND
        middle = self.start + seconds // 2 * SECOND
        return (Span(self.start, middle), Span(middle, self.end)) if seconds > 1 else None


Ask: TypeAlias = Callable[[Span, int], Awaitable[ListPage]]
"""Ask for a page of a span, by number. It may hold more than its span: seconds are cut differently elsewhere."""


async def bisect(
    ask: Ask, window: Window, *, size: int, lag: timedelta, identity: IdentityOf, ended: bool = False
) -> AsyncIterator[Page]:
    """Read what was stamped since the window's start; unless it is to be `ended`, the newest range has no end, so that
    nothing is held back.

    Ranges are halved until each fits one page of less than `size` records, so that no page can drift into another. A
    second that still does not fit is read page by page, again and again, until two readings agree with each other and
    with the list's total. The cursor is the date of the first answer less `lag`.
    Raises Shifted where the records of a range do not make up its total, or no two readings agree.
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


def _together(names: "Counter[str | bytes]", found: "Counter[str | bytes]") -> "Counter[str | bytes]":
    """What has an identity counts once, however often it comes."""
    return Counter({name: 1 if isinstance(name, str) else count for name, count in (names + found).items()})


class _Reading:
    """One pass: when it began, by the vendor's clock, and how far ahead of that there may be something to halve."""

    def __init__(self, ask: Ask, window: Window, size: int, lag: timedelta, identity: IdentityOf) -> None:
        self._ask, self._size, self._lag, self._identity = ask, size, lag, identity
        self._ends = PageEnds(size)
        self._begun = False
        self._until: datetime | None = None
        self.edge = window.end

    async def first(self, span: Span, *, last: bool) -> AsyncIterator[tuple[Page, bool]]:
        """What the first page tells of a span, and whether that is all of it.

        A page that is full is left to those of its halves. Of one whose fullness nothing tells, an empty second page
        proves that it is all.
        """
        self._ends.begin()
        answer = await self._answer(span, 1)
        over = self._ends.ended(answer)
        if not over and answer.total is None and len(answer.records) < self._size:
            yield Page(answer.records), False
            answer = await self._answer(span, 2)
            over = not answer.records
        elif over:
            self._add_up(answer)
        yield self._page(answer, last) if over else Page(()), over

    async def whole(self, span: Span, *, last: bool) -> AsyncIterator[Page]:
        """All pages of a span, read until two readings agree."""
        before: Counter[str | bytes] | None = None
        for _ in range(PASSES):
            names: Counter[str | bytes] = Counter()
            number, ended = 0, False
            self._ends.begin()
            while not ended:
                number += 1
                answer = await self._answer(span, number)
                ended = self._ends.ended(answer)
                found = self._names(answer)
                if found and found.keys() <= names.keys():
                    raise Shifted(f"page {number} repeats the pages before it", self._until)
                names = _together(names, found)
                agreed = ended and names == before and answer.total in {None, names.total()}
                yield self._page(answer, last and agreed)
            if agreed:
                return
            before = names
        raise Shifted(f"{PASSES} readings of one second do not agree", self._until)

    async def _answer(self, span: Span, number: int) -> ListPage:
        answer = await self._ask(span, number)
        if not self._begun and answer.date:
            self._until = answer.date - self._lag
            self.edge = max(self.edge, answer.date)
        self._begun = True
        return answer

    def _names(self, answer: ListPage) -> "Counter[str | bytes]":
        """A record without an identity is named by its bytes, and there may be several such ones."""
        return _together(Counter(), Counter(self._identity(row) or bytes(row) for row in answer.records))

    def _add_up(self, answer: ListPage) -> None:
        found = self._names(answer).total()
        if answer.total not in {None, found}:
            raise Shifted(f"the list holds {answer.total} records, but {found} different ones came", self._until)

    def _page(self, answer: ListPage, last: bool) -> Page:
        return Page(answer.records, end=End(Cursor(self._until) if self._until else None) if last else None)
