"""Documented types of fields: a record that keeps to them is decoded in C, any other is read into the same form.

Of a field that has a type, these are one and the same, whichever serializer printed it: 10.5 and "10.5", true and 1,
5, 5.0 and "5"; a text of digits and a number. `TypedDecoder` is the fast way and `read_documented` the plain one, which
takes over where a record does not keep to the types; a property test holds the two together.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from poller.plugin.fields.scalars import read_bool, read_id, read_number
from poller.plugin.record_type import JsonValue

R = TypeVar("R")
_NO_TEXT: TypeAlias = Literal[""] | None  # what stands for nothing, also where no text is documented


class Unread(Struct, frozen=True, gc=False, rename={"value": ""}):
    """What came where the documentation has another type, and cannot be read as that: readers of fields give null.

    Encoded it has an empty name, which no documented object has.
    """

    value: Any


def _read_text(leaf: Any) -> Any:
    if isinstance(leaf, int | float) and not isinstance(leaf, bool):
        return read_id(leaf) or str(leaf)
    return leaf if isinstance(leaf, str) else Unread(leaf)


def _read_number(leaf: Any) -> Any:
    found = read_number(leaf)
    return Unread(leaf) if found is None else float(found)


def _read_whole(leaf: Any) -> Any:
    found = read_number(leaf)
    return Unread(leaf) if found is None else found


def _read_id(leaf: Any) -> Any:
    return leaf if isinstance(leaf, str) else Unread(leaf)


def _read_truth(leaf: Any) -> Any:
    found = read_bool(leaf)
    return Unread(leaf) if found is None else found


TYPES: Final[Mapping[str, tuple[Any, Callable[[Any], Any]]]] = {
    "text": (str | None, _read_text),
    "time": (str | None, _read_text),  # of many spellings: read where its zone is known
    "number": (float | _NO_TEXT, _read_number),
    "whole": (int | _NO_TEXT, _read_whole),
    "id": (int | _NO_TEXT, _read_id),  # one that is documented as a number
    "truth": (bool | _NO_TEXT, _read_truth),
    "identity": (JsonValue, Unread),  # as it is sent: it names the record, and is told apart by that alone
}
"""By the word for a type: how it is decoded, and the reader of what is refused there."""


def read_typed(leaf: Any, word: str) -> Any:
    """Return a leaf in the form of a type: what decoding gives, else what its reader makes of it."""
    if leaf is None or leaf in ([], {}):
        return None
    sent, read = TYPES[word]
    try:
        return msgspec.convert(leaf, sent, strict=False)
    except msgspec.ValidationError:
        return read(leaf)


class Documented(Struct, frozen=True, gc=False):
    """An object whose fields have documented types; `types_of` has them."""


_types: dict[type[Any], tuple[str | type[Documented] | None, ...]] = {}
_loose: dict[type[Any], type[Any]] = {}
_absent: dict[type[Any], tuple[Any, ...]] = {}


def remember(kind: type[Any], types: tuple[str | type[Documented] | None, ...], loose: type[Any]) -> None:
    """Note the types of an object's fields, in their order, and the struct that takes anything in their places."""
    _types[kind], _loose[kind], _absent[kind] = types, loose, astuple(kind())


def types_of(kind: type[Any]) -> tuple[str | type[Documented] | None, ...]:
    """Return the types of the fields of a Documented, in their order: a word, an object, or None where any may come."""
    return _types[kind]


def absent_of(kind: type[Any]) -> tuple[Any, ...]:
    """Return what stands in the fields of a Documented where they are absent, in their order."""
    return _absent[kind]


def loose_of(kind: type[Any]) -> type[Any]:
    """Return the struct that takes anything in the fields of this one, and is one of them: a subclass."""
    return _loose[kind]


def read_documented(record: Any, kind: type[Any]) -> Any:
    """Return a record, decoded as it was sent, in the form of its documented types."""
    return kind(*map(_read_field, astuple(record), types_of(kind), absent_of(kind)))


def _read_field(leaf: Any, found: str | type[Documented] | None, nothing: Any) -> Any:
    if leaf is None:
        return nothing
    if found is None or found == "identity":
        return leaf
    if isinstance(found, str):
        return read_typed(leaf, found)
    if isinstance(leaf, found):
        return read_documented(leaf, found)
    return None if leaf in ("", [], {}) or str(leaf).lower() == "null" else Unread(leaf)


class TypedDecoder(Generic[R]):
    """A decoder of records of a type that `struct_of` made."""

    def __init__(self, record: type[R]) -> None:
        self.type = record
        self._decode: Callable[[bytes | msgspec.Raw], R]
        self._decode, self.decode_loosely = _decoders(record)  # type: ignore[arg-type]  # a type is hashable

    def decode(self, raw: bytes | msgspec.Raw) -> R:
        """Decode a record. Raises msgspec.MsgspecError where it is no object."""
        try:
            return self._decode(raw)
        except msgspec.ValidationError:
            found: R = read_documented(self.decode_loosely(raw), self.type)
            return found


@cache
def _decoders(record: type[Any]) -> tuple[Callable[[bytes | msgspec.Raw], Any], Callable[[bytes | msgspec.Raw], Any]]:
    """Return the decoder by type and the loose one: they keep nothing, and all streams of a vendor share them."""
    typed, loose = msgspec.json.Decoder(record, strict=False), msgspec.json.Decoder(loose_of(record))
    return typed.decode, loose.decode
