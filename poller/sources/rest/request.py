"""The request that a description makes: parameters and a body with placeholders, filled in page by page.

Placeholders are `{start}`, `{end}`, each also with a format (`{start:%Y-%m-%d}`), and the place where a list goes on:
`{page}`, `{offset}`, `{cursor}`, `{last}`. Other braces are text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeAlias

import msgspec

from poller.plugin import Query
from poller.sources.rest.written_times import TimeFormat, time_format

JSON: TypeAlias = Any  # of the configuration: mappings, lists, scalars

SIZES = frozenset({
    "count", "first", "limit", "max_results", "maxresults", "page_size", "pagesize", "per_page", "perpage", "size",
})  # fmt: skip
"""Well-known parameters that ask for so many rows a page."""
PLACES = ("page", "offset", "cursor", "last")
_PLACEHOLDER = re.compile(r"\{(?:(?P<time>start|end)(?::(?P<format>[^{}]*))?|(?P<place>page|offset|cursor|last))\}")
_OFFSET = r"(?:(?<!%)Z|UTC|GMT|[+-]\d\d:?\d\d)"
_OFFSET_WITHIN = re.compile(rf"{_OFFSET}$")
_OFFSET_AFTER = re.compile(rf"^(?::\d\d)?(?:[.,]\d+)?\s?({_OFFSET})(?!\w)")
_LOOKS_LIKE_ONE = re.compile(r"\{[A-Za-z_]\w*(?::[^{}]*)?\}")
_LIMIT = re.compile(r"\blimit\s+(?:\d+\s*,\s*)?(\d+)\b", re.IGNORECASE)
_SECOND = timedelta(seconds=1)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Bounds:
    """The times of a request (aware, UTC). `exact`: the end is spelt as it is, and nothing later is asked for."""

    start: datetime
    end: datetime
    zone: tzinfo = UTC
    exact: bool = False


class _Nothing:
    """The value of a placeholder that is not set."""


NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder, as it stands in a text."""

    name: str
    format: TimeFormat | None = None

    def value(self, bounds: Bounds, place: Mapping[str, str | int]) -> str | int | _Nothing:
        """Return what stands for it in one request."""
        if self.format is None:
            return place.get(self.name, NOTHING)
        if self.name == "start":
            return self.format.start(bounds.start, bounds.zone)
        return (self.format.exact if bounds.exact else self.format.end)(bounds.end, bounds.zone)


def _placeholder(found: re.Match[str]) -> Placeholder:
    if found["place"]:
        return Placeholder(found["place"])
    return Placeholder(found["time"], time_format(found["format"] or ""))


def texts(value: JSON) -> Iterator[str]:
    """Yield every text of a value, those in mappings and lists too."""
    if isinstance(value, str):
        yield value
    for child in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from texts(child)


def spelt_offsets(value: JSON) -> Iterator[str]:
    """Yield the offsets that stand as text behind a clock's time, within its format or after it: `Z`, `+00:00`.

    Days have none: of them a whole one more is asked for on both sides.
    """
    for text in texts(value):
        for found in _PLACEHOLDER.finditer(text):
            form = _placeholder(found).format
            if form and form.is_local and form.granule < timedelta(days=1):
                yield from _OFFSET_WITHIN.findall(form.text) or _OFFSET_AFTER.findall(text[found.end() :])


def placeholders(value: JSON) -> Iterator[Placeholder]:
    """Yield the placeholders in a value. Raises ValueError where a text only looks like one."""
    for text in texts(value):
        if _LOOKS_LIKE_ONE.fullmatch(text) and not _PLACEHOLDER.fullmatch(text):
            raise ValueError(f"{text} is no placeholder: those are {{start}}, {{end}}, each also with a format such as "
                             "{start:%Y-%m-%d}, {page}, {offset}, {cursor} and {last}")  # fmt: skip
        yield from map(_placeholder, _PLACEHOLDER.finditer(text))


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: path, parameters and body, with placeholders."""

    path: str
    params: Mapping[str, JSON]
    body: JSON = None

    @property
    def sent(self) -> JSON:
        """What is sent, as it is described: its parameters and its body."""
        return [dict(self.params), self.body]

    @property
    def uses(self) -> frozenset[str]:
        """The names of the placeholders in it."""
        return frozenset(found.name for found in placeholders(self.sent))

    @property
    def size(self) -> int | None:
        """How many rows a page are asked for, as far as the name of a parameter, or of a field of the body, tells."""
        sizes = (str(value) for name, value in (*self.params.items(), *_fields(self.body)) if name.lower() in SIZES)
        return next((int(size) for size in sizes if size.isdecimal() and int(size)), None)

    def is_full(self, rows: int) -> bool:
        """Return whether a page of so many rows is as long as was asked for, as far as `size` is known."""
        size = self.size
        return size is not None and rows >= size

    @property
    def limits(self) -> frozenset[int]:
        """How many rows a query in it lets come at most, as SQL and SOQL spell it (`LIMIT 200`)."""
        return frozenset(int(one) for text in texts(self.sent) for one in _LIMIT.findall(text))

    def granule(self, name: str) -> timedelta:
        """Return the coarsest granule that `start`, or `end`, is spelt in."""
        found = placeholders(self.sent)
        return max((one.format.granule for one in found if one.format and one.name == name), default=_SECOND)

    def reaches(self, bounds: Bounds) -> datetime | None:
        """Return up to when (aware, UTC) is asked for at least, by an exact end; None where it lies beyond that end, or
        there is none. Of an end that is spelt to the minute the last minute is not asked for."""
        if not bounds.exact or self.names_last_minute:
            return None
        found = placeholders(self.sent)
        ends = (one.format.reaches(bounds.end, bounds.zone) for one in found if one.format and one.name == "end")
        return min(ends, default=None)

    @property
    def names_last_minute(self) -> bool:
        """True if the end is the last minute of the day that it names."""
        return any("{end" in text and "23:59" in text for text in texts(self.sent))

    @property
    def formats(self) -> Sequence[TimeFormat]:
        """The formats that its times are spelt in."""
        return [found.format for found in placeholders(self.sent) if found.format]

    def parameter_of(self, place: str) -> str | None:
        """Return the name of the parameter that is this place."""
        return next((name for name, value in self.params.items() if f"{{{place}}}" in texts(value)), None)

    def changed(self, params: Mapping[str, JSON] | None, body: JSON) -> "Request":
        """Return the request with other values, of which null removes one."""
        merged = merge(dict(self.params), dict(params or {}))
        return replace(self, params=merged, body=self.body if body is None else merge(self.body, body))

    def filled(self, bounds: Bounds, place: Mapping[str, str | int]) -> tuple[Query, bytes | None]:
        """Return the query and the body of one request."""
        params = {name: _fill(value, bounds, place) for name, value in self.params.items()}
        query = {name: _spelled(value) for name, value in params.items() if value is not NOTHING}
        return query, None if self.body is None else _encode(_fill(self.body, bounds, place))


def _fields(body: JSON) -> Iterator[tuple[str, JSON]]:
    """Yield the fields of a body, and of the objects in it (`variables`), the outer ones first."""
    if isinstance(body, dict):
        yield from body.items()
        for child in body.values():
            yield from _fields(child)


def answered_fact(path: str) -> str:
    """Return the fact that the list at this path has given an answer."""
    return f"answered {path}"


def merge(former: JSON, other: JSON) -> JSON:
    """Return a value with what another one has in its place; in mappings key by key, and null removes."""
    if not isinstance(former, dict) or not isinstance(other, dict):
        return other
    merged = former | {name: merge(former.get(name), value) for name, value in other.items()}
    return {name: value for name, value in merged.items() if name not in other or other[name] is not None}


def fill_text(text: str, bounds: Bounds, place: Mapping[str, str | int]) -> str | int | _Nothing:
    """Fill in a text; one that is a placeholder alone becomes its value, which may be a number, or nothing at all."""
    if whole := _PLACEHOLDER.fullmatch(text):
        return _placeholder(whole).value(bounds, place)

    def spelt(found: re.Match[str]) -> str:
        value = _placeholder(found).value(bounds, place)
        return "" if isinstance(value, _Nothing) else str(value)

    return _PLACEHOLDER.sub(spelt, text)


def _fill(value: JSON, bounds: Bounds, place: Mapping[str, str | int]) -> JSON:
    if isinstance(value, str):
        return fill_text(value, bounds, place)
    if isinstance(value, dict):
        filled = {name: _fill(child, bounds, place) for name, child in value.items()}
        return {name: child for name, child in filled.items() if child is not NOTHING}
    if isinstance(value, list):
        return [child for child in (_fill(child, bounds, place) for child in value) if child is not NOTHING]
    return value


def _spelled(value: JSON) -> str | list[str]:
    """Spell a value of a query; a list is the same parameter several times."""
    if isinstance(value, list):
        return [str(_spelled(one)) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
