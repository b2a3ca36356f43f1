"""What one page of a described list shows: what came, and what is doubtful about the description."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from poller.plugin import (
    DECODE_ERRORS,
    Response,
    Stream,
    Unexpected,
    follow_path,
    letters_only,
    parse_path,
)
from poller.sources.rest.answer import Answer, absent, wrong_key
from poller.sources.rest.beside import GOES_ON, said_by
from poller.sources.rest.fields import Mapped, spelled_word, words_of
from poller.sources.rest.lists import List
from poller.sources.rest.places import ROUND_NUMBERS, Progress
from poller.sources.rest.streams import Description
from poller.sources.rest.survey.advice import (
    BEFORE,
    COUNTS,
    ERRORS,
    NOTHING,
    rises,
    silent_places,
    times_in,
    unread_time,
)

OLDEST_FIRST = "what is edited between two pages leaves its place, and a row behind is missed: ask for the newest first"
SHORT = "what is edited meanwhile moves, so fewer rows come than it says; that they may be looked for at the front,"


class Sights:
    """What a page shows."""

    def __init__(
        self, description: Description, stream: Stream, listed: List, answer: Answer, response: Response
    ) -> None:
        self._stream, self._description, self._listed = stream, description, listed
        self._rows, self._answer, self._response = answer.rows, answer, response
        self._records = list(_decoded(stream, answer.rows))
        self._names = {name for row in answer.rows if (name := listed.identity(row))}
        self._undescribed = dict(_undescribed(description, response.body))

    def details(self) -> Mapping[str, Any]:
        """Return all of it, for machines."""
        return {
            "rows": len(self._rows),
            "identities": len(self._names),
            "time": self._range(self._stream.records.time),
            "modified": self._range(self._stream.records.modified),
            "next": self._next(),
            "total": self._answer.total,
            "unmapped": self._unmapped(),
            "undescribed": sorted(self._undescribed),
        }

    def words(self) -> Iterator[str]:
        """Say what came."""
        seen, described = self.details(), self._description
        size = self._listed.request.size
        of = f" of {size} asked for" if size and seen["next"] and len(self._rows) < size else ""
        yield f"{seen['rows']} rows{of} at {described.records}, {seen['identities']} different identities"
        for name, path in (("time", described.stream.time), ("modified", described.stream.modified)):
            if path and self._rows:
                yield f"{path} {' to '.join(seen[name])}" if seen[name] else f"no {path}"
        if self._listed.paging.goes_on:
            place = seen["next"] or ""
            yield f"goes on at {place:.60}{'…' * (len(place) > 60)}" if place else "does not go on"
        if seen["total"] is not None:
            yield f"{seen['total']:,} in all"

    def warnings(self) -> Iterator[str]:
        """Say what is doubtful about the description."""
        for field, words in self._unmapped().items():
            yield f"words of {field} that are not mapped: {', '.join(words)}"
        yield from silent_places(self._description, self._rows)
        yield from self._unread_times()
        if unsaid := self._undescribed.keys() - self._counts_of_the_page():
            yield f"not described: {', '.join(sorted(unsaid))}"
        if before := self._page_before():
            yield f"a page before the first ({before}): do pages begin at 0? Then have `paging` follow what is next"
        if self._rows and len(self._names) < len(self._rows):
            yield f"{len(self._rows) - len(self._names)} rows without an identity of their own: is `identity` right?"
        if self._may_go_on():
            yield f"{len(self._rows)} rows, and {self._leads_nowhere()}"
        if self._loses_at_seams():
            by = self._description.stream.modified
            yield f"sorted by {by}, oldest first: {OLDEST_FIRST}"
        if self._is_short_by_edits():
            by = self._description.stream.modified
            yield f"sorted by {by}, newest first, with a total: {SHORT} set `window_field: {by}`"

    def require_paging(self) -> None:
        """Raise Unexpected where the answer says that it goes on, and the description does not say how."""
        paging = self._listed.paging
        if not paging.goes_on and (more := self._said_to_go_on() or self._total_beyond() or self._is_full()):
            raise wrong_key("paging", f"the list goes on ({more}), and the description does not say how: `paging`")
        if self._may_go_on() and (more := self._said_to_go_on() or self._counts_more()):
            raise wrong_key("paging.next", f"the list goes on ({more}), and {self._leads_nowhere()}")

    def _said_to_go_on(self) -> str | None:
        """Return where the answer says in a well-known word that is not described that it goes on."""
        said = self._undescribed.items()
        onward = (path for path, value in said if value not in (*NOTHING, False, 0))
        return next((path for path in onward if path.rpartition(".")[2].lower() in GOES_ON), None)

    def _counts_more(self) -> str | None:
        """Return what number in the answer, described or not, says that there is more than this page."""
        rows = len(self._rows)
        if self._answer.total is not None:
            return self._total_beyond()
        for path, value in self._undescribed.items():
            word = path.rpartition(".")[2].lower()
            least = 1 if "pages" in word else rows
            if word in COUNTS and isinstance(value, int) and value > least:
                return f"{path} is {value}"
        return None

    def _total_beyond(self) -> str | None:
        rows, total = len(self._rows), self._answer.total or 0
        return f"{rows} of {total} records came" if total > rows else None

    def _may_go_on(self) -> bool:
        """Return whether a page is full, and nothing says where the list goes on, or that it is over."""
        rows, answer = len(self._rows), self._answer
        if not self._listed.paging.linked or answer.next or answer.more is not None or answer.total == rows:
            return False
        return self._listed.request.is_full(rows) if self._listed.request.size else rows in ROUND_NUMBERS

    def _is_full(self) -> str | None:
        """Say that as many rows came as were asked for, where nothing says that these are all."""
        rows, answer = len(self._rows), self._answer
        full = self._listed.request.is_full(rows) and answer.total != rows and answer.more is not False
        return f"{rows} rows came, as many as were asked for" if full else None

    def _leads_nowhere(self) -> str:
        """Say that `paging.next` leads nowhere, what a run would do then, and what is there."""
        text = str(self._description.stream.paging.next)
        halves = self._listed.ranges is not None and len(self._rows) in ROUND_NUMBERS
        fate = "take it for cut, and ask again in halves of its time" if halves else "read this page and never the rest"
        there = absent(text, self._response) or f"nothing is at {text}"
        return f"paging.next leads nowhere, so a run would {fate}, if there is more: {there}"

    def _unread_times(self) -> Iterator[str]:
        """Say which times cannot be read in any record."""
        stream, seen = self._description.stream, self.details()
        unread = [key for key in ("time", "modified") if getattr(stream, key) and self._rows and not seen[key]]
        there = times_in(self._rows, self._description.zone) if unread else []
        yield from (unread_time(key, getattr(stream, key), there) for key in unread)

    def _next(self) -> str | None:
        """Return where the list goes on, by what the answer says or by count."""
        paging = self._listed.paging
        if self._answer.more is False:
            return None
        if paging.linked or paging.place is None:
            return self._answer.next
        try:
            at = Progress(paging, self._listed.identity).take(1, self._answer).following
        except Unexpected:  # the last record has no identity, which is told by itself
            return None
        if paging.place == "offset" and at is not None:
            at = int(at) - 1
        return None if at is None else f"{paging.place} {at}"

    def _counts_of_the_page(self) -> set[str]:
        """Return the paths of what counts the rows of this page: such a number is no total."""
        counts = {path: value for path, value in self._undescribed.items() if path.rpartition(".")[2] == "count"}
        return {path for path, value in counts.items() if value == len(self._rows)}

    def _page_before(self) -> str | None:
        """Return where the answer says that pages are counted from another number than the first one asked for."""
        counted = self._listed.paging.place == "page" and not self._listed.paging.linked
        said = said_by(self._response.body, BEFORE, self._description.records) if counted else ()
        return next((path for path, value in said if value not in (*NOTHING, False, 0)), None)

    def _loses_at_seams(self) -> bool:
        """Return whether the list goes on by count, and its rows rise by their stamps: then an edit moves them."""
        by_count = self._listed.paging.place in {"page", "offset"} and self._next() is not None
        return by_count and self._moves(1)

    def _is_short_by_edits(self) -> bool:
        """Return whether edits would leave a pass short of its total, and nothing says by what the list is sorted."""
        listed = self._listed
        said = listed.described.total is None or listed.window_field is not None or not listed.is_windowed
        return not said and self._moves(-1)

    def _moves(self, step: int) -> bool:
        """Return whether an edit moves a row: stamps rise (or, with -1, fall) from row to row, and creations do not."""
        records = self._stream.records
        stamps, made = (
            [at for record in self._records[::step] if (at := _or_none(read, record))]
            for read in (records.modified, records.time)
        )
        return rises(stamps) and not rises(made)

    def _range(self, read: Callable[[Any], datetime | None]) -> tuple[str, str] | None:
        times = sorted(filter(None, (_or_none(read, record) for record in self._records)))
        return (f"{times[0]:%Y-%m-%dT%H:%M:%SZ}", f"{times[-1]:%Y-%m-%dT%H:%M:%SZ}") if times else None

    def _unmapped(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in ("status", "direction"):
            field = self._description.stream.fields.get(name)
            ours = words_of(self._stream.records.kind, name)
            if field and ours:
                said = {spelled_word(_at(row, str(field.path))) for row in self._rows} - {None}
                others = {str(word) for word in said if not _is_mapped(str(word), ours, field.values or {})}
                found |= {name: sorted(others)} if others else {}
        return found


def _is_mapped(word: str, ours: Sequence[str], values: Mapping[str, Mapped]) -> bool:
    return word in values or letters_only(word) in set(map(letters_only, ours))


def _at(row: Raw, path: str) -> Any:
    return follow_path(msgspec.json.decode(row), parse_path(path))


def _decoded(stream: Stream, rows: Iterable[Raw]) -> Iterator[Any]:
    for row in rows:
        with suppress(*DECODE_ERRORS):
            yield stream.records.decoder.decode(bytes(row))


def _or_none(read: Callable[[Any], datetime | None], record: Any) -> datetime | None:
    try:
        return read(record)
    except ValueError:
        return None


def _undescribed(description: Description, body: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the paths, with their values, of what looks like paging, totals or errors and is not described."""
    stream = description.stream
    described = {text for text in stream.paging.model_dump().values() if isinstance(text, str)} | {*stream.expect}
    for path, value in said_by(body, GOES_ON | COUNTS | ERRORS, description.records):
        if not any(known == path or known.startswith((f"{path}.", f"{path}[")) for known in described):
            yield path, value
