"""Advice on a description, out of one page of its list: where lists, times and ids are, which fields bring nothing,
what the well-known words in an answer say, and which keys stand for something else than their names say."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Raw

from poller.plugin import DECODE_ERRORS, Unexpected, follow_path, parse_path, read_any_time, read_id
from poller.sources.rest.beside import GOES_ON, IS_LAST
from poller.sources.rest.fields import field_types, kind_of, reader_of
from poller.sources.rest.lists import List
from poller.sources.rest.places import Paging
from poller.sources.rest.settings import Paging as Described
from poller.sources.rest.streams import Description, field_of

ERRORS = frozenset({"error", "errors", "message", "ok", "status", "success"})
BEFORE = frozenset({
    "prev", "prev_page", "prev_page_link", "prev_page_url", "prev_url", "prevpage", "previous", "previous_page",
    "previous_page_uri", "previous_page_url", "previous_url", "previouspage",
})  # fmt: skip
"""Well-known words by which an answer says that there is a page before it."""
_DEEPEST = 3
_YEARS = range(1990, 2100)
"""Times outside of these are numbers that mean something else."""
NOTHING: tuple[Any, ...] = (None, "", [], {})
"""Values that say nothing."""
_WORDS = frozenset({"status", "direction"})
"""Fields whose words that cannot be read are told one by one."""
_COUNTS_ROWS = frozenset({"skip", "offset", "start", "startat", "startindex", "start_index", "from", "first"})
_COUNTS_PAGES = frozenset({"page", "pagenumber", "page_number", "pageno", "page[number]"})
_NAMES_RECORD = re.compile(
    r"(?i:(?:^|[_-])(?:id|key|uid|uuid|guid|sid|ref))$|[a-z0-9](?:I[dD]|Key|U[iI][dD]|Uuid|UUID|G[uU][iI][dD]|Sid|Ref)$"
)
"""Names of fields that look like those of ids."""
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def lists_in(body: bytes) -> list[str]:
    """Return the paths of all lists in an answer, as a description would write them."""
    try:
        whole = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return []
    return ["@"] if isinstance(whole, list) else [path for path, value in _leaves(whole) if isinstance(value, list)]


def counted_otherwise(paging: Paging) -> Iterator[str]:
    """Yield what is doubtful about a place that is counted, by the name of its parameter."""
    name, place = paging.parameter or "", paging.place
    if place == "page" and name.lower().strip("$") in _COUNTS_ROWS:
        yield f"{name} counts rows, by its name: {{page}} counts pages and begins at 1, {{offset}} begins at 0"
    if place == "offset" and name.lower() in _COUNTS_PAGES:
        yield f"{name} counts pages, by its name: {{offset}} counts rows and begins at 0, {{page}} begins at 1"


def require_not_turned_round(described: Described) -> None:
    """Raise Unexpected where `more` or `done` says the other one, by the name of what it is read from."""
    for key, text, words, other in (
        ("done", described.done, GOES_ON, "more"),
        ("more", described.more, IS_LAST, "done"),
    ):
        if text and text.rpartition(".")[2].strip('"').lower() in words:
            says = "goes on" if other == "more" else "is over"
            why = f"paging.{key} is {text}, and by its name that says that the list {says}: is it `{other}`?"
            raise Unexpected(why, key=f"paging.{key}")


def ends_today(listed: List) -> Iterator[str]:
    """Yield what is doubtful about an end that is exactly now and is spelt as a day."""
    request = listed.request
    if not listed.ahead and request.granule("end") > timedelta(hours=1) and not request.names_last_minute:
        yield (
            "`ahead` is 0s, and {end} names a day: what is of this day may not be asked for until tomorrow, if the "
            "vendor's bound is exclusive or means midnight; leave `ahead` out where the vendor takes a later day"
        )


def zoneless(description: Description, listed: List) -> Iterator[str]:
    """Yield what is doubtful about a clock's time that is sent without an offset, where nobody says whose clock it is.

    Of days one more is asked for on both sides, which is more than any zone.
    """
    clocks = [form.text for form in listed.request.formats if form.is_local and form.granule < timedelta(days=1)]
    if clocks and description.zone is None:
        yield (
            f"a time is sent as {clocks[0]}, without an offset, and it is UTC's: does the vendor read it so? In a zone "
            "behind, what is new comes hours late; set `timezone` (UTC, where that is right)"
        )


def refused_with(body: bytes) -> str:
    """Return the message of the first of an answer's `errors`, nothing where it has none.

    They are as in GraphQL: https://spec.graphql.org/October2021/#sec-Errors.
    """
    first = follow_path(_decoded(Raw(body)), parse_path("errors[0].message"))
    return first if isinstance(first, str) else ""


def ids_in(rows: Iterable[Raw]) -> list[str]:
    """Return the paths of all that has the name of an id, and names each record by another one."""
    found: dict[str, list[str | None]] = {}
    for row in rows:
        for path, value in _leaves(_decoded(row)):
            if _NAMES_RECORD.search(path.rpartition(".")[2].strip('"')):
                found.setdefault(path, []).append(read_id(value))
    return [path for path, names in found.items() if None not in names and len({*names}) == len(names)]


def fields_in(rows: Iterable[Raw]) -> list[str]:
    """Return the paths of all that records have."""
    return list(dict.fromkeys(path for row in rows for path, _ in _leaves(_decoded(row))))


def unread_time(key: str, path: str, there: Sequence[str]) -> str:
    """Say that a time cannot be read in any record, what becomes of that, and where there are others."""
    others = f"those of a record are at {', '.join(there)}; " if there else ""
    fate = "every record would be rejected" if key == "time" else "none would have a stamp"
    return f"no {path} that can be read, and {fate}: {others}is `{key}` right, or is it null?"


def times_in(rows: Iterable[Raw], zone: tzinfo | None) -> list[str]:
    """Return the paths of all that can be read as a time in each record that has it."""
    found: dict[str, bool] = {}
    for row in rows:
        for path, value in _leaves(_decoded(row)):
            time = read_any_time(value, zone)
            if value is not None:
                found[path] = found.get(path, True) and time is not None and time.year in _YEARS
    return [path for path, is_time in found.items() if is_time]


def silent_places(description: Description, rows: Sequence[Raw]) -> Iterator[str]:
    """Yield the fields for which no record of a page has anything that can be read, and the paths left out of
    comparison at which there is nothing to be left out."""
    if not rows:
        return
    records = [*map(_decoded, rows)]
    yield from _silent_fields(description, records)
    for key in ("volatile", "signed_urls"):
        for path in getattr(description.stream, key):
            if all(value is None for value in _sent(records, [path])):
                yield f"no record has anything at {path}, for {key}"


def _silent_fields(description: Description, records: Sequence[Any]) -> Iterator[str]:
    stream = description.stream
    kind = kind_of(stream.kind, tuple(stream.fields))
    for name, given in stream.fields.items():
        field = field_of(given)
        values = [value for value in _sent(records, field.paths) if value not in NOTHING]
        if not values:
            yield f"no record has anything at {' or '.join(field.paths)}, for {name}"
        elif name in field_types(kind) and name not in _WORDS:
            read = reader_of(kind, name, field, zone=description.zone, region=description.region)
            if all(read(value) is None for value in values):
                yield f"what is at {' and '.join(field.paths)} cannot be read as {name}"


def _sent(records: Sequence[Any], paths: Sequence[str]) -> list[Any]:
    return [follow_path(record, parse_path(path)) for record in records for path in paths]


def _decoded(row: Raw) -> Any:
    try:
        return msgspec.json.decode(row)
    except DECODE_ERRORS:
        return None


def _leaves(value: Any, above: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        path = f"{above}{name if _PLAIN.fullmatch(name) else json.dumps(name)}"
        if isinstance(inner, dict) and depth < _DEEPEST:
            yield from _leaves(inner, f"{path}.", depth + 1)
        else:
            yield path, inner


def rises(times: Sequence[datetime]) -> bool:
    """Return whether times rise from row to row; two rows do not tell."""
    return len(times) > 2 and times[0] < times[-1] and all(one <= two for one, two in pairwise(times))
