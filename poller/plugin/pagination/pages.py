"""How lists continue from one request to the next, and what contradicts them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from poller.errors import Shifted, Unexpected
from poller.plugin.fields.structs import IdentityOf
from poller.plugin.stream import Cursor, End, Page

PageRef: TypeAlias = int | str
"""Where a list goes on: the number of a page, or the vendor's own cursor."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One request's worth of a list, its envelope believed. `following` is None at the end; `token` see Cursor."""

    records: Sequence[msgspec.Raw]
    total: int | None
    following: PageRef | None
    date: datetime | None
    token: str | None = None


class _Pass:
    """What one pass over a list has seen so far."""

    def __init__(self, identity: IdentityOf | None) -> None:
        self._identity = identity
        self._names: set[str] = set()
        self._nameless = 0
        self._places: set[PageRef] = set()
        self._total = 0
        self.began: datetime | None = None

    def take(self, place: PageRef, answer: ListPage) -> str | None:
        """Says how the list shrank; None where it did not. Raises Unexpected where it runs in a circle."""
        if not self._places:
            self.began = answer.date
        self._places.add(place)
        if answer.following in self._places:
            raise Unexpected("the list goes on where it has been before")
        before, self._total = self._total, answer.total or 0
        for name in map(self._identity, answer.records) if self._identity else ():
            if name is None:
                self._nameless += 1
            else:
                self._names.add(name)
        shrank = answer.total is not None and answer.total < before
        return f"the list shrank from {before} to {answer.total} records while it was read" if shrank else None

    def missing(self, answer: ListPage) -> str | None:
        """How the identities of a pass that is over contradict the list's total; None where they add up."""
        found = len(self._names) + self._nameless
        if self._identity is None or answer.total is None or found == answer.total:
            return None
        return f"the list holds {answer.total} records, but {found} different ones came"


async def read_pages(
    ask: Callable[[PageRef], Awaitable[ListPage]],
    *,
    lag: timedelta,
    limit: datetime | None = None,
    identity: IdentityOf | None = None,
    enough: Callable[[Sequence[msgspec.Raw]], bool] | None = None,
) -> AsyncIterator[Page]:
    """Read a list from its first page to its end, or until `enough` says so.

    The cursor is the date of the first answer less `lag`, never beyond `limit`; none where the vendor sends no date.
    Raises Shifted where the list shrank, or, with `identity`, where the different records (one without counts as
    itself) don't make up its total; what the last page held is delivered before.
    """
    so_far = _Pass(identity)
    at: PageRef | None = 1
    while at is not None:
        answer = await ask(at)
        contradiction = so_far.take(at, answer)
        over = answer.following is None or bool(enough and enough(answer.records))
        until = _until(so_far.began, lag, limit)
        contradiction = contradiction or (so_far.missing(answer) if over else None)
        if contradiction:
            yield Page(answer.records)
            raise Shifted(contradiction, until)
        yield Page(answer.records, end=End(Cursor(until, answer.token) if until else None) if over else None)
        at = None if over else answer.following


async def read_in_turn(*lists: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """Read one list after another; with the last one the pass is complete, and earns no cursor."""
    for pages in lists:
        async for page in pages:
            yield Page(page.records, end=End() if page.end and pages is lists[-1] else None)


def _until(began: datetime | None, lag: timedelta, limit: datetime | None) -> datetime | None:
    if began is None:
        return None
    return min(began - lag, limit) if limit else began - lag


class PageEnds:
    """Where a list of numbered pages ends, when the vendor may make its pages smaller than the `size` asked for."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept = False
        self._read = 0

    def begin(self) -> None:
        """A list begins; what is known of the vendor's page size stays."""
        self._read = 0

    def ended(self, answer: ListPage) -> bool:
        """Take the next page: whether it is the last. An empty one is, and a full one never is.

        A short one is where the list's total is reached; without a total, where a page was full before.
        """
        rows = len(answer.records)
        self._read += rows
        self._kept = self._kept or rows >= self._size
        if not rows or rows >= self._size:
            return not rows
        return self._kept if answer.total is None else self._read >= answer.total
