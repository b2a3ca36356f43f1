"""The documented fields of a record, nested ones too, against a record as the vendor sent it.

Only samples are looked at. What one shows is its undocumented fields, by path, and a code for each documented path:
what stood there, if anything.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Raw

Tree: TypeAlias = "dict[str, tuple[int, Tree]]"
"""Of each documented field its number among all paths, and the fields of the object that it may hold."""

ABSENT, NULL, STRING, NUMBER, BOOLEAN, OBJECT, ARRAY = 0, 1, 2, 4, 8, 16, 32
_CODES = {b"n": NULL, b'"': STRING, b"t": BOOLEAN, b"f": BOOLEAN, b"{": OBJECT, b"[": ARRAY}
"""By the first byte of a value; what begins otherwise is a number."""
_fields_of, _values_of = msgspec.json.Decoder(dict[str, Raw]).decode, msgspec.json.Decoder(list[Raw]).decode
"""The fields of an object and the values of a list, as they stand: what no field is documented for may be anything."""
_LOOKED_AT = 3
"""Objects in a list that are looked into."""
_LEVELS = 5


class Sample(NamedTuple):
    """A record that was looked at: the documented paths of its kind, and what stood at each, as codes."""

    paths: tuple[str, ...]
    codes: bytes


class _Documented(NamedTuple):
    tree: Tree
    paths: tuple[str, ...]


def look_at(raw: bytes, record: type[Any]) -> tuple[Sample, set[str]] | None:
    """Return what a record shows whose documented fields are those of the struct `record`, and what is undocumented.

    None where nothing is documented. Raises msgspec.MsgspecError where it is no object.
    """
    documented = _documented(record)  # type: ignore[arg-type]  # a class can be hashed
    if not documented.paths:
        return None
    codes, new = bytearray(len(documented.paths)), set[str]()
    _look(_fields_of(raw), documented.tree, "", codes, new)
    return Sample(documented.paths, bytes(codes)), new


def _look(found: dict[str, Raw], tree: Tree, prefix: str, codes: bytearray, new: set[str]) -> None:
    for name, value in found.items():
        known = tree.get(name)
        if known is None:
            new.add(prefix + name)
            continue
        place, inner = known
        codes[place] = _code(value)
        for each in _objects(value) if inner else ():
            _look(each, inner, f"{prefix}{name}.", codes, new)


def _code(value: Raw) -> int:
    return _CODES.get(bytes(value)[:1], NUMBER)


def _objects(value: Raw) -> list[dict[str, Raw]]:
    """Return the fields of an object, or of the first objects in a list."""
    values = _values_of(value)[:_LOOKED_AT] if _code(value) == ARRAY else [value]
    return [_fields_of(each) for each in values if _code(each) == OBJECT]


@cache
def _documented(record: type[Any]) -> _Documented:
    paths: list[str] = []
    return _Documented(_tree(record, "", paths, _LEVELS), tuple(paths))


def _tree(record: type[Any], prefix: str, paths: list[str], levels: int) -> Tree:
    tree: Tree = {}
    for field in msgspec.structs.fields(record):
        paths.append(prefix + field.encode_name)
        place, inner = len(paths) - 1, dict[str, tuple[int, Tree]]()
        for kind in _structs(field.type) if levels else ():
            inner |= _tree(kind, f"{prefix}{field.encode_name}.", paths, levels - 1)
        tree[field.encode_name] = place, inner
    return tree


def _structs(kind: Any) -> Iterator[type[Any]]:
    """Return the structs that a field of this type may hold, alone or in a list."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in get_args(kind):
        yield from _structs(part)
