"""Lists that may be cut off, with or without saying so: a range whose list is cut is halved."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.errors import Shifted
from poller.plugin.fields.structs import IdentityOf
from poller.plugin.pagination.bisect import SECOND, Span
from poller.plugin.pagination.pages import ListPage, PageRef, read_pages
from poller.plugin.stream import Cursor, End, Page, Window

AskPage: TypeAlias = Callable[[PageRef], Awaitable[ListPage]]
Asking: TypeAlias = Callable[[Span], AskPage]
"""Begin to ask for the list of what began in a span; then ask for its pages. It may hold what is up to `longest` newer
(see `bisect_truncated`)."""


class TruncationGuess:
    """A guess whether an answer was cut off in silence: it does not go on, and holds one of these numbers of records.

    A longer answer that came before says that it was not.
    """

    def __init__(self, round_numbers: Collection[int]) -> None:
        self._round_numbers = round_numbers
        self._most = 0

    def looks_cut(self, at: PageRef, answer: ListPage) -> bool:
        """Take the next answer, which is the page `at` of its list."""
        rows = len(answer.records)
        only = at == 1 and answer.following is None
        cut = only and rows in self._round_numbers and rows >= self._most
        self._most = max(self._most, rows)
        return cut


async def bisect_truncated(
    asking: Asking,
    window: Window,
    *,
    lag: timedelta,
    longest: timedelta = timedelta(0),
    granule: timedelta = SECOND,
    identity: IdentityOf | None = None,
    bring_news: bool = False,
    ended: bool = False,
    readings: int = 1,
) -> AsyncIterator[Page]:
    """Read what began since the window's start, the newest first; the newest range has no end unless it is `ended`.

    A range whose last page is `cut` is halved, down to one `granule`. A range with an end comes with what is up to
    `longest` newer, and may not shrink: where it is no longer than that, and both its first and its last granule are
    cut, it is unreadable (asking for each one between them would take all day). So is a single granule that is cut. The
    cursor is the date of the first answer less `lag`. `identity` and `bring_news` are those of `read_pages`. A part
    that contradicts itself (what is edited leaves it) is read by itself again, `readings` times in all.
    """
    reading = _Reading(asking, window.end, lag, identity, bring_news=bring_news)
    whole = Span(window.start.replace(microsecond=0), window.end if ended else None)
    spans = [whole]
    while spans:
        span = spans.pop()
        async for page in reading.pages(span, 1 if span is whole else readings):
            yield reading.page(page, last=page.end is not None and not reading.cut and not spans)
        if not reading.cut:
            continue
        ends = _ends(span, longest, granule)
        async for page in reading.while_cut(ends):
            yield page
        halves = None if ends and reading.cut else span.halves(reading.edge, granule)
        spans += halves or ()
        if halves is None:
            reading.unreadable += (Window(span.start, span.end or max(reading.edge, span.start)),)
            if not spans:
                yield reading.page(Page(()), last=True)
    if reading.doubt:
        raise Shifted(reading.doubt, reading.until)


def _ends(span: Span, longest: timedelta, granule: timedelta) -> tuple[Span, ...]:
    """Return the first and the last granule of a range; none where it is open, too long, or but a granule itself."""
    if span.end is None or not granule < span.end - span.start <= longest:
        return ()
    return Span(span.start, span.start + granule), Span(span.end - granule, span.end)


class _Reading:
    """A pass: `until` is what it covers, `edge` how far there may be something to halve, `unreadable` what it could
    not read, `doubt` the first contradiction it met; `cut` says whether the last list was cut."""

    def __init__(
        self, asking: Asking, edge: datetime, lag: timedelta, identity: IdentityOf | None, *, bring_news: bool
    ) -> None:
        self._asking, self._lag = asking, lag
        self._identity, self._bring_news = identity, bring_news
        self._begun = False
        self.until: datetime | None = None
        self.doubt: str | None = None
        self.edge = edge
        self.cut = False
        self.unreadable: tuple[Window, ...] = ()

    async def pages(self, span: Span, readings: int = 1) -> AsyncIterator[Page]:
        """Read all pages of a span, as such; with the last one `cut` is known.

        One that contradicts itself is read again, so often; one that is cut is, in its halves.
        """
        for left in reversed(range(readings)):
            doubt = None
            try:
                async for page in self._once(span):
                    yield page
            except Shifted as doubted:
                doubt = str(doubted)
                self._begin(doubted.until)
            if doubt is None or self.cut:
                return
            if not left:
                self.doubt = self.doubt or doubt

    async def while_cut(self, spans: Iterable[Span]) -> AsyncIterator[Page]:
        """Read spans one after another until one is not cut."""
        for span in spans:
            async for page in self.pages(span):
                yield self.page(page, last=False)
            if not self.cut:
                return

    async def _once(self, span: Span) -> AsyncIterator[Page]:
        ask_page = self._asking(span)
        self.cut = False

        async def ask(at: PageRef) -> ListPage:
            answer = await ask_page(at)
            self.cut = answer.cut
            return answer

        async for page in read_pages(ask, lag=self._lag, identity=self._identity, bring_news=self._bring_news):
            if page.end:
                self._begin(page.end.cursor.until if page.end.cursor else None)
            yield page

    def page(self, page: Page, *, last: bool) -> Page:
        """Make a page of the pass, which is complete with the last one."""
        if not last or self.doubt:
            return replace(page, end=None)
        return replace(page, end=End(Cursor(self.until) if self.until else None, self.unreadable))

    def _begin(self, until: datetime | None) -> None:
        if not self._begun and until:
            self.until, self.edge = until, max(self.edge, until + self._lag)
        self._begun = True
