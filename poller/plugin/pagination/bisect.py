"""Lists that cannot be read to their end: a range of time whose list is cut is halved.

A range whose last page is `cut` is halved, down to one `granule`. A range with an end comes with what is up to
`longest` newer, and may not shrink: where it is no longer than that, and both its first and its last granule are
cut, it is not halved (asking for each one between them would take all day). A cut range that is not halved is
unreadable; or, where `whole` can ask for all of its pages although they drift, it is read so until two readings
agree: an import brings hundreds of records within a second.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from msgspec import Raw

from poller.errors import Shifted
from poller.plugin.fields.columns import IdentityOf
from poller.plugin.pagination.moving import read_moving
from poller.plugin.pagination.newest_first import TimeOf
from poller.plugin.pagination.pages import AskPage, ListPage, PageRef
from poller.plugin.stream import Cursor, End, Page, Window

SECOND = timedelta(seconds=1)
PASSES = 4
"""So often a shortest range is read as a whole, until two readings in a row agree."""


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


Asking: TypeAlias = Callable[[Span], AskPage]
"""Begin to ask for the list of what lies in a span; then ask for its pages. It may hold what lies outside: seconds are
cut differently elsewhere, and see `longest` of `bisect`."""


async def bisect(
    asking: Asking,
    window: Window,
    *,
    lag: timedelta,
    granule: timedelta = SECOND,
    longest: timedelta = timedelta(0),
    identity: IdentityOf | None = None,
    bring_news: bool = False,
    ended: bool = False,
    readings: int = 1,
    whole: Asking | None = None,
    time_of: TimeOf | None = None,
) -> AsyncIterator[Page]:
    """Read what was stamped since the window's start, the newest first; the newest range has no end unless it is to be
    `ended`, so that nothing is held back. How `granule`, `longest` and `whole` count is said above.
    The cursor is the date of the first answer less `lag`. `identity` and `bring_news` are those of `read_pages`; by
    `time_of`, that of `read_moving`, the newest range is read while it has no end. A part that contradicts itself is
    read `readings` times in all. Raises Shifted, once all is read, where that did not help.
    """
    read = partial(read_moving, lag=lag, identity=identity, bring_news=bring_news)
    reading = _Reading(asking, whole, window.end, lag, read, identity, time_of)
    newest = Span(window.start.replace(microsecond=0), window.end if ended else None)
    spans = [newest]
    while spans:
        span = spans.pop()
        async for page in reading.pages(span, 1 if span is newest else readings):
            yield reading.page(page, last=page.end is not None and not reading.cut and not spans)
        if not reading.cut:
            continue
        ends = _ends(span, longest, granule)
        async for page in reading.while_cut(ends):
            yield page
        if halves := None if ends and reading.cut else span.halves(reading.edge, granule):
            spans += halves
            continue
        async for page in reading.shortest(span, last=not spans):
            yield page
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
        self,
        asking: Asking,
        whole: Asking | None,
        edge: datetime,
        lag: timedelta,
        read: Callable[..., AsyncIterator[Page]],
        identity: IdentityOf | None,
        time_of: TimeOf | None,
    ) -> None:
        self._asking, self._whole, self._lag = asking, whole, lag
        self._read, self._identity, self._time_of = read, identity, time_of
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
                async for page in self._once(self._asking, span):
                    yield page
            except Shifted as doubted:
                doubt = self._doubted(doubted)
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

    async def shortest(self, span: Span, *, last: bool) -> AsyncIterator[Page]:
        """Read a range that is cut and cannot be halved, if anything can."""
        if self._whole:
            async for page in self._until_two_agree(self._whole, span):
                yield self.page(page, last=last and page.end is not None)
            return
        self.unreadable += (Window(span.start, span.end or max(self.edge, span.start)),)
        if last:
            yield self.page(Page(()), last=True)

    async def _until_two_agree(self, whole: Asking, span: Span) -> AsyncIterator[Page]:
        """Read all pages of a span until two readings agree; only the last page of the second one has an end.

        A record that comes on two of its pages may have done so in another one's place, in every reading alike.
        """
        before, doubt = None, None
        for _ in range(PASSES):
            names: set[str | bytes] = set()
            twice = False
            try:
                async for page in self._once(whole, span):
                    came = set(map(self._name, page.records))
                    twice = twice or not names.isdisjoint(name for name in came if isinstance(name, str))
                    names |= came
                    agreed = page.end is not None and names == before and not twice
                    yield page if agreed else replace(page, end=None)
                if agreed:
                    return
            except Shifted as doubted:
                doubt = self._doubted(doubted)
            before = names
        why = f"{PASSES} readings of the shortest range do not agree with each other"
        self.doubt = self.doubt or (f"{why}: {doubt}" if doubt else why)

    async def _once(self, asking: Asking, span: Span) -> AsyncIterator[Page]:
        self.cut = False

        def begin() -> AskPage:
            ask_page = asking(span)

            async def ask(at: PageRef) -> ListPage:
                answer = await ask_page(at)
                self.cut = answer.cut
                return answer

            return ask

        async for page in self._read(begin, self._time_of if span.end is None else None):
            if page.end:
                self._begin(page.end.cursor.until if page.end.cursor else None)
            yield page

    def page(self, page: Page, *, last: bool) -> Page:
        """Make a page of the pass, which is complete with the last one."""
        if not last or self.doubt:
            return replace(page, end=None)
        return replace(page, end=End(Cursor(self.until) if self.until else None, self.unreadable))

    def _doubted(self, doubted: Shifted) -> str:
        self._begin(doubted.until)
        return str(doubted)

    def _begin(self, until: datetime | None) -> None:
        if not self._begun and until:
            self.until, self.edge = until, max(self.edge, until + self._lag)
        self._begun = True

    def _name(self, row: bytes | Raw) -> str | bytes:
        """Return a row's identity; one without is named by its bytes."""
        return (self._identity and self._identity(Raw(row))) or bytes(row)
