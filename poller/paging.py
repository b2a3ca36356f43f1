"""How lists continue from one request to the next, and what contradicts them."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from poller.errors import Shifted, Unexpected
from poller.leaves import UNREADABLE, Naming
from poller.model import Cursor, Page

T = TypeVar("T")

Place: TypeAlias = int | str
"""Where a list goes on: the number of a page, or the vendor's own cursor."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request's worth of a list, its envelope believed. `following` is None at the end; `token` see Cursor."""

    records: Sequence[msgspec.Raw]
    total: int | None
    following: Place | None
    date: datetime | None
    token: str | None = None


class Numbering(msgspec.Struct):
    """What an answer of a numbered list says of itself: which page it is, of what size, of how many, of what total."""

    number: int
    size: int
    last: int
    total: int
    rows: int | None = None


def numbering(**names: str) -> "msgspec.json.Decoder[Numbering]":
    """Read a Numbering whose fields, all required and none negative, have the vendor's `names`."""
    count = Annotated[int, msgspec.Meta(ge=0)]
    fields = [(own, count, msgspec.field(name=name)) for own, name in names.items()]
    return msgspec.json.Decoder(msgspec.defstruct("Numbering", fields, bases=(Numbering,)))


def envelope(decoder: "msgspec.json.Decoder[T]", body: bytes | msgspec.Raw) -> T:
    """Decode an answer. Raises Unexpected where it is not of the documented shape."""
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        if (mended := _paired(bytes(body))) != body:
            return envelope(decoder, mended)
        why = "markup where JSON was asked for" if bytes(body).lstrip()[:1] == b"<" else str(error)
        raise Unexpected(f"not the documented answer: {why}") from None


def _paired(body: bytes) -> bytes:
    """Half a character (a lone surrogate escape, as cut texts end in) is no JSON: show it as what cannot be shown."""
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"%b%b|(%b|%b)|\\." % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL)


def following(
    found: Numbering, rows: int, *, number: int, size: int, contradictions: Iterable[tuple[bool, str]] = ()
) -> int | None:
    """The number of the next page, None after the last.

    Raises Unexpected where the answer contradicts what was asked for (`number`, `size`), or itself; `contradictions`
    are the vendor's own ones: whether each holds, and its name.
    """
    pages = -(-found.total // size)
    expected = max(0, min(size, found.total - (number - 1) * size))
    all_of_them = (
        *contradictions,
        (found.number != number, f"it says it is page {found.number}"),
        (found.size != size, f"its pages hold {found.size} records, not the {size} asked for"),
        (found.last != pages and (pages, found.last) != (0, 1), f"{found.total} records are not {found.last} pages"),
        (found.rows not in {None, rows}, f"it holds {rows} records and says {found.rows}"),
        (rows != expected, f"it holds {rows} records where its total of {found.total} makes {expected}"),
    )
    for holds, why in all_of_them:
        if holds:
            raise Unexpected(f"page {number} is not what was asked for: {why}")
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
        yield Page(answer.records, Cursor(until, answer.token) if over and until else None, last=over)
        at = None if over else answer.following


async def chain(*lists: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """Read one list after another; with the last one the pass is complete, and earns no cursor."""
    for one in lists:
        async for page in one:
            yield Page(page.records, last=page.last and one is lists[-1])


def _until(began: datetime | None, lag: timedelta, limit: datetime | None) -> datetime | None:
    if began is None:
        return None
    return min(began - lag, limit) if limit else began - lag
