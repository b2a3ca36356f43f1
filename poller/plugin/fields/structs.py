"""Records as structs that take any value in any field, so that one odd field costs no record."""

from collections.abc import Callable, Iterable
from functools import cache, partial
from keyword import iskeyword
from operator import attrgetter
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from poller.plugin.fields.columns import Column, IdentityColumn, IdentityOf
from poller.plugin.fields.documented import TYPES, Documented, loose_of, remember
from poller.plugin.record_type import JsonValue

Odd: TypeAlias = str | int | float | bool | list[Any] | None
"""Any value that may come where an object is documented."""


T = TypeVar("T")


def struct_of(fields: str, nothing: Literal[""] | None = None, /, **objects: type[Any]) -> type[Any]:
    """Build the Struct of a documented object: its fields as the vendor spells them, then those that are objects.

    A field may have its documented type after a colon: `name:text duration:number at:time id:id done:truth` (see
    `documented.TYPES`; such records are decoded by a `TypedDecoder`). Without one it may hold anything. Either way one
    odd value hides no record. Attributes are spelled as Python can: `line_memo`, `class_`. Encoded, absent and null are
    the same, and the order of the fields is no matter. `nothing` is what the vendor sends in a field that has a type,
    where there is nothing to say, and what stands there if it is absent: only speed depends on it.
    """
    names = [field.partition(":")[::2] for field in fields.split()]
    types: dict[str, Any] = {name: word or None for name, word in names} | objects
    in_order = sorted(types.items())
    loosely = [(name, _loosely(found), None) for name, found in in_order]
    if not any(map(_is_documented, types.values())):
        return _defined((msgspec.Struct,), loosely)
    sent = [
        (name, TYPES[found][0], None if found == "identity" else nothing) if isinstance(found, str)
        else (name, found | None if _is_documented(found) else _loosely(found), None)
        for name, found in in_order
    ]  # fmt: skip
    kind = _defined((Documented,), sent)
    remember(kind, tuple(found if _is_documented(found) else None for _, found in in_order), _defined((kind,), loosely))
    return kind


def _is_documented(found: object) -> bool:
    return isinstance(found, str) or (isinstance(found, type) and issubclass(found, Documented))


def _loosely(found: Any) -> Any:
    if found is None or isinstance(found, str):
        return JsonValue
    return (loose_of(found) if _is_documented(found) else found) | Odd


def _defined(bases: tuple[type[Any], ...], fields: Iterable[tuple[str, Any, Any]]) -> type[Any]:
    return msgspec.defstruct(
        "Record",
        [(_attribute(name), found, msgspec.field(name=name, default=default)) for name, found, default in fields],
        bases=bases,
        frozen=True,
        gc=False,
        omit_defaults=True,
    )


def _attribute(name: str) -> str:
    word = name.replace("-", "_")
    return f"{word}_" if iskeyword(word) else word


def as_struct(leaf: object, found: type[Any]) -> Any:
    """Return a nested object; an empty one of type `found` where the vendor sent anything else."""
    return leaf if isinstance(leaf, found) else found()


def identity_of(path: str, *beside: str) -> IdentityOf:
    """Return a function that finds the identity at a path, such as `id` or `data.id`; the names are words.

    `beside` are paths that other columns of the same rows read: what has the same paths is decoded together.
    """
    return IdentityColumn(_shape_of(frozenset((path, *beside))), _leaf_at(path))


def column_of(path: str, read: Callable[[Any], T], *beside: str) -> Column[T]:
    """Return a reader of the field at a path, of rows that are not decoded yet. For `beside` see `identity_of`."""
    return Column(_shape_of(frozenset((path, *beside))), _leaf_at(path), read)


@cache
def _shape_of(paths: frozenset[str]) -> type[Any]:
    """Return a struct that holds the fields at these paths."""
    steps = [path.partition(".") for path in sorted(paths)]
    objects = {
        name: _shape_of(frozenset(rest for outer, _, rest in steps if rest and outer == name))
        for name in {outer for outer, _, rest in steps if rest}
    }
    return struct_of(" ".join(name for name, _, rest in steps if not rest), **objects)


def _leaf_at(path: str) -> Callable[[Any], Any]:
    read_leaf = attrgetter(".".join(map(_attribute, path.split("."))))
    return partial(read_or_none, read_leaf) if "." in path else read_leaf


def read_or_none(read_leaf: Callable[[Any], Any], record: Any) -> Any:
    """Return what a getter of attributes within objects gives; None where another value stands in place of one."""
    try:
        return read_leaf(record)
    except AttributeError:
        return None


def remember_latest(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """Return a function that gives what `read` does, and reads the same record only once in a row.

    Several functions of a record type ask for the same times of each record, one after another.
    """
    known, value = None, None

    def found(record: Any) -> T:
        nonlocal known, value
        if record is not known:
            value = read(record)
            known = record
        return value  # type: ignore[return-value]

    return found
