"""The canonical form of a content: what its values mean, as bytes, in as few steps as can be.

It makes the same contents equal as `meaning` does, whose readers of single values it uses; a property test holds the
two together. What differs is the form. A documented object is a list of its fields in the order of its struct, so that
no name is looked up, copied or sorted; an object of undocumented fields keeps their names. Short values and the
smallest objects within records repeat (a state, an agent, an outcome), so the forms of the latest are remembered:
equal values mean the same. A record of learned fields is encoded as it is, but for those fields that may hold more than
plain values, or in which a text was met that means something else than itself.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from poller.events.meaning import is_plain, number_meant, text_meant, time_meant
from poller.plugin.fields.undocumented import Plain, Undocumented

_AFTER_DIGITS = ":"
"""The character after 9. A text that does not come before it begins with no digit and no sign: it is no number."""

_LONGEST_WORD = len("false")
_REMEMBERED, _LONGEST_REMEMBERED = 1 << 12, 40
_SHORT = frozenset({str, float, bool})

_Plan: TypeAlias = tuple[Sequence[str], Undocumented]
"""The names of fields, and the object in which all are absent."""

_set = msgspec.structs.force_setattr
_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical_bytes(content: object) -> bytes:
    """Return a content in the one form of what it means. Raises RecursionError where it is nested too deep."""
    if isinstance(content, Undocumented):
        return _learned_bytes(content)
    return _encode(_leaves(astuple(content) if isinstance(content, Struct) else (content,)))


def canonical_leaf(leaf: Any) -> Any:
    """Return one value in the one form of what it means, null where that is nothing."""
    return _object(leaf) if leaf.__class__ is dict else _leaves((leaf,))[0]


def _leaves(leaves: Iterable[Any]) -> list[Any]:
    """Return values in canonical form. This is a hot loop: long texts, whole numbers and null cost no call."""
    return [
        leaf
        if leaf is None
        else (leaf if leaf > _AFTER_DIGITS else text_meant(leaf))
        if (kind := leaf.__class__) is str and len(leaf) > _LONGEST_WORD
        else leaf
        if kind is int
        else _value_of(leaf)
        if kind in _SHORT
        else _reader_of(kind)(leaf)
        for leaf in leaves
    ]


class _Values(dict[Any, Any]):
    """The forms of texts, fractions and truths; of long texts, which seldom come again, none is kept. True and 1 are
    one key, and have one form."""

    def __missing__(self, leaf: str | float | bool) -> Any:
        found = text_meant(leaf) if isinstance(leaf, str) else number_meant(float(leaf))
        if isinstance(leaf, str) and len(leaf) > _LONGEST_REMEMBERED:
            return found
        if len(self) >= _REMEMBERED:
            self.clear()
        self[leaf] = found
        return found


class _Readers(dict[type[Any], Callable[[Any], Any]]):
    """The ways to read what is neither short nor long: lists, and objects by the type of their struct."""

    def __missing__(self, kind: type[Any]) -> Callable[[Any], Any]:
        """Objects that hold no others are remembered: larger ones would seldom be met again."""
        learned = issubclass(kind, Undocumented)
        found = self[kind] = _learned if learned else _struct if _holds_objects(kind) else _small_struct
        return found


def _learned_bytes(record: Undocumented) -> bytes:
    """Return a record of learned fields in its form."""
    form = _encode((_learned(record),))
    if is_plain(form):
        return form
    _look_closer(record)
    return _encode((_learned(record),))


def _learned(thing: Any) -> Any:
    """Return an object of learned fields, those of its plan in canonical form. This is a hot loop."""
    names, nothing = _plan_of(thing.__class__)
    if names:
        thing = thing.__copy__()
        for name in names:
            leaf = getattr(thing, name)
            kind = leaf.__class__
            _set(thing, name, _value_of(leaf) if kind in _SHORT else _reader_of(kind)(leaf))
    return None if thing == nothing else thing


class _Plans(dict[type[Any], _Plan]):
    """The fields of an object that are put into their form one by one: those that may hold more than plain values, and
    such as a text was met in that is not plain."""

    def __missing__(self, kind: type[Any]) -> _Plan:
        names = [one.name for one in msgspec.structs.fields(kind) if _may_hold_more(one.type)]
        found = self[kind] = names, kind()
        return found


def _may_hold_more(held: Any) -> bool:
    """Return True if a field may hold more than plain values, and objects that do not."""
    inner = [one for one in get_args(held) if isinstance(one, type) and issubclass(one, Undocumented)]
    return any(_PLANS[one][0] for one in inner) if inner else held != Plain


def _look_closer(thing: Undocumented) -> bool:
    """Add to the plans of an object, and of those in it, what is not plain in it. Return False if nothing is."""
    names, nothing = _PLANS[thing.__class__]
    found = {
        name
        for name, leaf in zip(thing.__struct_fields__, astuple(thing), strict=True)
        if (
            _look_closer(leaf) if isinstance(leaf, Undocumented) else isinstance(leaf, str) and text_meant(leaf) != leaf
        )
    }
    _PLANS[thing.__class__] = sorted(found.union(names)), nothing
    return bool(names or found) or thing == nothing


def _holds_objects(kind: type[Struct]) -> bool:
    """Return True if a field of a struct may be a struct."""
    inner = [one for field in msgspec.structs.fields(kind) for one in get_args(field.type) if isinstance(one, type)]
    return any(issubclass(one, Struct) for one in inner)


def _remembering(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a reader that remembers the forms of the latest objects."""
    remembered = lru_cache(_REMEMBERED)(read)

    def found(thing: Any) -> Any:
        try:
            return remembered(thing)
        except TypeError:  # it holds a list, or an object of undocumented fields
            return read(thing)

    return found


def _struct(thing: Struct) -> list[Any] | None:
    leaves = _leaves(astuple(thing))
    return leaves if leaves.count(None) < len(leaves) else None


def _object(thing: dict[str, Any]) -> dict[str, Any] | None:
    """Return an undocumented object in canonical form. This is a hot loop, too: most values are texts and words."""
    forms = {}
    for name, leaf in thing.items():
        kind = leaf.__class__
        if kind is str and leaf > _AFTER_DIGITS and len(leaf) > _LONGEST_WORD:
            forms[name] = leaf
            continue
        form = _value_of(leaf) if kind in _SHORT else leaf if kind is int else _leaves((leaf,))[0]
        if form is not None:
            forms[name] = form
    return forms or None


def _as_it_is(leaf: Any) -> Any:
    return leaf


def _list(things: Iterable[Any]) -> list[Any] | None:
    return _leaves(things) or None


_PLANS, _VALUES = _Plans(), _Values()
_READERS = _Readers({dict: _object, list: _list, tuple: _list, datetime: time_meant})
_READERS |= dict.fromkeys((int, type(None)), _as_it_is)
_value_of, _reader_of, _plan_of = _VALUES.__getitem__, _READERS.__getitem__, _PLANS.__getitem__
"""Bound: with brackets Python would look for the method of such a dict each time."""
_small_struct = _remembering(_struct)
