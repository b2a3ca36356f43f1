"""Whether a page that leads nowhere is the end of its list, or was cut off, or there is more in a way that is not
described: records that nobody asks for are lost in silence."""

from dataclasses import dataclass, field, replace

from poller.plugin import Http, ListPage, PageRef, Response, TruncationGuess
from poller.sources.rest.answer import Described, absent
from poller.sources.rest.beside import says_more
from poller.sources.rest.places import ROUND_NUMBERS, Paging
from poller.sources.rest.request import Request

LED_ON = "next led on"
_UNSAID = "and nothing says how the list goes on"


@dataclass
class Ends:
    """The ends of a list, as one pass meets them.

    `has_end`: a window can be asked for up to an end, so in halves. `by_order`: a pass stops by the list's order.
    """

    request: Request
    paging: Paging
    described: Described
    has_end: bool
    by_order: bool
    _guess: TruncationGuess = field(default_factory=lambda: TruncationGuess(ROUND_NUMBERS))

    def judged(self, http: Http, at: PageRef, page: ListPage, response: Response) -> ListPage:
        """Take a page for cut, or doubt it, where its list never went on and there may be more of it."""
        if page.cut or self.described.more or self.described.done or page.total == len(page.records):
            return page
        if not self.paging.goes_on:
            return self._undescribed(page, response)
        if not self.paging.linked or http.knows(LED_ON):
            return page
        if self.request.size:
            return self._full(page, response) if at == 1 and page.following is None else page
        if not self._guess.looks_cut(at, page):
            return page
        said = f"{len(page.records)} rows came, {_UNSAID}: is paging.next right?"
        return replace(page, cut=self.has_end, notice=said)

    def _undescribed(self, page: ListPage, response: Response) -> ListPage:
        more = says_more(response.body, self.described.records)
        return self._incomplete(page, f"{more} is true, {_UNSAID}: `paging`") if more else self._full(page, response)

    def _full(self, page: ListPage, response: Response) -> ListPage:
        """Judge a page that is as long as was asked for. Where `next` is there, and says no more, that may be true."""
        rows = len(page.records)
        if not self.request.is_full(rows) or self.by_order:
            return page
        key = "is paging.next right?" if self.paging.linked else "`paging`"
        said = f"{rows} rows came, as many as were asked for, {_UNSAID}: {key}"
        is_said = self.described.next and not absent(self.described.next, response)
        return replace(page, notice=said) if is_said and not self.has_end else self._incomplete(page, said)

    def _incomplete(self, page: ListPage, said: str) -> ListPage:
        """Have a page that is not all asked for in halves of its time; without an end to ask for, doubt it."""
        return replace(page, notice=said, **({"cut": True} if self.has_end else {"doubt": page.doubt or said}))
