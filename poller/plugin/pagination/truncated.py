"""Lists that may be cut off without saying so: a range whose answer looks cut is halved."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import msgspec

from poller.errors import Shifted
from poller.plugin.pagination.bisect import SECOND, Span
from poller.plugin.pagination.pages import ListPage, PageRef, read_pages
from poller.plugin.stream import Cursor, End, Page, Window

Ask: TypeAlias = Callable[[Span, PageRef], Awaitable[ListPage]]
"""Ask for a page of what began in a span. It may hold what is up to `longest` newer (see `bisect_truncated`)."""


async def bisect_truncated(
    ask: Ask, window: Window, *, caps: Collection[int], longest: timedelta, lag: timedelta, ended: bool = False
) -> AsyncIterator[Page]:
    """Read what began since the window's start, the newest first; the newest range has no end unless it is `ended`.

    An answer that does not go on, and holds one of these numbers of records (`caps`), looks cut, unless a longer one
    came before: its range is halved. A range with an end comes with what is up to `longest` newer, and may not shrink:
    where it is no longer than that, and both its first and its last second look cut, it is unreadable (asking for each
    second between them would take all day). The cursor is the date of the first answer less `lag`.
    """
    reading = _Reading(ask, window.end, caps, lag)
    spans = [Span(window.start.replace(microsecond=0), window.end if ended else None)]
    while spans:
        span = spans.pop()
        async for page in reading.pages(span):
            yield reading.page(page.records, last=page.end is not None and not reading.cut and not spans)
        if not reading.cut:
            continue
        ends = _ends(span, longest)
        for end in ends:
            async for page in reading.pages(end):
                yield Page(page.records)
            if not reading.cut:
                break
        halves = None if ends and reading.cut else span.halves(reading.edge)
        spans += halves or ()
        if halves is None:
            reading.unreadable += (Window(span.start, span.end or max(reading.edge, span.start)),)
            if not spans:
                yield reading.page((), last=True)
    if reading.doubt:
        raise Shifted(reading.doubt, reading.until)


def _ends(span: Span, longest: timedelta) -> tuple[Span, ...]:
    """Return the first and the last second of a range; none where it is open, too long, or but a second itself."""
    if span.end is None or not SECOND < span.end - span.start <= longest:
        return ()
    return Span(span.start, span.start + SECOND), Span(span.end - SECOND, span.end)


class _Reading:
    """A pass: `until` is what it covers, `edge` how far there may be something to halve, `unreadable` what it could
    not read, `doubt` the first contradiction it met; `cut` says whether the last list looks cut."""

    def __init__(self, ask: Ask, edge: datetime, caps: Collection[int], lag: timedelta) -> None:
        self._ask, self._caps, self._lag = ask, caps, lag
        self._begun = False
        self._most = 0
        self.until: datetime | None = None
        self.doubt: str | None = None
        self.edge = edge
        self.cut = False
        self.unreadable: tuple[Window, ...] = ()

    async def pages(self, span: Span) -> AsyncIterator[Page]:
        """Read all pages of a span, as such; with the last one `cut` is known."""
        only = True
        try:
            async for page in read_pages(partial(self._ask, span), lag=self._lag):
                rows = len(page.records)
                self.cut = only and rows in self._caps and rows >= self._most
                self._most, only = max(self._most, rows), False
                if page.end:
                    self._begin(page.end.cursor.until if page.end.cursor else None)
                yield page
        except Shifted as doubted:
            self.doubt = self.doubt or str(doubted)
            self._begin(doubted.until)

    def page(self, records: Sequence[bytes | msgspec.Raw], *, last: bool) -> Page:
        """Make a page of the pass, which is complete with the last one."""
        if not last or self.doubt:
            return Page(records)
        return Page(records, end=End(Cursor(self.until) if self.until else None, self.unreadable))

    def _begin(self, until: datetime | None) -> None:
        if not self._begun and until:
            self.until, self.edge = until, max(self.edge, until + self._lag)
        self._begun = True
