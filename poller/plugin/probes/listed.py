"""A list as probes ask for it, and the records that they find in it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Raw

from poller.plugin.assumptions import Asking
from poller.plugin.fields.columns import IdentityOf
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.pagination.bisect import Span
from poller.plugin.pagination.pages import ListPage, PageRef
from poller.plugin.stream import Http

REACHES = (timedelta(days=1), timedelta(days=30))
"""So far back a probe looks for records, the nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedList:
    """A list, as its sweeps ask for it.

    `now` is our clock (aware, UTC), in whole seconds. `ask(http, span, place)` asks for one page of what lies in a
    span, which has no end where the sweeps' newest range has none. `time_of` reads the time that the filter, or the
    order, is about; it may raise as decoding does. On both sides `margin` more is asked for than the span, and up to
    `slack` outside of it a row may lie. `is_filtered`: the list can be asked for by time; `takes_end`: a span may have
    an end. `size` is the number of rows of a page, where one is asked for; `is_numbered`: any page can be asked for by
    its number. `newest_first`: the list comes so.
    """

    now: datetime
    ask: Callable[[Http, Span, PageRef], Awaitable[ListPage]]
    identity: IdentityOf
    time_of: Callable[[Raw], datetime | None]
    margin: timedelta = timedelta(0)
    slack: timedelta = timedelta(seconds=1)
    is_filtered: bool = True
    takes_end: bool = True
    size: int | None = None
    is_numbered: bool = False
    newest_first: bool = False

    def time(self, row: Raw) -> datetime | None:
        """Return the row's time; None where it has none, or none that can be read."""
        try:
            return self.time_of(row)
        except (ValueError, *DECODE_ERRORS):
            return None

    def name(self, row: Raw) -> str | None:
        """Return the row's identity; None where it has none, or none that can be read."""
        try:
            return self.identity(row)
        except DECODE_ERRORS:
            return None

    def timed(self, rows: Sequence[Raw]) -> list[tuple[datetime, str]]:
        """Return the time and the identity of each row that has both, in the order of the rows."""
        found = ((self.time(row), self.name(row)) for row in rows)
        return [(time, name) for time, name in found if time and name]

    def names(self, rows: Sequence[Raw]) -> set[str]:
        """Return the identities of the rows."""
        return {name for name in map(self.name, rows) if name}

    @property
    def edge(self) -> timedelta:
        """How far within a span a row has to lie at least, that it has to come: so much more is not asked for."""
        return max(timedelta(0), self.slack - 2 * self.margin)

    def outside(self, rows: Sequence[Raw], span: Span) -> list[timedelta]:
        """Return how far each of the rows that lie outside of a span lies after its end, or, below zero, before it."""
        found = list[timedelta]()
        for time, _ in self.timed(rows):
            if time < span.start - self.slack:
                found.append(time - span.start)
            elif span.end is not None and time > span.end + self.slack:
                found.append(time - span.end)
        return found

    def following(self, at: PageRef, page: ListPage) -> PageRef | None:
        """Return the place of the page after this one; None where it is the last."""
        is_full = self.size is not None and len(page.records) >= self.size
        by_number = at + 1 if self.is_numbered and is_full and isinstance(at, int) else None
        return page.following or (None if page.total is not None and page.total <= len(page.records) else by_number)


async def recent(listed: ProbedList, asking: Asking, *, least: int = 1) -> tuple[Span, ListPage]:
    """Return the first page of the newest records, and the span that was asked for: the nearest with so many records.

    The page may hold fewer, or none. Raises SourceError.
    """
    for reach in REACHES if listed.is_filtered else REACHES[:1]:
        span = Span(listed.now - reach, None)
        page = await listed.ask(asking, span, 1)
        if len(page.records) >= least:
            break
    return span, page


def plural(count: int, what: str = "record") -> str:
    """Return a number of things in words."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
