"""Advice on a description, out of one page of its list: where lists and times are, and which fields bring nothing."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any

import msgspec
from msgspec import Raw

from poller.plugin import DECODE_ERRORS, follow_path, parse_path, read_any_time
from poller.sources.rest.fields import field_types, kind_of, reader_of
from poller.sources.rest.streams import Description, field_of

_DEEPEST = 3
_YEARS = range(1990, 2100)
"""Times outside of these are numbers that mean something else."""
_WORDS = frozenset({"status", "direction"})
"""Fields whose words that cannot be read are told one by one."""
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def lists_in(body: bytes) -> list[str]:
    """Return the paths of all lists in an answer, as a description would write them."""
    try:
        whole = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return []
    return ["@"] if isinstance(whole, list) else [path for path, value in _leaves(whole) if isinstance(value, list)]


def times_in(rows: Iterable[Raw], zone: tzinfo | None) -> list[str]:
    """Return the paths of all that can be read as a time in each record that has it."""
    found: dict[str, bool] = {}
    for row in rows:
        for path, value in _leaves(_decoded(row)):
            time = read_any_time(value, zone)
            if value is not None:
                found[path] = found.get(path, True) and time is not None and time.year in _YEARS
    return [path for path, is_time in found.items() if is_time]


def silent_fields(description: Description, rows: Sequence[Raw]) -> Iterator[str]:
    """Yield the fields for which no record of a page has anything that can be read."""
    stream, records = description.stream, [*map(_decoded, rows)]
    kind = kind_of(stream.kind, tuple(stream.fields))
    for name, given in stream.fields.items() if rows else ():
        field = field_of(given)
        values = [follow_path(record, parse_path(path)) for record in records for path in field.paths]
        if all(value is None for value in values):
            yield f"no record has anything at {' or '.join(field.paths)}, for {name}"
        elif name in field_types(kind) and name not in _WORDS:
            read = reader_of(kind, name, field, zone=description.zone, region=description.region)
            if all(read(value) is None for value in values):
                yield f"what is at {' and '.join(field.paths)} cannot be read as {name}"


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
