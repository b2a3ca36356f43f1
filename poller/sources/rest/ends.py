"""Whether a page that leads nowhere is the end of its list, or was cut off, or there is more in a way that is not
described: records that nobody asks for are lost in silence."""

import re
from dataclasses import dataclass, field, replace

from poller.plugin import Http, ListPage, PageRef, Response, TruncationGuess
from poller.sources.rest.answer import Described, absent
from poller.sources.rest.beside import Beside, word_of
from poller.sources.rest.places import ROUND_NUMBERS, Paging
from poller.sources.rest.request import Request

_UNSAID = "and nothing says how the list goes on"
_SIZES_STEP = 5
"""Sizes that pages have are multiples of it."""
_BACK = re.compile(r"prev|before|start_?cursor", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What makes the last page of a list look as if there were more: `why`, and which `key` may be wrong.

    `is_said`: the answer, or the request, says so; `limited`: the request lets no more come. A run takes the page for
    `cut`, or holds its pass `in_doubt`, or only tells.
    """

    why: str
    key: str
    is_said: bool = False
    cut: bool = False
    in_doubt: bool = False
    limited: bool = False


@dataclass
class Ends:
    """The ends of a list, as one pass meets them. `has_end`: a window can be asked for up to an end, so in halves."""

    request: Request
    paging: Paging
    described: Described
    has_end: bool
    _guess: TruncationGuess = field(default_factory=lambda: TruncationGuess(ROUND_NUMBERS))

    @property
    def led_on(self) -> str:
        """The fact that some page went on by what `paging.next` is now: another path is believed by none of it."""
        return f"next led on by {self.described.next}"

    def judged(self, http: Http, at: PageRef, page: ListPage, response: Response, rows: int) -> ListPage:
        """Take a page for cut, or doubt it, where its list ends with it, after so many rows, and there may be more."""
        found = self.suspicion(at, page, response, rows, led_on=http.knows(self.led_on))
        if found is None:
            return page
        doubt = page.doubt or found.why if found.in_doubt else page.doubt
        return replace(page, cut=found.cut, doubt=doubt, notice=found.why)

    def suspicion(
        self, at: PageRef, page: ListPage, response: Response, rows: int, *, led_on: bool = False
    ) -> Suspicion | None:
        """Return what makes a page look as if there were more behind it; None where it goes on, or is believed.

        `led_on`: some page of the stream went on by `paging.next`, so that is right.
        """
        if page.cut or page.following is not None:
            return None
        found = self._contradicted(at, page, response) or self._limited(rows)
        return found or self._unproven(at, page, response, led_on=led_on)

    def _contradicted(self, at: PageRef, page: ListPage, response: Response) -> Suspicion | None:
        """Judge a page that ends its list by the description, and says itself that there is more.

        Of a list that is read back by its pages before, the later ones have a page after them.
        """
        over = self._over_by(page)
        if over is None or (at != 1 and self._goes_back):
            return None
        within = self.described.records.replace('"', "")
        more = self._beside(page, response).says_more(within[: within.rfind("]") + 1])
        if more is None:
            return None
        (key, words), (path, value) = over, more
        more_words = "by its name there is more" if words.startswith(f"{path} ") else f"{path} is {_spelt(value)}"
        remedy = f"is paging.{key} right?" if key else f"`paging: {{more: {path}}}` would go on"
        why = f"{words}, and {more_words}: {remedy}"
        return Suspicion(why, f"paging.{key}" if key else "paging", is_said=True, in_doubt=True)

    def _limited(self, rows: int) -> Suspicion | None:
        """Judge a list of as many rows as its query lets come. Where places are counted, so many are one page of it."""
        if rows not in self.request.limits or self.paging.place in {"page", "offset", "last"}:
            return None
        why = f"{rows} rows came, as many as LIMIT {rows} in the request lets come, and nothing asks for the rest"
        return replace(self._incomplete(why, "params", is_said=not self.has_end), limited=True)

    def _over_by(self, page: ListPage) -> tuple[str, str] | None:
        """Return the key of `paging` by which a list ends with a page, and what it led to; no key where that is empty,
        None where the description does not say how the list ends."""
        described = self.described
        if path := described.more or described.done:
            return ("more" if described.more else "done"), f"{path} is {_spelt(not described.more)}"
        if self.paging.linked:
            return "next", f"nothing is at {described.next}"
        if not self.paging.goes_on:
            return ("total", f"{described.total} is {page.total}") if page.total == len(page.records) else None
        if not page.records:
            return "", "a page is empty"
        key = "pages" if described.pages and self.paging.place == "page" else "total"
        return key, f"the list is over by {getattr(described, key)}"

    @property
    def _goes_back(self) -> bool:
        """True if the list goes on, by the names of what is described, to the page before."""
        places = (self.described.more, self.described.next)
        return any(_BACK.search(".".join(text.split(".")[-2:])) for text in places if text)

    def _unproven(self, at: PageRef, page: ListPage, response: Response, *, led_on: bool) -> Suspicion | None:
        """Judge a page of a list that never went on, where nothing in the answer says that it is the last one."""
        says_so = self.described.more or self.described.done or page.total == len(page.records)
        if says_so or (self.paging.goes_on and (led_on or not self.paging.linked)):
            return None
        if not self.paging.goes_on:
            found = self._undescribed(page, response) or self._full(page, response)
            return found or (None if self.request.size else self._round(at, page, "`paging`"))
        if self.paging.linked and (found := self._elsewhere(page, response)):
            return found
        if self.request.size:
            return self._full(page, response) if at == 1 else None
        return self._round(at, page, "is paging.next right?")

    def _undescribed(self, page: ListPage, response: Response) -> Suspicion | None:
        """Judge the only page of a list of which the description does not say how it goes on, nor how it ends.

        A total may be that of all records, not of those asked for: it is believed beside what looks like a full page.
        """
        beside, rows = self._beside(page, response), len(page.records)
        if more := beside.says_more():
            said = f"{more[0]} is {_spelt(more[1])}"
        elif path := beside.leads_on():
            said = f"something is at {path}"
        elif self._looks_full(rows) and (count := beside.counts_more()):
            said = f"{rows} rows came, {count[0]} is {count[1]}"
        else:
            return None
        return self._incomplete(f"{said}, {_UNSAID}: `paging`", "paging", is_said=True)

    def _elsewhere(self, page: ListPage, response: Response) -> Suspicion | None:
        """Judge a page that has nothing at all where `next` should be, and names a next page in another place."""
        text = self.described.next
        path = self._beside(page, response).leads_on() if text and absent(text, response) else None
        if path is None or word_of(path) == "cursor":  # that may be the one that was asked by
            return None
        why = f"nothing is at {text}, and something is at {path}: is paging.next right?"
        return self._incomplete(why, "paging.next")

    def _beside(self, page: ListPage, response: Response) -> Beside:
        return Beside(response, self.described.records, page.records)

    def _looks_full(self, rows: int) -> bool:
        """Return whether so many rows may be a full page, of a list whose own total does not tell."""
        return not self.described.total and (self.request.is_full(rows) or not rows % _SIZES_STEP)

    def _round(self, at: PageRef, page: ListPage, remedy: str) -> Suspicion | None:
        """Judge an only page by a number of rows that pages have where nobody says how many there are to come."""
        if not self._guess.looks_cut(at, page):
            return None
        why = f"{len(page.records)} rows came, {_UNSAID}: {remedy}"
        return Suspicion(why, "paging.next" if self.paging.linked else "paging", cut=self.has_end)

    def _full(self, page: ListPage, response: Response) -> Suspicion | None:
        """Judge a page that is as long as was asked for. Where `next` is there, and says no more, that may be true."""
        rows = len(page.records)
        if not self.request.is_full(rows):
            return None
        why = f"{rows} rows came, as many as were asked for, {_UNSAID}"
        if not self.paging.linked:
            return self._incomplete(f"{why}: `paging`", "paging")
        said = Suspicion(f"{why}: is paging.next right?", "paging.next")
        is_there = self.described.next and not absent(self.described.next, response)
        return said if is_there and not self.has_end else self._incomplete(said.why, said.key)

    def _incomplete(self, why: str, key: str, *, is_said: bool = False) -> Suspicion:
        """Have a page that is not all asked for in halves of its time; without an end to ask for, doubt it."""
        return Suspicion(why, key, is_said, cut=self.has_end, in_doubt=not self.has_end)


def _spelt(value: bool) -> str:
    return "true" if value else "false"
