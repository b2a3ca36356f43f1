"""A described list as one sweep reads it: by a window of time, back to one, or whole."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property, partial

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
    Response,
    Span,
    Unexpected,
    Window,
    bisect,
    is_between,
    read_moving,
    read_pages,
)
from poller.sources.rest.answer import Answer, Described, Envelope
from poller.sources.rest.ends import Ends
from poller.sources.rest.outside import outside, reaches_back
from poller.sources.rest.places import Paging, Progress, require_no_link
from poller.sources.rest.request import Bounds, Request, answered_fact

LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible
READINGS = 3
"""So often a part of a range that contradicts itself is read, before the pass is doubted."""
IDENTIFIED = "identified"
PAGES_WITHOUT_TIMES = 10  # so many pages of records without a time may come first: some databases sort them so


@dataclass(frozen=True)
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

    @cached_property
    def envelope(self) -> Envelope:
        """The reader of its answers."""
        return Envelope(self.described, self.identity)

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

    def ends(self) -> Ends:
        """Return the judge of where one pass over the list ends."""
        return Ends(self.request, self.paging, self.described, self.ranges is not None)

    async def first_page(self, http: Http, window: Window) -> tuple[Answer, str | None]:
        """Ask for the first page of what lies in a window, and say what is doubtful about it. Raises SourceError."""
        return await _Reading(self, http, window.end).first(Span(window.start, None))

    async def page(self, http: Http, span: Span, at: PageRef, now: datetime) -> ListPage:
        """Ask for one page of what lies in a span, and do not judge what came. Raises SourceError."""
        reading = _Reading(self, http, max(now, span.start))
        return await reading.page(span, Progress(self.paging, self.identity, at), at)

    def _since(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        return self._windowed(http, window, ended=False)

    def _between(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        return self._windowed(http, window, ended=True)

    def _windowed(self, http: Http, window: Window, *, ended: bool) -> AsyncIterator[Page]:
        known = replace(window, start=max(window.start, BEGINNING))
        reading = _Reading(self, http, known.end)
        if self.ranges is None:
            begin = partial(reading.asking, Span(known.start, None))
            return read_moving(begin, self._sorted_by, lag=LAG, identity=self._counted, bring_news=self._brings_news)
        return bisect(
            reading.asking,
            known,
            lag=LAG,
            granule=self.granule,
            identity=self._counted,
            bring_news=self._brings_news,
            ended=ended,
            readings=READINGS,
            time_of=self._sorted_by,
        )

    async def _back_to(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        """Read a list that is sorted newest first back to the window's start."""
        ask = _Reading(self, http, window.end).asking(Span(window.start, None))
        descent = NewestFirst(self.window_field or "", window.start, PAGES_WITHOUT_TIMES, self.time_of)
        async for page in read_pages(ask, lag=LAG, enough=descent.passed):
            yield replace(page, asked_from=window.start)

    def _whole(self, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
        ask = _Reading(self, http, window.end).asking(Span(BEGINNING, None))
        return read_pages(ask, lag=LAG, identity=self._counted, bring_news=self._brings_news)

    @property
    def _brings_news(self) -> bool:
        """True if each page has to bring a new record: by a number or a last record, a list only ends by itself."""
        return self.paging.place in {"page", "offset", "last"}

    @property
    def _counted(self) -> IdentityOf | None:
        """The identities to be counted; None where nothing is said of how many there are."""
        return self.identity if self._brings_news or self.described.total else None

    @property
    def _sorted_by(self) -> Callable[[Raw], datetime | None] | None:
        """The time that the list may be sorted by; None where no total says that a pass met too few records."""
        return self.time_of if self.described.total else None


class _Reading:
    """A pass over a list; `now` is our clock when it began."""

    def __init__(self, listed: List, http: Http, now: datetime) -> None:
        self._list, self._http, self._now = listed, http, now
        inside = is_between(listed.time_of) if listed.time_of and listed.is_windowed else None
        self._check = FilterCheck(inside, f"of the window by {listed.window_field}") if inside else None
        self._ends = listed.ends()

    def asking(self, span: Span) -> AskPage:
        """Begin to read a list: what lies in this span."""
        progress = Progress(self._list.paging, self._list.identity)
        return partial(self._ask, span, progress)

    async def first(self, span: Span) -> tuple[Answer, str | None]:
        """Ask for the first page of a list, and for no other; say which rows were not asked for."""
        bounds, progress = self._bounds(span), Progress(self._list.paging, self._list.identity)
        answer, _ = await self._read(bounds, progress, 1)
        return answer, self._outside(answer.rows, span)

    def _bounds(self, span: Span) -> Bounds:
        listed = self._list
        end = self._now + listed.ahead if span.end is None else span.end
        return Bounds(span.start, end, listed.zone, exact=span.end is None and not listed.ahead)

    async def _read(self, bounds: Bounds, progress: Progress, at: PageRef) -> tuple[Answer, Response]:
        listed, values = self._list, progress.values(at)
        query, body = listed.request.filled(bounds, values)
        if isinstance(at, str) and listed.paging.follows_links:
            query = at

        def believed(response: Response) -> tuple[Answer, Response]:
            self._require_no_wrong_path(response)
            if not listed.paging.goes_on:
                require_no_link(response.headers)
            return listed.envelope.read(response, bounds, values), response

        return await self._http.read(listed.request.path, query, believed, body=body, accept=self._accepted)

    async def _ask(self, span: Span, progress: Progress, at: PageRef) -> ListPage:
        page, response = await self._page(span, progress, at)
        if page.cut and self._list.ranges is None:
            raise Unexpected("there is more of the list than can be asked for, and no {end} to ask for less")
        page = replace(page, doubt=page.doubt or self._outside(page.records, span), date=self._covered(page.date, span))
        if page.following is None and self._reaches_back(page.records, span):
            return page
        return self._ends.judged(self._http, at, page, response, progress.rows)

    def _covered(self, date: datetime | None, span: Span) -> datetime | None:
        """Return the date that a cursor may follow: what an exact end did not ask for yet is not covered, whether its
        text is cut to the minute or the request had to wait."""
        asked = self._list.request.reaches(self._bounds(span))
        return min(date, asked + LAG) if date and asked else date

    async def page(self, span: Span, progress: Progress, at: PageRef) -> ListPage:
        """Ask for a page of what lies in a span."""
        return (await self._page(span, progress, at))[0]

    async def _page(self, span: Span, progress: Progress, at: PageRef) -> tuple[ListPage, Response]:
        bounds = self._bounds(span)
        answer, response = await self._read(bounds, progress, at)
        onward = progress.take(at, answer)
        facts = self._facts(response, answer, onward.following)
        said = {**onward._asdict(), "doubt": onward.doubt or answer.doubt}
        return ListPage(answer.rows, answer.total, date=response.date, facts=facts, **said), response

    @property
    def _accepted(self) -> Collection[int]:
        return {200, *(int(word) for word in self._list.described.empty if word.isdecimal())}

    def _require_no_wrong_path(self, response: Response) -> None:
        if response.status == 404 and not self._http.knows(answered_fact(self._list.request.path)):
            raise Unexpected("HTTP 404: nothing there, or a wrong path: this list has given no answer yet")

    def _facts(self, response: Response, answer: Answer, following: PageRef | None) -> frozenset[str]:
        """Return what a page tells of its stream. Raises Unexpected where no record ever had an identity."""
        facts = {answered_fact(self._list.request.path)} if response.status == 200 else set()
        if answer.rows and not self._http.knows(IDENTIFIED):
            if not any(map(self._list.identity, answer.rows)):
                raise Unexpected("no record of the page has an identity: is `identity` right?")
            facts.add(IDENTIFIED)
        if self._list.paging.linked and following is not None:
            facts.add(self._ends.led_on)
        return frozenset(facts)

    def _reaches_back(self, rows: Sequence[Raw], span: Span) -> bool:
        time_of = self._list.time_of
        return bool(time_of and not self._list.is_windowed and reaches_back(rows, time_of, span.start))

    def _outside(self, rows: Sequence[Raw], span: Span) -> str | None:
        if self._check is None or self._list.time_of is None:
            return None
        granule = max(self._list.granule, self._list.request.granule("start"))
        return outside(self._check, rows, span, self._list.time_of, self._list.zone, granule)
