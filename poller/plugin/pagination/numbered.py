"""Lists with numbered pages: what such a page says of itself, and whether it is the one that was asked for."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from poller.errors import Unexpected


class Numbering(msgspec.Struct):
    """What an answer of a numbered list says of itself: which page it is, of what size, of how many, of what total."""

    number: int
    size: int
    last: int
    total: int
    rows: int | None = None


def numbering(**names: str) -> "msgspec.json.Decoder[Numbering]":
    """Read a Numbering whose fields, all required and none negative, have the vendor's `names`."""
    count = Annotated[int, msgspec.Meta(ge=0)]
    fields = [(own, count, msgspec.field(name=name)) for own, name in names.items()]
    return msgspec.json.Decoder(msgspec.defstruct("Numbering", fields, bases=(Numbering,)))


def following(
    found: Numbering, rows: int, *, number: int, size: int, contradictions: Iterable[tuple[bool, str]] = ()
) -> int | None:
    """The number of the next page, None after the last.

    Raises Unexpected where the answer contradicts what was asked for (`number`, `size`), or itself; `contradictions`
    are the vendor's own ones: whether each holds, and its name.
    """
    pages = -(-found.total // size)
    expected = max(0, min(size, found.total - (number - 1) * size))
    all_of_them = (
        *contradictions,
        (found.number != number, f"it says it is page {found.number}"),
        (found.size != size, f"its pages hold {found.size} records, not the {size} asked for"),
        (found.last != pages and (pages, found.last) != (0, 1), f"{found.total} records are not {found.last} pages"),
        (found.rows not in {None, rows}, f"it holds {rows} records and says {found.rows}"),
        (rows != expected, f"it holds {rows} records where its total of {found.total} makes {expected}"),
    )
    for holds, why in all_of_them:
        if holds:
            raise Unexpected(f"page {number} is not what was asked for: {why}")
    return number + 1 if number < found.last else None
