"""How lists continue from one request to the next, and what contradicts them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

import msgspec

from poller.errors import Shifted, Unexpected
from poller.leaves import UNREADABLE, Naming
from poller.model import Cursor, Page

T = TypeVar("T")

Place: TypeAlias = int | str
"""Where a list goes on: the number of a page, or the vendor's own cursor."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request's worth of a list, its envelope believed. `following` is None at the end."""

    records: Sequence[msgspec.Raw]
    total: int | None
    following: Place | None
    date: datetime | None


class Numbering(msgspec.Struct):
    """What an answer of a numbered list says of itself: which page it is, of how many rows at most, of how many pages.

    To be decoded from a vendor's answer by a subclass that renames the fields.
    """

    number: int
    size: int
    last: int
    total: int


def envelope(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Decode an answer. Raises Unexpected where it is not of the documented shape."""
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        why = "markup where JSON was asked for" if body.lstrip()[:1] == b"<" else str(error)
        raise Unexpected(f"not the documented answer: {why}") from None


def following(found: Numbering, rows: int, *, number: int, size: int) -> int | None:
    """The number of the next page, None after the last.

    Raises Unexpected where the answer contradicts what was asked for (`number`, `size`), or itself.
    """
    pages = -(-found.total // size)
    expected = max(0, min(size, found.total - (number - 1) * size))
    contradictions = (
        (found.number != number, f"it says it is page {found.number}"),
        (found.size != size, f"its pages hold {found.size} records, not the {size} asked for"),
        (found.last != pages and (pages, found.last) != (0, 1), f"{found.total} records are not {found.last} pages"),
        (rows != expected, f"it holds {rows} records where its total of {found.total} makes {expected}"),
    )
    for holds, why in contradictions:
        if holds:
            raise Unexpected(f"page {number} contradicts itself: {why}")
    return number + 1 if number < found.last else None


class _Pass:
    """What one pass over a list has seen so far."""

    def __init__(self, identity: Naming | None) -> None:
        self._identity = identity
        self._names: set[str] = set()
        self._nameless = 0
        self._places: set[Place] = set()
        self._total = 0
        self.began: datetime | None = None

    def take(self, place: Place, answer: Answer) -> str | None:
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

    def missing(self, answer: Answer) -> str | None:
        """How the identities of a pass that is over contradict the list's total; None where they add up."""
        found = len(self._names) + self._nameless
        if self._identity is None or answer.total is None or found == answer.total:
            return None
        return f"the list holds {answer.total} records, but {found} different ones came"


async def walk(
    ask: Callable[[Place], Awaitable[Answer]],
    *,
    lag: timedelta,
    limit: datetime | None = None,
    identity: Naming | None = None,
    enough: Callable[[Sequence[msgspec.Raw]], bool] | None = None,
) -> AsyncIterator[Page]:
    """Read a list from its first page to its end, or until `enough` says so.

    The cursor is the date of the first answer less `lag`, never beyond `limit`; none where the vendor sends no date.
    Raises Shifted where the list shrank, or, with `identity`, where the different records (one without counts as
    itself) don't make up its total; what the last page held is delivered before.
    """
    so_far = _Pass(identity)
    at: Place | None = 1
    while at is not None:
        answer = await ask(at)
        contradiction = so_far.take(at, answer)
        over = answer.following is None or bool(enough and enough(answer.records))
        until = _until(so_far.began, lag, limit)
        contradiction = contradiction or (so_far.missing(answer) if over else None)
        if contradiction:
            yield Page(answer.records)
            raise Shifted(contradiction, until)
        yield Page(answer.records, Cursor(until) if over and until else None, last=over)
        at = None if over else answer.following


def _until(began: datetime | None, lag: timedelta, limit: datetime | None) -> datetime | None:
    if began is None:
        return None
    return min(began - lag, limit) if limit else began - lag


class Descent:
    """Whether a list that is sorted newest first was read back past `start`: what is further down is older still.

    Only a whole page that is older, and in order, says so. A list may begin with records that have no time in that
    column, at most `patience` pages of them.
    """

    def __init__(self, start: datetime, patience: int) -> None:
        self._start = start
        self._patience = patience
        self._before: datetime | None = None

    def passed(self, times: Sequence[datetime | None], *, readable: bool = True) -> bool:
        """Take the times of the next page (None where a record has none). Raises Unexpected when out of patience."""
        known = [time for time in times if time is not None]
        if self._before is None and not known:
            self._patience -= bool(times)
            if self._patience < 0:
                raise Unexpected("the list begins with too many records that have no time to sort by")
            return False
        leading = [self._before] if self._before else []
        self._before = known[-1] if known else self._before
        ordered = leading + known == sorted(leading + known, reverse=True)
        tail = times[times.index(known[0]) :] if known and not leading else times
        nulls_last = None not in tail[: len(known)]
        return readable and ordered and nulls_last and all(time < self._start for time in known)
