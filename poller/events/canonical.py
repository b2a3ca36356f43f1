"""The canonical form of a content: what its values mean, as bytes, in as few steps as can be.

It makes the same contents equal as `meaning` does, whose readers of single values it uses; a property test holds the
two together. What differs is the form. A documented object is a list of its fields in the order of its struct, so that
no name is looked up, copied or sorted; an object of undocumented fields keeps their names. Short values and the
smallest objects within records repeat (a state, an agent, an outcome), so the forms of the latest are remembered:
equal values mean the same.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from poller.events.meaning import number_meant, text_meant, time_meant
from poller.plugin.fields.undocumented import Undocumented

_AFTER_DIGITS = ":"
"""The character after 9. A text that does not come before it begins with no digit and no sign: it is no number."""

_LONGEST_WORD = len("false")
_REMEMBERED, _LONGEST_REMEMBERED = 1 << 12, 40
_SMALL = 5
"""Fields of an undocumented object that may well be met again as it is: an agent, an outcome, a place."""
_SHORT = frozenset({str, float, bool})

_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical_bytes(content: object) -> bytes:
    """Return a content in the one form of what it means. Raises RecursionError where it is nested too deep."""
    if isinstance(content, Struct) and not isinstance(content, Undocumented):
        return _encode(_leaves(astuple(content)))
    return _encode(_leaves((content,)))


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
        else _VALUES[leaf]
        if kind in _SHORT
        else _READERS[kind](leaf)
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
        if issubclass(kind, Undocumented):
            read, large = _named_reader(kind), len(kind.__struct_fields__) > _SMALL or _holds_objects(kind)
            found = self[kind] = read if large else _remembering(read)
        else:
            found = self[kind] = _struct if _holds_objects(kind) else _small_struct
        return found


def _named_reader(kind: type[Undocumented]) -> Callable[[Any], Any]:
    """Return the reader of objects that are encoded as a mapping is: the form is the same whatever other fields there
    are, for their names are sorted, and nothing is left out."""
    named = [(one.name, one.encode_name) for one in msgspec.structs.fields(kind)]
    fields = [(attribute, Any, msgspec.field(name=name, default=None)) for attribute, name in named]
    form: Any = msgspec.defstruct("Form", fields, omit_defaults=True, gc=False)

    def read(thing: Struct) -> Any:
        forms = _leaves(astuple(thing))
        return form(*forms) if any(forms) or forms.count(None) < len(forms) else None

    return read


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
        form = _VALUES[leaf] if kind in _SHORT else leaf if kind is int else _leaves((leaf,))[0]
        if form is not None:
            forms[name] = form
    return forms or None


def _list(things: Iterable[Any]) -> list[Any] | None:
    return _leaves(things) or None


_VALUES = _Values()
_READERS = _Readers({dict: _object, list: _list, tuple: _list, datetime: time_meant})
_small_struct = _remembering(_struct)
