"""What the rows of a page need, so that a run makes events of them, and takes none for another."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Raw

from poller.sources.rest.answer import wrong_key
from poller.sources.rest.lists import List
from poller.sources.rest.records import time_or_none, time_reader
from poller.sources.rest.streams import Description
from poller.sources.rest.survey.advice import fields_in, ids_in, times_in, unread_time

_MOST = 20
"""No more fields are named than so many."""
_SOME = 10
"""One row in so many may have no time: beyond that it is hardly the rows that are wrong."""
_CHANCE = 2
"""So many rows may share an identity in any list: a record that changed meanwhile comes twice."""


def require_records(description: Description, listed: List, rows: Sequence[Raw]) -> None:
    """Raise Unexpected where rows came, and a run would make no event of any, for want of an identity, or a time; or
    would take most of them for revisions of each other."""
    if rows and len(unnamed(listed, rows)) == len(rows):
        raise wrong_key("identity", f"no record of the page has an identity: {_instead(rows)}; is `identity` right?")
    if description.stream.time and rows and len(_untimed(description, rows)) == len(rows):
        there = times_in(rows, description.zone)
        beside = "" if there else f"; a record has {_fields(rows)}"
        raise wrong_key("time", unread_time("time", description.stream.time, there) + beside)
    names = Counter(filter(None, map(listed.identity, rows)))
    if (shared := sum(count for count in names.values() if count > 1)) > max(_CHANCE, len(rows) / 2):
        words = "share their identity with another, and would be taken for revisions of it"
        raise wrong_key("identity", f"{shared} of {len(rows)} rows {words}: {_instead(rows)}; is `identity` right?")


def rejected(description: Description, listed: List, rows: Sequence[Raw]) -> Iterator[str]:
    """Say what rows of a page lack, and would be rejected for: of times only where that is no exception."""
    time = description.stream.time
    if without := unnamed(listed, rows):
        words = f"have no {description.stream.identity} that can be an identity, and would be rejected"
        yield f"{len(without)} of {len(rows)} rows {words}: {_instead(without)}; is `identity` right?"
    if time and len(without := _untimed(description, rows)) > len(rows) / _SOME:
        there = times_in(without, description.zone)
        others = f"those of such a row are at {', '.join(there[:_MOST])}; " if there else ""
        words = f"have no {time} that can be read, and would be rejected"
        yield f"{len(without)} of {len(rows)} rows {words}: {others}is `time` right, or is it null?"


def unnamed(listed: List, rows: Sequence[Raw]) -> Sequence[Raw]:
    """Return the rows without an identity."""
    return [row for row in rows if listed.identity(row) is None]


def _untimed(description: Description, rows: Sequence[Raw]) -> Sequence[Raw]:
    """Return the rows whose own time cannot be read."""
    read = time_reader(str(description.stream.time), description.zone)
    return [row for row in rows if time_or_none(read, row) is None]


def _instead(rows: Sequence[Raw]) -> str:
    if ids := ids_in(rows):
        return f"what looks like one is at {', '.join(ids[:_MOST])}"
    return f"a record has {_fields(rows)}"


def _fields(rows: Sequence[Raw]) -> str:
    return ", ".join(fields_in(rows)[:_MOST]) or "no fields"
