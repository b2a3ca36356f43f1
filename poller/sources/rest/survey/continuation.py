"""What one page of a described list shows of how the list goes on, and what is doubtful about its `paging`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from poller.plugin import ListPage, Response, Unexpected
from poller.sources.rest.answer import Answer, absent, wrong_key
from poller.sources.rest.beside import COUNTS, GOES_ON, IS_LAST, is_more, is_something, more_than, said_by, word_of
from poller.sources.rest.ends import Suspicion
from poller.sources.rest.lists import List
from poller.sources.rest.places import Onward, Progress
from poller.sources.rest.streams import Description
from poller.sources.rest.survey.advice import ERRORS


class Continuation:
    """How a list goes on after its first page. `undescribed` is what looks like paging, totals or errors beside it."""

    def __init__(self, description: Description, listed: List, answer: Answer, response: Response) -> None:
        self._description, self._listed = description, listed
        self._rows, self._answer, self._response = answer.rows, answer, response
        said = _undescribed(description, response.body)
        self.undescribed = {path: value for path, value in said if not (self.by_halves and _is_onward(path))}

    @property
    def next(self) -> str | None:
        """Return where the list goes on, by what the answer says or by count."""
        paging = self._listed.paging
        if self._answer.more is False:
            return None
        if paging.linked or paging.place is None:
            return self._answer.next
        at = self._onward.following if self._onward else None
        if paging.place == "offset" and at is not None:
            at = int(at) - 1
        return None if at is None else f"{paging.place} {at}"

    @property
    def by_halves(self) -> bool:
        """True if the rest is asked for in halves of its time: the list is cut, as described, and takes an end."""
        return self._onward is not None and self._onward.cut and self._listed.ranges is not None

    @property
    def confirmed(self) -> set[str]:
        """Return where a flag of the answer says what the description makes of it: the list goes on, or is over."""
        if not self._listed.paging.goes_on:
            return set()
        flags = {path: is_more(path, value) for path, value in self.undescribed.items() if isinstance(value, bool)}
        return {path for path, more in flags.items() if _is_flag(path) and more == (self.next is not None)}

    def require_paging(self) -> None:
        """Raise Unexpected where the answer says that it goes on, and the description does not say how."""
        found, paging, rows = self._suspicion, self._listed.paging, len(self._rows)
        if self._onward and self._onward.cut and self._listed.ranges is None:
            path = self._listed.described.more or self._listed.described.done
            said = f"{path} says so" if self._answer.more else "its cap is reached"
            why = f"the list goes on ({said}), and nothing says where; nor is there an {{end}} to ask for less"
            raise wrong_key("paging.next" if paging.linked else "paging", why)
        if found and found.is_said:
            raise wrong_key(found.key, found.why)
        if found and found.limited and not self._said_to_go_on():
            return
        is_full = found and self._listed.request.is_full(rows)
        full = f"{rows} rows came, as many as were asked for" if is_full else None
        is_read = paging.goes_on or self.by_halves
        if not is_read and (more := self._said_to_go_on() or self._total_beyond() or full):
            raise wrong_key("paging", f"the list goes on ({more}), and the description does not say how: `paging`")
        if found and (more := self._said_to_go_on() or self._counts_more()):
            raise wrong_key("paging.next", f"the list goes on ({more}), and {self._leads_nowhere(found)}")

    def warnings(self) -> Iterator[str]:
        """Say what is doubtful about the end of the list."""
        if found := self._suspicion:
            if found.limited or found.key == "paging":
                yield f"{found.why}{': a run asks for it in halves of its time' if found.cut else ''}"
            else:
                yield f"{len(self._rows)} rows, and {self._leads_nowhere(found)}"

    @cached_property
    def _onward(self) -> Onward | None:
        """Where a run would go on; None where it could not say, which is told by itself."""
        try:
            return Progress(self._listed.paging, self._listed.identity).take(1, self._answer)
        except Unexpected:  # the last record has no identity, or what should be a place is none
            return None

    @cached_property
    def _suspicion(self) -> Suspicion | None:
        """What a run would find if no page of the list had led on yet."""
        if self._onward is None:
            return None
        page = ListPage(self._rows, self._answer.total, date=None, **self._onward._asdict())
        return self._listed.ends().suspicion(1, page, self._response, len(self._rows))

    def _said_to_go_on(self) -> str | None:
        """Return where the answer says in a well-known word that is not described that it goes on."""
        said = self.undescribed.items()
        onward = (path for path, value in said if is_something(value))
        return next(filter(_is_onward, onward), None)

    def _counts_more(self) -> str | None:
        """Return what number in the answer, described or not, says that there is more than this page."""
        if self._answer.total is not None:
            return self._total_beyond()
        more = more_than(len(self._rows), self.undescribed.items())
        return f"{more[0]} is {more[1]}" if more else None

    def _total_beyond(self) -> str | None:
        rows, total = len(self._rows), self._answer.total or 0
        return f"{rows} of {total} records came" if total > rows else None

    def _leads_nowhere(self, found: Suspicion) -> str:
        """Say that `paging.next` leads nowhere, what a run would do then, and what is there."""
        text = str(self._description.stream.paging.next)
        fate = "take this page for all there is"
        if found.cut:
            fate = "take it for cut, and ask again in halves of its time"
        elif found.in_doubt:
            fate = "deliver it, and hold back the cursor in doubt of it"
        there = absent(text, self._response) or f"nothing is at {text}"
        return f"paging.next leads nowhere, so a run would {fate}, if there is more: {there}"


def _is_onward(path: str) -> bool:
    """Return whether a path is called by a word that says where a list goes on, or that it does."""
    return word_of(path) in GOES_ON


def _is_flag(path: str) -> bool:
    return word_of(path) in GOES_ON | IS_LAST


def _undescribed(description: Description, body: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the paths, with their values, of what looks like paging, totals or errors and is not described."""
    stream = description.stream
    paths = {text for text in stream.paging.model_dump().values() if isinstance(text, str)} | {*stream.expect}
    described = {text.replace('"', "") for text in paths}
    for path, value in said_by(body, GOES_ON | IS_LAST | COUNTS | ERRORS, description.records):
        if word_of(path) in IS_LAST and not isinstance(value, bool):
            continue  # the address of the last page, or when a job was done
        if not any(known == path or known.startswith((f"{path}.", f"{path}[")) for known in described):
            yield path, value
