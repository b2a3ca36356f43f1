"""Records as structs that take any value in any field, so that one odd field costs no record."""

from collections.abc import Callable
from keyword import iskeyword
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
        "StreamInfo",
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


def identity_of(field: str) -> IdentityOf:
    """Return a function that finds the identity in `field`."""
    decode = msgspec.json.Decoder(struct_of(field)).decode

    def name(row: msgspec.Raw) -> str | None:
        try:
            return read_id(getattr(decode(row), _attribute(field)))
        except UNREADABLE:
            return None

    return name
