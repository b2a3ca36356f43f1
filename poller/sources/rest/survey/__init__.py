"""A look at one page of each list of a described stream, told whole: with it one writes and mends a description."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from poller.plugin import BEGINNING, Http, Probed, Query, Response, Stream, Sweep, Unexpected, Window
from poller.sources.rest.answer import Answer, wrong_key
from poller.sources.rest.lists import IDENTIFIED, List
from poller.sources.rest.places import Progress
from poller.sources.rest.request import answered_fact
from poller.sources.rest.streams import Description
from poller.sources.rest.survey.advice import (
    counted_otherwise,
    ends_today,
    lists_in,
    refused_with,
    require_not_turned_round,
    zoneless,
)
from poller.sources.rest.survey.asked_times import off_by_hours, other_zone, unseen_edits
from poller.sources.rest.survey.requirements import require_records
from poller.sources.rest.survey.sights import Sights

NOT_YET = (
    "HTTP 404: nothing there, or a wrong path: is `path` right? That the list is empty is believed once it has given a "
    "200; until then a run asks again, at most every 5 minutes, and the stream's lag grows"
)


_LONG = timedelta(days=2)
"""Most lists have something to say of so long a time."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What came of asking for a list: by which `sweep`, and which others ask the `same`."""

    sweep: str
    same: Sequence[str]
    found: Probed

    @property
    def words(self) -> str:
        same = f" ({' and '.join(self.same)} {'ask' if len(self.same) > 1 else 'asks'} the same)" if self.same else ""
        return f"{self.sweep}{same}: {self.found.words}"


async def look(description: Description, stream: Stream, start: datetime | None, now: datetime, http: Http) -> Probed:
    """Ask for the first page of each list that a stream's sweeps ask for, the audit's first, and say what came.

    Sweeps that ask the same are asked once. A list that has given no answer yet is asked as a first poll would, back to
    `start` (None for all there is). Raises SourceError, which names the sweep.
    """
    noted, looks = _Noted(http), list[_Look]()
    for sweep, listed, same in _different(description, stream):
        try:
            first = start or BEGINNING if not http.knows(answered_fact(listed.request.path)) else now
            found = await _look_at(description, stream, listed, noted, _window(sweep, first, now))
        except Unexpected as error:
            raise _named(error, sweep.name, looks) from None
        looks.append(_Look(sweep.name, same, found))
    return Probed("; ".join(one.words for one in looks), _details(looks), tuple(dict.fromkeys(_warnings(looks))))


def _different(description: Description, stream: Stream) -> Sequence[tuple[Sweep, List, list[str]]]:
    """Return the sweeps that ask differently, the audit first, with the names of those that ask the same."""
    found = list[tuple[Sweep, List, list[str]]]()
    for sweep in sorted(stream.sweeps, key=lambda sweep: not sweep.is_audit):
        listed = description.list_of(description.sweeps[sweep.name])
        for _, other, same in found:
            if (other.request, other.window_field) == (listed.request, listed.window_field):
                same.append(sweep.name)
                break
        else:
            found.append((sweep, listed, []))
    return found


def _window(sweep: Sweep, first: datetime, now: datetime) -> Window:
    return Window(min(first, now - (sweep.lookback or timedelta(days=1))), now)


async def _look_at(description: Description, stream: Stream, listed: List, noted: "_Noted", window: Window) -> Probed:
    try:
        answer, outside = await listed.first_page(noted, window)
    except Unexpected as error:
        if noted.response.status == 404:
            return Probed("no answer yet", {"rows": 0, "status": 404}, (NOT_YET,))
        raise _explained(error, description, noted.response) from None
    if noted.response.status != 200:
        status = noted.response.status
        return Probed(f"nothing there (HTTP {status})", {"rows": 0, "status": status}, _quiet(listed, noted, window))
    sights = Sights(description, stream, listed, answer, noted.response)
    require_records(description, listed, answer.rows)
    _require_place(listed, answer)
    sights.continuation.require_paging()
    require_not_turned_round(description.stream.paging)
    asks = " Or is" if outside and outside.endswith("?") else ": is"
    doubts = [f"{outside}{asks} `window_field` what the filter is about?"] if outside else []
    if not answer.rows:
        doubts += _quiet(listed, noted, window)
    if answer.next and answer.more is not False and not answer.rows:
        doubts.append(f"no record at {description.records}, and the list goes on: is `records` right?")
    doubts += [
        *counted_otherwise(listed.paging),
        *ends_today(listed),
        *zoneless(description, listed),
        *other_zone(description, listed, answer.rows),
        *off_by_hours(description, answer.rows, noted.response.date or window.end),
        *(unseen_edits(description, stream) if sights.details()["modified"] else ()),
    ]
    warnings = (*doubts, *sights.warnings())
    return Probed("; ".join(sights.words()), sights.details(), warnings)


def _explained(error: Unexpected, description: Description, response: Response) -> Unexpected:
    """Return the error of an answer with what it says itself, or with where else it holds lists."""
    if words := refused_with(response.body):
        error.said = words
        return error
    lists = lists_in(response.body)
    if response.status != 200 or description.records in lists or not lists:
        return error
    where = f"the lists in it are at {', '.join(lists)}: is `records` right?"
    return Unexpected(f"{error}; {where}", key=error.key or "records")


def _quiet(listed: List, noted: "_Noted", window: Window) -> tuple[str, ...]:
    """Return the doubt about a window of which nothing came: a short one may be quiet, once records have come."""
    if not listed.is_windowed or (noted.knows(IDENTIFIED) and window.end - window.start < _LONG):
        return ()
    since = f"{window.start:%Y-%m-%dT%H:%MZ}"
    spelt = "is the filter spelt otherwise (its name, unit or zone)"
    return (f"nothing since {since}: is that so, or {spelt}? `poller check --deep` finds out",)


def _require_place(listed: List, answer: Answer) -> None:
    """Raise Unexpected where a run could not go on at the place that the answer says."""
    try:
        if listed.paging.linked and answer.next:
            Progress(listed.paging, listed.identity).take(1, answer)
    except Unexpected as error:
        raise wrong_key("paging.next", f"{error}: it is no link, and no {{cursor}} takes it as a word") from None


def _named(error: Unexpected, sweep: str, before: Sequence[_Look]) -> Unexpected:
    named = Unexpected("; ".join([f"{sweep}: {error}", *(one.words for one in before)]), key=error.key)
    named.said = error.said
    return named


def _details(looks: Sequence[_Look]) -> Mapping[str, Any]:
    """Return what the first look shows, and what each does by its sweep."""
    sweeps = {one.sweep: {**one.found.details, "same": list(one.same)} for one in looks}
    return {**looks[0].found.details, "sweep": looks[0].sweep, "sweeps": sweeps}


def _warnings(looks: Sequence[_Look]) -> Iterator[str]:
    """Yield what is doubtful about the first look, and what is about others alone."""
    yield from looks[0].found.warnings
    for one in looks[1:]:
        yield from (f"{one.sweep}: {words}" for words in one.found.warnings if words not in looks[0].found.warnings)


class _Noted(Http):
    """A session that keeps the last answer; it knows which lists have given a 200 here, beside what it knew."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._known: set[str] = set()
        self.response = Response(0, b"null", None)

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        self.response = Response(0, b"null", None)
        self.response = await self._http.ask(path, query, body=body, accept=accept)
        if self.response.status == 200:
            self._known.add(answered_fact(path))
        return self.response

    def answered(self, path: str) -> bool:
        return self._http.answered(path)

    def knows(self, fact: str) -> bool:
        return fact in self._known or self._http.knows(fact)
