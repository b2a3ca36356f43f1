"""Columns: one field of rows that are not decoded yet, of a single row or of all rows of a page by one decoding."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Raw

from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.fields.scalars import read_id

T = TypeVar("T")
Rows: TypeAlias = Sequence[bytes | Raw]

IdentityOf: TypeAlias = Callable[[Raw], str | None]
"""A function that returns the identity of a row that is not decoded yet; None where it has none."""


class PageRows(list[Raw]):
    """The rows of a page. What columns of one shape read of them is decoded once, and so are identities read."""

    def __init__(self, rows: Sequence[Raw]) -> None:
        super().__init__(rows)
        self.decoded: dict[type[Any], list[Any]] = {}
        self.identities: dict[IdentityColumn, list[str | None]] = {}


class Column(Generic[T]):
    """A reader of one field of a row. `shape` is a struct that has it, `leaf_of` finds it there, `read` reads it."""

    def __init__(self, shape: type[Any], leaf_of: Callable[[Any], Any], read: Callable[[Any], T]) -> None:
        self._shape, self._decoder = shape, msgspec.json.Decoder(shape)
        self._leaf_of, self.read = leaf_of, read

    def __call__(self, row: bytes | Raw) -> T:
        """Return what is read of one row. Raises one of DECODE_ERRORS where it is not of the shape."""
        return self.read(self._leaf_of(self._decoder.decode(row)))

    def leaves(self, rows: Rows) -> list[Any]:
        """Return what stands in this field of all rows. Raises one of DECODE_ERRORS where a row is not of the shape."""
        known = rows.decoded if isinstance(rows, PageRows) else {}
        found = known.get(self._shape)
        if found is None:
            found = self._decoder.decode_lines(b"\n".join(rows))
            if len(found) != len(rows):
                raise msgspec.DecodeError("a row is not one JSON value")
            known[self._shape] = found
        return list(map(self._leaf_of, found))


class IdentityColumn(Column[str | None]):
    """A reader of identities (see IdentityOf), which are None of a row that is not of the shape."""

    def __init__(self, shape: type[Any], leaf_of: Callable[[Any], Any]) -> None:
        super().__init__(shape, leaf_of, read_id)

    def __call__(self, row: bytes | Raw) -> str | None:
        """Return a row's identity."""
        try:
            return super().__call__(row)
        except (*DECODE_ERRORS, AttributeError):  # where another thing stands in the place of an object
            return None

    def all(self, rows: Rows) -> list[str | None]:
        """Return the identity of every row, in a list that is not to be changed."""
        known = rows.identities if isinstance(rows, PageRows) else {}
        found = known.get(self)
        if found is None:
            try:
                found = _read_ids(self.leaves(rows))
            except (*DECODE_ERRORS, AttributeError):  # in some row
                found = list(map(self, rows))
            known[self] = found
        return found


def identities(identity_of: IdentityOf, rows: Rows) -> list[str | None]:
    """Return the identity of every row, in a list that is not to be changed."""
    return identity_of.all(rows) if isinstance(identity_of, IdentityColumn) else [identity_of(row) for row in rows]  # type: ignore[arg-type]  # bytes will do


def _read_ids(leaves: list[Any]) -> list[str | None]:
    """Return what `read_id` reads of each; texts that are plainly names stay as they are."""
    try:
        plain = "." not in "".join(leaves) and "NF" not in leaves and all(leaves) and not any(map(str.isspace, leaves))
    except TypeError:  # some are no texts
        plain = False
    return leaves if plain else list(map(read_id, leaves))
