"""Our fields out of a record that is described: each is read by the type that it has in its kind of event.

Words of a status and a direction are ours where they fold to one of ours, else as the description says; what it says
of other words is read by the field's type, too.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache, lru_cache, partial
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from poller.plugin import (
    any_time_reader,
    e164,
    kinds,
    letters_only,
    read_bool,
    read_id,
    read_number,
    read_own_fields,
    read_seconds,
    read_text,
)

Reader: TypeAlias = Callable[[Any], Any]
Mapped: TypeAlias = str | bool | int | float
"""What a vendor's word stands for."""

KIND = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
RESERVED = frozenset({"record", "stream", "reject"})
"""Words that are no kinds of events: they are those of rejects and of progress."""
SIDES = ("customer_number", "business_number")
"""Fields of a call that names its sides by role: who dialled follows from the direction."""
UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_MOST_WORDS, _LONGEST_WORD = 20, 60
_MOST_WORDS_KNOWN, _SPELT = 1 << 8, frozenset({str, int, float, bool})
_OWN = {kind.KIND: kind for kind in kinds.KINDS}


@dataclass(frozen=True, slots=True)
class Field:
    """How a field of ours is read: the paths it stands at, the vendor's words for ours, the unit of a duration."""

    paths: tuple[str, ...]
    values: Mapping[str, Mapped] | None = None
    unit: str | None = None


def kind_of(word: str, fields: Sequence[str]) -> type[kinds.Kind]:
    """Return the kind of this word: ours, or a free one that has these fields, as sent, beside id and times."""
    return _OWN.get(word) or _free_kind(word, tuple(sorted(fields)))


@cache
def _free_kind(word: str, fields: tuple[str, ...]) -> type[kinds.Kind]:
    times = dict.fromkeys(("created_at", "updated_at", "deleted_at"), datetime)
    types = times | {name: datetime if name.endswith("_at") else Any for name in fields}
    members: list[Any] = [("id", str), *((name, found | None, None) for name, found in types.items())]
    made: Any = msgspec.defstruct(
        word.title().replace("_", ""),
        members,
        bases=(kinds.Kind,),
        frozen=True,
        kw_only=True,
        namespace={"KIND": word, "__doc__": "A kind of event that the configuration brought."},
    )
    kind: type[kinds.Kind] = made
    return kind


@cache
def field_types(kind: type[kinds.Kind]) -> Mapping[str, Any]:
    """Return the type of each field of a kind that a description may name; those within objects are dotted."""
    found = dict(_flat(kind, ""))
    del found["id"]
    return found | (dict.fromkeys(SIDES, str) if kind is kinds.Call else {})


def _flat(kind: type[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(kind).items():
        if name == "KIND":
            continue
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from _flat(hint, f"{name}.")
        else:
            yield f"{prefix}{name}", _without_none(hint)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in {Union, UnionType}:
        kept = [one for one in get_args(hint) if one is not type(None)]
        return kept[0] if len(kept) == 1 else float
    return hint


def words_of(kind: type[kinds.Kind], name: str) -> tuple[str, ...]:
    """Return our words for a field; none where it takes any."""
    hint = field_types(kind).get(name)
    return get_args(hint) if get_origin(hint) is Literal else ()


def reader_of(
    kind: type[kinds.Kind],
    name: str,
    field: Field,
    *,
    zone: tzinfo | None,
    region: str | None,
    unmapped: set[str] | None = None,
) -> Reader:
    """Return the reader of one field's value, which gives None for what it cannot read.

    Words of the vendor's that it met and that are none of ours go into `unmapped`, as long as there are few of them.
    """
    known, ours = set[str]() if unmapped is None else unmapped, words_of(kind, name)
    if ours:
        return word_reader(ours, field.values or {}, known)
    read = typed_reader(kind, name, field.unit, zone=zone, region=region)
    return read if field.values is None else _mapped_reader({word: read(to) for word, to in field.values.items()}, read)


def typed_reader(
    kind: type[kinds.Kind], name: str, unit: str | None, *, zone: tzinfo | None = None, region: str | None = None
) -> Reader:
    """Return the reader of one field's value by its type, whatever words there are for it."""
    if unit not in {None, "s"}:
        return partial(_duration, UNITS[unit or "s"])
    if name.endswith("_seconds"):
        return read_seconds
    return _by_type(kind, name, zone, region)


def _by_type(kind: type[kinds.Kind], name: str, zone: tzinfo | None, region: str | None) -> Reader:
    hint, last = field_types(kind)[name], name.rpartition(".")[2]
    if hint is datetime:
        return any_time_reader(zone)
    if hint is Any or kind.KIND not in _OWN:
        return _as_sent
    if name in SIDES or last == "number" or last.endswith("_number") or name == "phones":
        return lambda leaf: e164(leaf, region)  # a partial with keywords makes a dict a call
    if last == "id" or last.endswith("_id"):
        return read_id
    readers: Mapping[Any, Reader] = {
        bool: read_bool, float: read_number, str: read_text, dict[str, str | None]: _texts,
    }  # fmt: skip
    return readers.get(hint, read_own_fields)


def _texts(leaf: Any) -> dict[str, str | None] | None:
    return {name: read_text(value) for name, value in leaf.items()} if isinstance(leaf, dict) else None


def _as_sent(leaf: Any) -> Any:
    return leaf


def _duration(unit: float, leaf: object) -> int | None:
    number = read_number(leaf)
    return None if number is None else read_seconds(number * unit)


def _mapped_reader(values: Mapping[str | None, Any], read: Reader) -> Reader:
    """Return a reader that gives what a vendor's word stands for, and else reads what came by its type."""

    def mapped(leaf: Any) -> Any:
        said = spelled_word(leaf)
        return values[said] if said in values else read(leaf)

    return mapped


def word_reader(ours: tuple[str, ...], values: Mapping[str, Mapped], unmapped: set[str]) -> Reader:
    """Return a reader of the vendor's words: ours by `values`, or where they fold to one.

    What is none of ours goes into `unmapped`, as long as there are few of them.
    """
    folded = {letters_only(word): word for word in ours}

    @lru_cache(_MOST_WORDS_KNOWN, typed=True)
    def word(leaf: object) -> Mapped | None:
        said = spelled_word(leaf)
        if said is None:
            return None
        found = values.get(said) or folded.get(letters_only(said))
        if found is None and len(unmapped) < _MOST_WORDS:
            unmapped.add(said[:_LONGEST_WORD])
        return found

    return lambda leaf: word(leaf) if leaf.__class__ in _SPELT else None


def spelled_word(leaf: object) -> str | None:
    """Return a vendor's word as a description would write it: also true, false and numbers."""
    return str(leaf).lower() if isinstance(leaf, bool) else read_text(leaf)
