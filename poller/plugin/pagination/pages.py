"""Lists that are read page by page, also where an answer contradicts itself.

A pass over a list reads it to its end, whatever it meets on the way, so that all that came is delivered. What
contradicts the list (a total that is not met, a page that repeats) is a doubt: a pass that has one ends with Shifted in
place of an `End`, so that no cursor moves. The loop starts such a pass over, and after three in a row leaves a gap and
goes on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from poller.errors import Shifted, TooLarge, Unexpected
from poller.plugin.fields.columns import IdentityOf, identities
from poller.plugin.stream import Cursor, End, Page

EMPTY_PAGES, PAGES = 1_000, 10_000
"""No list is believed that goes on after so many empty pages in a row, or after so many pages at all."""

_AGAIN = 20
"""A list repeats itself where so many pages in a row begin as the one before did."""

PageRef: TypeAlias = int | str
"""The place where a list goes on: the number of a page, or the vendor's own cursor."""


@dataclass(frozen=True, slots=True)
class TooFew:
    """What a pass met that met fewer different records than the list's first total: so many, and their identities."""

    found: int
    met: Set[str]


@dataclass(frozen=True, slots=True)
class ListPage:
    """An answer of a list, its envelope believed.

    `following` is None at the end of the list, `token` the vendor's sync token (see Cursor). `doubt` says how the
    answer contradicts itself; `size` is the size of its pages, where the answer names one. `beyond` is the page after a
    last one that is full: there is none by the vendor's numbers, which may be one too low. `cut`: the list ends
    here, and there is more of it that cannot be asked for. `facts` and `notice` are those of `Page`.
    """

    records: Sequence[msgspec.Raw]
    total: int | None
    following: PageRef | None
    date: datetime | None
    token: str | None = None
    doubt: str | None = None
    size: int | None = None
    beyond: PageRef | None = None
    cut: bool = False
    facts: frozenset[str] = frozenset()
    notice: str | None = None


AskPage: TypeAlias = Callable[[PageRef], Awaitable[ListPage]]
"""Ask for a page of a list that is being read."""


class _Pass:
    """A pass over a list, and what it has seen: its `last` page, `doubt`, the first contradiction, `circles`, that the
    list repeats, and `over`, that what is beyond it is nothing new."""

    def __init__(self, identity: IdentityOf | None, *, bring_news: bool = False) -> None:
        self._identity, self._bring_news = identity, bring_news
        self._ids: set[str] = set()
        self._nameless = 0
        self._been: set[PageRef] = set()
        self._first_total: int | None = None
        self._total, self._empty, self._again = 0, 0, 0
        self._size: int | None = None
        self.last: ListPage | None = None
        self.began: datetime | None = None
        self.doubt: str | None = None
        self.circles = self.over = False

    def take(self, at: PageRef, answer: ListPage) -> None:
        """Take the next page."""
        if not self._been:
            self.began, self._size, self._first_total = answer.date, answer.size, answer.total
        self._been.add(at)
        beyond = self.last is not None and self.last.following is None
        self._again = self._again + 1 if self._begins_again(answer) else 0
        self.last = answer
        news = self._count(answer)
        self.over = beyond and self._identity is not None and not news
        if self.over:
            return
        repeats = self._again >= _AGAIN or (not news and self._bring_news and bool(answer.records))
        self._empty = 0 if answer.records else self._empty + 1
        self.circles = repeats or answer.following in self._been
        self.doubt = self.doubt or self._moved(answer) or answer.doubt
        before, self._total = self._total, answer.total or 0
        if not self.doubt and answer.total is not None and answer.total < before:
            self.doubt = f"the list shrank from {before} to {answer.total} records while it was read"

    def require_end(self) -> None:
        """Raise Unexpected where a list that goes on seems to have no end."""
        if self._empty > EMPTY_PAGES:
            raise Unexpected(f"{self._empty:,} pages in a row are empty, and the list goes on")
        if len(self._been) >= PAGES:
            raise Unexpected(f"the list does not end within {PAGES:,} pages")

    def contradiction(self, answer: ListPage, until: datetime | None, *, whole: bool) -> Shifted | None:
        """Return how a pass that is over contradicts its list; None where all of it adds up.

        While a list is read as a `whole`, records may enter, and need not come. So the identities are no fewer than its
        first total said, and no more than its last.
        """
        if self.doubt:
            return Shifted(self.doubt, until)
        found = self._found
        least, most = self._first_total or 0, found if answer.total is None else answer.total
        if not whole or self._identity is None or answer.cut or least <= found <= most:
            return None
        text = f"the list holds {max(least, most)} records, but {found} different ones came"
        return Shifted(text, until, TooFew(found, self._ids) if found < least else None)

    def _count(self, answer: ListPage) -> int:
        """Count a page's records; return how many of them are new, one without an identity counting as itself."""
        before = self._found
        names = identities(self._identity, answer.records) if self._identity else []
        self._nameless += names.count(None)
        self._ids.update(filter(None, names))
        return self._found - before

    @property
    def _found(self) -> int:
        return len(self._ids) + self._nameless

    def _begins_again(self, answer: ListPage) -> bool:
        """Return whether a page begins where the one before did: its first record comes again, and most of the others.

        So do the pages of a list that does not take the place it is asked for: each answer may name another one next,
        and new records may come meanwhile.
        """
        before = self.last.records if self.last else ()
        if len(before) < 2 or before[0] not in answer.records:
            return False
        known = set(map(bytes, before))
        return 2 * sum(bytes(row) in known for row in answer.records) >= len(answer.records)

    def _moved(self, answer: ListPage) -> str | None:
        if self.circles:
            return "the list repeats itself: it goes on where it has been before"
        same = answer.size == self._size
        return None if same else f"its pages held {self._size} records, then {answer.size}"


async def read_pages(
    ask: AskPage,
    *,
    lag: timedelta,
    limit: datetime | None = None,
    identity: IdentityOf | None = None,
    enough: Callable[[Sequence[msgspec.Raw]], bool] | None = None,
    bring_news: bool = False,
) -> AsyncIterator[Page]:
    """Read a list from its first page to its end, or until `enough` says so.

    The cursor is the date of the first answer less `lag`, never beyond `limit`; none where the vendor sends no date.
    Raises Shifted, once all is read, where an answer contradicted itself or the list shrank; or, with `identity`, where
    the different records (one without counts as itself) of a list that was read to its end do not make up its total:
    rows may enter a list while it is read, and never vanish. With `bring_news` each page that holds records has to
    bring a new one. Raises Unexpected where the list does not end.
    """
    so_far = _Pass(identity, bring_news=bring_news)
    at: PageRef | None = 1
    while at is not None:
        answer = await _ask_within(ask, at, so_far, lag, limit)
        so_far.take(at, answer)
        at = None if so_far.circles or so_far.over else answer.following or answer.beyond
        early = answer.following is not None and enough is not None and enough(answer.records)
        if early:
            at = None
        if at is not None:
            yield Page(answer.records, facts=answer.facts, notice=answer.notice)
            so_far.require_end()
    until = _until(so_far.began, lag, limit)
    shifted = so_far.contradiction(answer, until, whole=not early)
    end = None if shifted else End(Cursor(until, answer.token) if until else None)
    yield Page(answer.records, end=end, facts=answer.facts, notice=answer.notice)
    if shifted:
        raise shifted


async def _ask_within(
    ask: AskPage,
    at: PageRef,
    so_far: _Pass,
    lag: timedelta,
    limit: datetime | None,
) -> ListPage:
    """Ask for the next page. A page that is gone says that the list moved, and does not know what the pass covered."""
    try:
        if so_far.last and so_far.last.following is None:
            return await ask_beyond(ask(at), so_far.last)
        return await ask(at)
    except Shifted as gone:
        raise Shifted(str(gone), gone.until or _until(so_far.began, lag, limit)) from None


async def ask_beyond(asked: Awaitable[ListPage], last: ListPage) -> ListPage:
    """Return the answer for the page after a full last one; it is empty where the vendor has no such page.

    Vendors refuse such a page, say that it is gone, or send their last one once more.
    """
    nothing = replace(last, records=(), following=None, beyond=None, doubt=None)
    try:
        answer = await asked
    except TooLarge:
        raise
    except (Shifted, Unexpected):
        return nothing
    return nothing if list(answer.records) == list(last.records) else answer


async def read_in_turn(*lists: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """Read one list after another; with the last one the pass is complete, and earns no cursor."""
    for pages in lists:
        async for page in pages:
            yield Page(page.records, end=End() if page.end and pages is lists[-1] else None)


def _until(began: datetime | None, lag: timedelta, limit: datetime | None) -> datetime | None:
    if began is None:
        return None
    return min(began - lag, limit) if limit else began - lag
