"""Lists that are sorted by their modification, newest first: what is edited while they are read moves to the front.

A pass over such a list meets fewer records than its total said: what it had not met yet, and was edited, is where it
has been before. That loses nothing: it is newer than the cursor, so the next pass has it in its window. Why it is
enough to read the front once more, and to count: docs/decisions/0011-a-list-that-moves.md.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Raw

from poller.errors import Shifted
from poller.plugin.fields.columns import Column, IdentityOf, identities
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.pagination.newest_first import TimeOf
from poller.plugin.pagination.pages import AskPage, ListPage, PageRef, TooFew, read_pages
from poller.plugin.stream import Cursor, End, Page

FRONTS = 3
"""So often the front of a list is read for what moved there: meanwhile more does."""


async def read_moving(
    begin: Callable[[], AskPage],
    time_of: TimeOf | None,
    *,
    lag: timedelta,
    identity: IdentityOf | None = None,
    bring_news: bool = False,
) -> AsyncIterator[Page]:
    """Read a list without an end by `read_pages`; where records are missing from its total, look for them at its front.

    `begin` begins to read the list; `time_of` reads the time by which it is filtered, and perhaps sorted. The front is
    read only where all that came is sorted so, newest first. Raises Shifted where the missing ones are not there.
    """
    order = _Order(time_of)
    try:
        async for page in read_pages(begin(), lag=lag, identity=identity, bring_news=bring_news):
            order.take(page.records)
            yield page
        return
    except Shifted as short:
        if not isinstance(short.few, TooFew) or identity is None or not short.until or not order.is_newest_first:
            raise
        why, until, front = str(short), short.until, _Front(short.few, short.until, identity, order)
    async for answer in front.pages(begin):
        end = End(Cursor(until)) if front.is_all else None
        yield Page(answer.records, end=end, facts=answer.facts, notice=answer.notice)
    if not front.is_all:
        raise Shifted(front.doubt or why, until)


class _Order:
    """Whether all pages of a reading are sorted by a time, newest first, as far as that is known."""

    def __init__(self, time_of: TimeOf | None) -> None:
        self._time_of = time_of or _no_time
        self._oldest: datetime | None = None
        self.is_newest_first = time_of is not None

    def begin(self) -> None:
        """Begin another reading."""
        self._oldest = None

    def take(self, rows: Sequence[Raw | bytes]) -> None:
        """Take the next page: it may repeat what an entry pushed on, and ends no newer than the one before it."""
        if not self.is_newest_first or not rows:
            return
        known = self._times(rows)
        falls = len(known) == len(rows) and all(one >= two for one, two in pairwise(known))
        self.is_newest_first = falls and (self._oldest is None or known[-1] <= self._oldest)
        self._oldest = known[-1] if known else None

    def is_past(self, until: datetime) -> bool:
        """Return whether the reading has come to what is no newer."""
        return self._oldest is not None and self._oldest <= until

    def _times(self, rows: Sequence[Raw | bytes]) -> list[datetime]:
        """Return the times of the rows that have one; none where one cannot be read."""
        read = self._time_of
        try:
            times = map(read.read, read.leaves(rows)) if isinstance(read, Column) else (read(Raw(row)) for row in rows)
            return [time for time in times if time]
        except (ValueError, *DECODE_ERRORS):
            return []


def _no_time(_: Raw) -> None:
    """Nothing says by what the list is sorted."""


class _Front:
    """What is found at the front of a list after a pass that met too few records; `doubt` says what contradicts it."""

    def __init__(self, first: TooFew, until: datetime, identity: IdentityOf, order: _Order) -> None:
        self._first, self._until, self._identity, self._order = first, until, identity, order
        self._found: set[str] = set()
        self._total: int | None = None
        self.doubt: str | None = None

    @property
    def is_all(self) -> bool:
        """True if with what was found here as many came as the list holds."""
        if self.doubt or self._total is None or not self._order.is_newest_first:
            return False
        return self._first.found + len(self._found) >= self._total

    async def pages(self, begin: Callable[[], AskPage]) -> AsyncIterator[ListPage]:
        """Read the front until all is found, or a few times, as long as it brings something that had not come."""
        for _ in range(FRONTS):
            self._order.begin()
            ask, before = begin(), len(self._found)
            at: PageRef | None = 1
            while at is not None:
                answer = await ask(at)
                self._take(answer)
                yield answer
                if self.is_all or self.doubt:
                    return
                at = None if self._order.is_past(self._until) else answer.following
            if len(self._found) == before:
                return

    def _take(self, answer: ListPage) -> None:
        self._order.take(answer.records)
        self._found |= {name for name in identities(self._identity, answer.records) if name} - self._first.met
        self._total, self.doubt = answer.total, answer.doubt
