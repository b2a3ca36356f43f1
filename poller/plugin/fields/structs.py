"""Records as structs that take any value in any field, so that one odd field costs no record."""

from collections.abc import Callable
from functools import cache
from keyword import iskeyword
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from poller.plugin.fields.decoding import UNREADABLE
from poller.plugin.fields.scalars import read_id
from poller.plugin.stream import Leaf

Odd: TypeAlias = str | int | float | bool | list[Any] | None
"""Any value that may come where an object is documented."""


IdentityOf: TypeAlias = Callable[[msgspec.Raw], str | None]
"""A function that returns the identity of a row that is not decoded yet; None where it has none."""


def struct_of(fields: str, **objects: type[Any]) -> type[Any]:
    """Build the Struct of a documented object: its fields as the vendor spells them, then those that are objects.

    Each field may hold anything, so that one odd value hides no record. Attributes are spelled as Python can:
    `line_memo`, `class_`. Encoded, absent and null are the same, and the order of the fields is no matter.
    """
    types: dict[str, Any] = dict.fromkeys(fields.split(), Leaf) | {name: found | Odd for name, found in objects.items()}
    return msgspec.defstruct(
        "Record",
        [(_attribute(name), types[name], msgspec.field(name=name, default=None)) for name in sorted(types)],
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


@cache
def identity_of(path: str) -> IdentityOf:
    """Return a function that finds the identity at a path, such as `id` or `data.id`; the names are words."""
    *outer, field = path.split(".")
    shape = struct_of(field)
    for name in reversed(outer):
        shape = struct_of("", **{name: shape})
    decode, leaf_of = msgspec.json.Decoder(shape).decode, attrgetter(".".join([*outer, _attribute(field)]))

    def name_of(row: msgspec.Raw) -> str | None:
        try:
            return read_id(leaf_of(decode(row)))
        except (*UNREADABLE, AttributeError):  # where another thing stands in the place of an object
            return None

    return name_of
