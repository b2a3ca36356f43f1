"""The place where a described list goes on, by what its request and its answers hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from poller.plugin import IdentityOf, PageRef, Unexpected, read_count
from poller.sources.rest.answer import Answer, link_next
from poller.sources.rest.request import PLACES, Request


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list goes on. `place` is the placeholder that its request uses, None where it uses none.

    `parameter` is the parameter that the placeholder is the value of, where it is one of the query. `linked`: the
    answer says where the list goes on. `cap`: no list is read beyond so many rows.
    """

    place: str | None
    parameter: str | None
    linked: bool
    cap: int | None = None

    @property
    def goes_on(self) -> bool:
        """True if the description says how the list goes on; else its first page is taken for all of it."""
        return self.place is not None or self.linked

    @property
    def follows_links(self) -> bool:
        """True if the query of a link replaces ours."""
        return self.place is None and self.linked


def paging_of(request: Request, *, linked: bool, cap: int | None) -> Paging:
    """Return how the list of a request goes on."""
    place = next((name for name in PLACES if name in request.uses), None)
    return Paging(place, request.parameter_of(place) if place else None, linked, cap)


ROUND_NUMBERS = frozenset({10, 20, 25, 30, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000})
"""Sizes that pages have: so many rows in an only answer may be a full page, and not all."""


class Onward(NamedTuple):
    """Where a list goes on after a page: `following`, None at its end; all of it is as in ListPage."""

    following: PageRef | None = None
    beyond: PageRef | None = None
    cut: bool = False
    doubt: str | None = None


class Progress:
    """A list that is being read, from `at` on: what came so far, and so where it goes on."""

    def __init__(self, paging: Paging, identity: IdentityOf, at: PageRef = 1) -> None:
        self._paging, self._identity = paging, identity
        self._rows = at - 1 if paging.place == "offset" and isinstance(at, int) else 0
        self._most = self._pages = 0

    @property
    def rows(self) -> int:
        """How many rows came so far."""
        return self._rows

    def values(self, at: PageRef) -> Mapping[str, str | int]:
        """Return the values of the request's placeholders at this place: the first one is 1, and is no cursor."""
        place = self._paging.place
        if isinstance(at, str):
            return {place: at} if place else {}
        return {"page": {"page": at}, "offset": {"offset": at - 1}}.get(place or "", {})

    def take(self, at: PageRef, answer: Answer) -> Onward:
        """Take the next page; return where the list goes on.

        Raises Unexpected where the answer does not say what it should.
        """
        rows, cap = len(answer.rows), self._paging.cap
        full = rows in ROUND_NUMBERS if at == 1 else rows >= self._most > 0
        self._most = max(self._most, rows)
        self._rows += rows
        self._pages += bool(rows)
        if cap and (self._rows >= cap or (answer.total or 0) >= cap):
            return Onward(cut=True)
        if answer.more is False:
            return Onward()
        if self._paging.place in {"page", "offset"} and not self._paging.linked:
            return self._counted(at, answer, full=full)
        following = self._said(answer)
        return Onward(following, cut=following is None and bool(answer.more))

    def _counted(self, at: PageRef, answer: Answer, *, full: bool) -> Onward:
        """Return the next page by number. A full last one has one beyond it: the numbers may be one too low."""
        by_number = self._paging.place == "page"
        following = (int(at) if by_number else self._rows) + 1
        if not self._is_over(at, answer):
            return Onward(following)
        return Onward(beyond=following if full else None, doubt=self._miscounted(at, answer))

    def _miscounted(self, at: PageRef, answer: Answer) -> str | None:
        """Return how a list that ends has another number of pages than it says."""
        said = answer.pages or 0
        if self._paging.place == "page" and answer.rows and int(at) > said > 0:
            return f"page {at} holds records, and the list says that it has {said} pages"
        if self._paging.place == "offset" and not answer.rows and 0 < self._pages < said:
            return (
                f"the list ends after {self._pages} pages, and says that it has {said}: does it count them, not rows?"
            )
        return None

    def _said(self, answer: Answer) -> PageRef | None:
        """Return the next page by what the answer says, or by its last record."""
        if self._paging.linked:
            return _linked(self._paging, answer.next) if answer.next else None
        return self._last(answer) if self._paging.place == "last" else None

    def _is_over(self, at: PageRef, answer: Answer) -> bool:
        """Return whether a counted list is over: its totals are reached, or a page is empty."""
        if answer.more:
            return False
        if not answer.rows:
            return True
        pages = None if self._paging.place == "offset" else answer.pages
        if pages is None and answer.total is None:
            return False
        return (pages is None or int(at) >= pages) and (answer.total is None or self._rows >= answer.total)

    def _last(self, answer: Answer) -> str | None:
        if not answer.rows:
            return None
        last = self._identity(answer.rows[-1])
        if last is None:
            raise Unexpected("the last record of a page has no identity, by which the list would go on")
        return last


def require_no_link(headers: Mapping[str, str]) -> None:
    """Raise Unexpected where an answer leads on by a link, of which the description does not speak."""
    if link_next(headers.get("link", "")):
        why = "the answer has a link to a next page, and the description does not say how the list goes on"
        raise Unexpected(f"{why}: `paging: {{next: headers.link}}` does", key="paging")


def _linked(paging: Paging, said: str) -> PageRef:
    """Return the place that an answer says: a word, or out of a link. Nothing else of a link is used."""
    if paging.follows_links:
        return _query_of(said) or _refuse("has no query")
    if paging.parameter and "?" in said:
        said = _parameter_of(said, paging.parameter)
    if paging.place not in {"page", "offset"}:
        return said
    number = read_count(said)
    return _refuse("is no number") if number is None else number + (paging.place == "offset")


def _query_of(link: str) -> str:
    return link.partition("#")[0].partition("?")[2]


def _parameter_of(link: str, name: str) -> str:
    """Return a parameter of a link. A plus sign is no space: cursors are base64."""
    for pair in _query_of(link).split("&"):
        key, _, value = pair.partition("=")
        if unquote(key) == name and value:
            return unquote(value)
    return str(_refuse(f"has no {name}"))


def _refuse(why: str) -> PageRef:
    raise Unexpected(f"what should say where the list goes on {why}")
