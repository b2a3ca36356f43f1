"""A described list as one sweep reads it: by a window of time, back to one, or whole."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial

from msgspec import Raw

from poller.plugin import (
    BEGINNING,
    AskPage,
    Cursor,
    Fetch,
    FilterCheck,
    Http,
    IdentityOf,
    ListPage,
    NewestFirst,
    Page,
    PageRef,
    Span,
    Unexpected,
    Window,
    bisect_truncated,
    is_between,
    read_pages,
)
from poller.sources.rest.answer import Described, Envelope, link_next
from poller.sources.rest.places import Paging, Progress
from poller.sources.rest.request import Bounds, Request

LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible
PAGES_WITHOUT_TIMES = 10  # so many pages of records without a time may come first: some databases sort them so


@dataclass(frozen=True, slots=True)
class List:
    """A list, as one sweep asks for it. `window_field` is what its filter, or its order, is about; `time_of` reads it.

    `ahead` is how far beyond now the newest range reaches; nothing means exactly now.
    """

    request: Request
    paging: Paging
    described: Described
    identity: IdentityOf
    zone: tzinfo
    ahead: timedelta
    window_field: str | None = None
    time_of: Callable[[Raw], datetime | None] | None = None

    @property
    def is_windowed(self) -> bool:
        """True if the list is asked for by time."""
        return "start" in self.request.uses

    @property
    def is_whole(self) -> bool:
        """True if each pass reads the whole list."""
        return not self.is_windowed and self.window_field is None

    @property
    def granule(self) -> timedelta:
        """The shortest range that the filter can tell from another."""
        return self.request.granule("end")

    @property
    def fetch(self) -> Fetch:
        """Return how a pass reads the list."""
        if self.is_windowed:
            return self._since
        return self._whole if self.is_whole else self._back_to

    @property
    def ranges(self) -> Fetch | None:
        """Return how a window that has an end is read; None where the list takes no end."""
        return self._between if {"start", "end"} <= self.request.uses else None

    def _since(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        return self._windowed(http, window, ended=False)

    def _between(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        return self._windowed(http, window, ended=True)

    def _windowed(self, http: Http, window: Window, *, ended: bool) -> AsyncIterator[Page]:
        known = replace(window, start=max(window.start, BEGINNING))
        reading = _Reading(self, http, known.end)
        if self.ranges is None:
            return read_pages(reading.asking(Span(known.start, None)), lag=LAG, identity=self.identity)
        return bisect_truncated(
            reading.asking, known, lag=LAG, granule=self.granule, identity=self.identity, ended=ended
        )

    async def _back_to(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        """Read a list that is sorted newest first back to the window's start."""
        ask = _Reading(self, http, window.end).asking(Span(window.start, None))
        descent = NewestFirst(self.window_field or "", window.start, PAGES_WITHOUT_TIMES, self.time_of)
        async for page in read_pages(ask, lag=LAG, enough=descent.passed):
            yield replace(page, asked_from=window.start)

    def _whole(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        ask = _Reading(self, http, window.end).asking(Span(BEGINNING, None))
        return read_pages(ask, lag=LAG, identity=self.identity)


class _Reading:
    """A pass over a list; `now` is our clock when it began."""

    def __init__(self, listed: List, http: Http, now: datetime) -> None:
        self._list, self._http, self._now = listed, http, now
        self._envelope = Envelope(listed.described, listed.identity)
        inside = is_between(listed.time_of) if listed.time_of and listed.is_windowed else None
        self._check = FilterCheck(inside, f"of the window by {listed.window_field}") if inside else None

    def asking(self, span: Span) -> AskPage:
        """Begin to read a list: what lies in this span."""
        listed = self._list
        end = self._now + listed.ahead if span.end is None else span.end
        exact = span.end is None and not listed.ahead
        bounds = Bounds(span.start, end, listed.zone, exact=exact)
        progress = Progress(listed.paging, listed.identity)
        return partial(self._ask, span, bounds, progress)

    async def _ask(self, span: Span, bounds: Bounds, progress: Progress, at: PageRef) -> ListPage:
        listed, values = self._list, progress.values(at)
        query, body = listed.request.filled(bounds, values)
        if isinstance(at, str) and listed.paging.follows_links:
            query = at
        response = await self._http.ask(listed.request.path, query, body=body, accept=self._accepted())
        answer = self._envelope.read(response, bounds, values)
        if listed.paging.place is None and not listed.paging.linked:
            _require_no_link(response.headers)
        following, cut = progress.take(at, answer)
        if cut and listed.ranges is None:
            raise Unexpected("there is more of the list than can be asked for, and no {end} to ask for less")
        doubt = self._outside(answer.rows, span)
        return ListPage(answer.rows, answer.total, following, response.date, doubt=doubt, cut=cut)

    def _accepted(self) -> Collection[int]:
        listed = self._list
        empty = {int(word) for word in listed.described.empty if word.isdecimal()}
        return {200, *empty} if self._http.answered(listed.request.path) else {200, *empty - {404}}

    def _outside(self, rows: Sequence[Raw], span: Span) -> str | None:
        """Return what is doubtful about rows that lie outside of the window by more than a granule."""
        if self._check is None:
            return None
        slack = 2 * max(self._list.granule, self._list.request.granule("start"))  # one more is asked for on both sides
        return self._check.doubt(rows, span.start - slack, span.end and span.end + slack)


def _require_no_link(headers: Mapping[str, str]) -> None:
    if link_next(headers.get("link", "")):
        raise Unexpected("the answer has a link to a next page, and the description does not say how the list goes on: "
                         "`paging: {next: headers.link}` does")  # fmt: skip
