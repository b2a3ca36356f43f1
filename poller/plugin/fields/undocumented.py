"""Records that nobody documented, decoded whole and fast: their fields are learned from those that came before.

A mapping of every record is slow to make and to compare. So a struct is built of the fields that were met; where
another field, or an object in the place of a value, turns up, it is built anew with that one. It holds what the mapping
would hold, and is compared as the mapping would be.
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from poller.plugin.fields.paths import Path
from poller.plugin.fields.structs import Odd
from poller.plugin.record_type import JsonValue

_MOST_FIELDS, _MOST_SHAPES = 500, 50
"""Records with more fields, or with ever new ones (objects that are keyed by ids), are decoded as mappings."""
_MOST_LEVELS = 30
"""Objects within objects; what lies deeper is nobody's design, and would be learned by as many calls in each other."""
_ODD_NAME = re.compile(r'["\\\x00-\x1f]')
"""What msgspec leaves to be escaped, and refuses in the name of a field."""


class Undocumented(Struct, frozen=True, gc=False):
    """An object of learned fields; one that is absent is None."""


class WholeRecords:
    """A decoder of whole records."""

    def __init__(self) -> None:
        self._shape: dict[str, Any] = {}
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
        self._shapes = 0

    def decode(self, raw: bytes) -> Any:
        """Decode a record: an Undocumented, or a mapping. Raises msgspec.MsgspecError where it is no JSON."""
        try:
            found = self._decoder.decode(raw)
        except msgspec.ValidationError:
            found = msgspec.json.decode(raw)
        if isinstance(found, dict) and self._shapes <= _MOST_SHAPES and _can_be_learned(found):
            self._learn(found)
        return found

    def _learn(self, record: dict[str, Any]) -> None:
        _add(self._shape, record)
        self._shapes += 1
        if self._shapes > _MOST_SHAPES or _size(self._shape) > _MOST_FIELDS:
            self._shapes, self._decoder = _MOST_SHAPES + 1, msgspec.json.Decoder()
        else:
            self._decoder = msgspec.json.Decoder(_struct(self._shape))


def _can_be_learned(record: dict[str, Any]) -> bool:
    """Return False for a record of many levels, or with a name that no struct can have: it stays a mapping."""
    level = [record]
    for _ in range(_MOST_LEVELS):
        if any(_ODD_NAME.search(name) for found in level for name in found):
            return False
        level = [value for found in level for value in found.values() if isinstance(value, dict)]
    return not level


def _add(shape: dict[str, Any], record: dict[str, Any]) -> None:
    for name, value in record.items():
        known = shape.setdefault(name, {})
        if isinstance(value, dict):
            _add(known, value)


def _size(shape: dict[str, Any]) -> int:
    return len(shape) + sum(map(_size, shape.values()))


def _struct(shape: dict[str, Any]) -> Any:
    fields: list[Any] = []
    for position, (name, inner) in enumerate(sorted(shape.items())):
        kind: Any = _struct(inner) | Odd if inner else JsonValue
        fields.append((f"f{position}", kind, msgspec.field(name=name, default=None)))
    return msgspec.defstruct(
        "Learned", fields, bases=(Undocumented,), frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True
    )


def change(record: Any, path: Path, changed: Any) -> None:
    """Change what a path leads to, in place; nothing where it leads nowhere."""
    for step in path[:-1]:
        record = _get(record, step)
    last = path[-1]
    if isinstance(record, Undocumented):
        if name := _attribute(type(record), last):
            _set(record, name, changed(getattr(record, name)))
    elif isinstance(record, dict | list):
        _change_mapping(record, last, changed)


def _change_mapping(record: Any, last: str | int, changed: Any) -> None:
    try:
        record[last] = changed(record[last])
    except (LookupError, TypeError):
        return


def _get(record: Any, step: str | int) -> Any:
    if isinstance(record, Undocumented):
        name = _attribute(type(record), step)
        return getattr(record, name) if name else None
    try:
        return record[step]
    except (LookupError, TypeError):
        return None


_set = msgspec.structs.force_setattr
_names: dict[type[Any], dict[str | int, str]] = {}


def _attribute(kind: type[Any], step: str | int) -> str | None:
    names = _names.get(kind)
    if names is None:
        names = _names[kind] = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    return names.get(step)
