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
    follow_path,
    letters_only,
    parse_path,
)
from poller.sources.rest.answer import Answer
from poller.sources.rest.beside import COUNTS, said_by, word_of
from poller.sources.rest.fields import Mapped, spelled_word, words_of
from poller.sources.rest.lists import List
from poller.sources.rest.records import time_or_none
from poller.sources.rest.streams import Description
from poller.sources.rest.survey.advice import BEFORE, NOTHING, rises, silent_places, times_in, unread_time
from poller.sources.rest.survey.continuation import Continuation
from poller.sources.rest.survey.requirements import rejected, unnamed

OLDEST_FIRST = "what is edited between two pages leaves its place, and a row behind is missed: ask for the newest first"
NO_END = "no {end}: history is one slice, and nothing can be asked for in halves"
SHORT = "what is edited meanwhile moves, so fewer rows come than it says; that they may be looked for at the front,"


class Sights:
    """What a page shows; `continuation` is what it shows of how the list goes on."""

    def __init__(
        self, description: Description, stream: Stream, listed: List, answer: Answer, response: Response
    ) -> None:
        self._stream, self._description, self._listed = stream, description, listed
        self._rows, self._answer, self._response = answer.rows, answer, response
        self._records = list(_decoded(stream, answer.rows))
        self._names = {name for row in answer.rows if (name := listed.identity(row))}
        self.continuation = Continuation(description, listed, answer, response)

    def details(self) -> Mapping[str, Any]:
        """Return all of it, for machines."""
        return {
            "rows": len(self._rows),
            "identities": len(self._names),
            "time": self._range(self._stream.records.time),
            "modified": self._range(self._stream.records.modified),
            "next": self.continuation.next,
            "total": self._answer.total,
            "unmapped": self._unmapped(),
            "undescribed": sorted(self.continuation.undescribed),
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
        if self.continuation.by_halves:
            yield "the list goes on: a run asks for it in halves of its time"
        if not self._listed.is_whole and self._listed.ranges is None:
            yield NO_END

    def warnings(self) -> Iterator[str]:
        """Say what is doubtful about the answer, and about the description."""
        if self._answer.doubt:
            yield self._answer.doubt
        for field, words in self._unmapped().items():
            yield f"words of {field} that are not mapped: {', '.join(words)}"
        yield from silent_places(self._description, self._rows)
        yield from self._unread_times()
        if unsaid := self.continuation.undescribed.keys() - self._needless_counts() - self.continuation.confirmed:
            yield f"not described: {', '.join(sorted(unsaid))}"
        if before := self._page_before():
            yield f"a page before the first ({before}): do pages begin at 0? Then have `paging` follow what is next"
        yield from rejected(self._description, self._listed, self._rows)
        if shared := len(self._rows) - len(unnamed(self._listed, self._rows)) - len(self._names):
            yield f"{shared} rows without an identity of their own: is `identity` right?"
        yield from self.continuation.warnings()
        if self._loses_at_seams():
            by = self._description.stream.modified
            yield f"sorted by {by}, oldest first: {OLDEST_FIRST}"
        if self._is_short_by_edits():
            by = self._description.stream.modified
            yield f"sorted by {by}, newest first, with a total: {SHORT} set `window_field: {by}`"

    def _unread_times(self) -> Iterator[str]:
        """Say whether stamps cannot be read in any record."""
        stream, seen = self._description.stream, self.details()
        if stream.modified and self._rows and not seen["modified"]:
            yield unread_time("modified", stream.modified, times_in(self._rows, self._description.zone))

    def _needless_counts(self) -> set[str]:
        """Return the paths of what counts the rows of this page, which is no total; and of all that counts, where it is
        described how the list goes on: one of them is enough."""
        paging, said = self._description.stream.paging, self.continuation.undescribed
        counts = {path: value for path, value in said.items() if word_of(path) in COUNTS}
        if paging.next or paging.total or paging.pages:
            return set(counts)
        return {path for path, value in counts.items() if word_of(path) == "count" and value == len(self._rows)}

    def _page_before(self) -> str | None:
        """Return where the answer says that pages are counted from another number than the first one asked for."""
        counted = self._listed.paging.place == "page" and not self._listed.paging.linked
        said = said_by(self._response.body, BEFORE, self._description.records) if counted else ()
        return next((path for path, value in said if value not in (*NOTHING, False, 0)), None)

    def _loses_at_seams(self) -> bool:
        """Return whether the list goes on by count, and its rows rise by their stamps: then an edit moves them."""
        by_count = self._listed.paging.place in {"page", "offset"} and self.continuation.next is not None
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
            [at for record in self._records[::step] if (at := time_or_none(read, record))]
            for read in (records.modified, records.time)
        )
        return rises(stamps) and not rises(made)

    def _range(self, read: Callable[[Any], datetime | None]) -> tuple[str, str] | None:
        times = sorted(filter(None, (time_or_none(read, record) for record in self._records)))
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
