"""Records that nobody documented, decoded whole and fast: their fields are learned from those that came before.

A mapping of every record is slow to make and to compare. So a struct is built of the fields that were met; where
another field, or an object in the place of a value, turns up, it is built anew with that one. It holds what the mapping
would hold, and is compared as the mapping would be.
"""

import re
from collections.abc import Callable, Sequence
from copy import copy
from functools import reduce
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_args

import msgspec
from msgspec import Struct

from poller.plugin.fields.paths import Path, follow_path
from poller.plugin.record_type import JsonValue

_MOST_FIELDS, _MOST_SHAPES = 500, 50
"""Records with more fields, or with ever new ones (objects that are keyed by ids), are decoded as mappings."""
_MOST_LEVELS = 30
"""Objects within objects; what lies deeper is nobody's design, and would be learned by as many calls in each other."""
Shape: TypeAlias = "dict[str, Shape | None]"
"""The fields of an object: those within each of them; None where no object was met in it."""
_KEPT: Final[Shape] = {}
"""The shape of a field that is not to be looked into, in which no object was met either."""
_AS_SENT: Final[Shape] = {}
"""The shape of a field that is not looked into: an object in it stays a mapping, in the order in which it was sent."""
Plain: TypeAlias = str | int | None
"""What a field holds in which nothing else was met, or nothing else but objects: all of this means what it is, but for
some texts."""
_ODD_NAME = re.compile(r'["\\\x00-\x1f]')
"""What msgspec leaves to be escaped, and refuses in the name of a field."""

Changed: TypeAlias = Callable[[Any], Any]
"""Gives a text, a whole number, or None where a value becomes nothing."""
Change: TypeAlias = tuple[Path, Changed]


class Undocumented(Struct, frozen=True, gc=False):
    """An object of learned fields; one that is absent is None."""


class WholeRecords:
    """A decoder of whole records. What `paths` lead to is as it was sent, an object too."""

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._shape: Shape = {}
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
        self._shapes = 0
        for path in paths:
            _keep(self._shape, path)

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
        before = _size(self._shape)
        _add(self._shape, record)
        self._shapes += _size(self._shape) > before
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


def _add(shape: Shape, record: dict[str, Any]) -> None:
    for name, value in record.items():
        known = shape.setdefault(name, None)
        if isinstance(value, bool | float | list) or (known is _KEPT and isinstance(value, dict)):
            shape[name] = _AS_SENT
        elif isinstance(value, dict) and known is not _AS_SENT:
            shape[name] = known = known or {}
            _add(known, value)


def _keep(shape: Shape, path: Path) -> None:
    """Have the field that a path leads to, as far as there are objects on the way, which is not looked into."""
    step, inner = path[0], path[1:2]
    if not isinstance(step, str) or _ODD_NAME.search(step) or shape.get(step) is _KEPT:
        return
    if inner and isinstance(inner[0], str):
        shape[step] = known = shape.get(step) or {}
        _keep(known, path[1:])
    else:
        shape[step] = _KEPT


def _size(shape: Shape) -> int:
    return len(shape) + sum(_size(inner) for inner in shape.values() if inner)


def _struct(shape: Shape) -> Any:
    fields: list[Any] = []
    for position, (name, inner) in enumerate(sorted(shape.items())):
        fields.append((f"f{position}", _type(inner), msgspec.field(name=name, default=None)))
    return msgspec.defstruct(
        "Learned", fields, bases=(Undocumented,), frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True
    )


def _type(inner: "Shape | None") -> Any:
    if inner is None or inner is _KEPT:
        return Plain
    return JsonValue if inner is _AS_SENT else _struct(inner) | Plain


def leaves_reader(kind: type[Undocumented], paths: Sequence[Path]) -> Callable[[Any], Sequence[Any]]:
    """Return a function that gives what each path leads to in a record of this type; None where it leads nowhere.

    The paths are those of the `WholeRecords` that decodes it.
    """
    chains = [_chain(kind, path) for path in paths]
    further = [
        (place, path[len(chain) :])
        for place, (chain, path) in enumerate(zip(chains, paths, strict=True))
        if len(chain) < len(path)
    ]

    def one_by_one(record: Any) -> Sequence[Any]:
        return [reduce(_get, path, record) for path in paths]

    if not all(chains):  # a name that no field can have
        return one_by_one
    read = attrgetter(*map(".".join, chains))
    at_once = read if len(chains) > 1 else lambda record: (read(record),)

    def leaves(record: Any) -> Sequence[Any]:
        try:
            found = at_once(record)
        except AttributeError:  # another value stands in the place of an object
            return one_by_one(record)
        for place, rest in further:
            found = (*found[:place], follow_path(found[place], rest), *found[place + 1 :])
        return found

    return leaves


def _chain(kind: type[Any] | None, path: Path) -> list[str]:
    """Return the attributes to what is as it was sent on the way that a path leads; none where it leads nowhere."""
    chain = list[str]()
    for step in path:
        if kind is None:
            break
        name = _attribute(kind, step)
        if name is None:
            return []
        chain.append(name)
        held = next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
        kind = next((one for one in get_args(held) if isinstance(one, type) and issubclass(one, Undocumented)), None)
    return chain


class Changes:
    """Changes to records, an Undocumented or a mapping each: what each path leads to becomes what a function gives.

    The records themselves stay as they are. Where a path leads nowhere, or to null, nothing changes.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._plans: dict[type[Any], tuple[list[tuple[str, Changed]], list[Change]]] = {}

    def made(self, record: Any) -> Any:
        """Return a record with the changes made."""
        plan = self._plans.get(record.__class__)
        if plan is None:
            plan = self._plans[record.__class__] = self._plan(record.__class__)
        at_top, within = plan
        if at_top:
            record = record.__copy__()
            for name, changed in at_top:
                value = getattr(record, name)
                if value is not None:
                    _set(record, name, changed(value))
        for path, changed in within:
            record = _change(record, path, changed)
        return record

    def _plan(self, kind: type[Any]) -> tuple[list[tuple[str, Changed]], list[Change]]:
        """Return the attributes of a record of this type that change, and the paths that lead into objects."""
        at_top, within = list[tuple[str, Changed]](), list[Change]()
        for path, changed in self._changes:
            name = _attribute(kind, path[0]) if len(path) == 1 and issubclass(kind, Undocumented) else None
            if name:
                at_top.append((name, changed))
            else:
                within.append((path, changed))
        return at_top, within


def _change(record: Any, path: Path, changed: Changed) -> Any:
    step, rest = path[0], path[1:]
    value = _get(record, step)
    if value is None:
        return record
    new = _change(value, rest, changed) if rest else changed(value)
    if new is value:
        return record
    if isinstance(record, Undocumented):
        copied: Any = copy(record)
        _set(copied, _attribute(type(record), step) or "", new)
    else:
        copied = record.copy()
        copied[step] = new
    return copied


def _get(record: Any, step: str | int) -> Any:
    if isinstance(record, Undocumented):
        name = _attribute(type(record), step)
        return getattr(record, name) if name else None
    return follow_path(record, (step,))


_set = msgspec.structs.force_setattr
_names: dict[type[Any], dict[str | int, str]] = {}


def _attribute(kind: type[Any], step: str | int) -> str | None:
    names = _names.get(kind)
    if names is None:
        names = _names[kind] = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    return names.get(step)
