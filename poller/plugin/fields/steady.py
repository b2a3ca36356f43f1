"""Rows without what is volatile in them, told by their bytes, so that a known record need not be decoded to be known.

A vendor that signs its URLs anew for every answer shows no record twice with the same bytes. What is volatile gives way
to a mark here, behind the name of its field. No JSON has such a mark, so in rows that are equal then the same places
gave way; and where that was not the field but something before it that looked like it, the field itself still stands
in both, and is the same. So such rows differ in nothing but what is volatile. A value that is spelt in another way than
it is looked for stays where it is: its row is decoded, and compared by its content.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec

from poller.plugin.fields.columns import Column, Rows
from poller.plugin.fields.decoding import DECODE_ERRORS

SteadyRows: TypeAlias = Callable[[Rows], Callable[[int], bytes]]
"""A function that gives, for the rows of a page, one that gives a row by its number without what is volatile."""

_MARK = b"\0"
_encode = msgspec.json.Encoder().encode


def steady_rows(
    *, volatile: Iterable[tuple[str, Column[Any]]] = (), signed_urls: Iterable[tuple[str, Column[Any]]] = ()
) -> SteadyRows:
    """Return what takes the values of these columns, and the queries of these URLs, out of rows.

    Each column has the name of its field beside it, which is the last of its path.
    """
    read: Iterable[tuple[Callable[[Any], tuple[bytes, int]], Iterable[tuple[str, Column[Any]]]]]
    read = (_whole, volatile), (_query, signed_urls)
    found = [(_encode(name) + b":", column, what) for what, columns in read for name, column in columns]

    def steady(rows: Rows) -> Callable[[int], bytes]:
        try:
            fields = [(name, column.leaves(rows), what) for name, column, what in found]
        except (*DECODE_ERRORS, AttributeError):  # a row is not of the shape
            return lambda number: bytes(rows[number])

        def row(number: int) -> bytes:
            left = bytes(rows[number])
            for name, leaves, what in fields:
                left = _marked(left, name, *what(leaves[number]))
            return left

        return row

    return steady


def _whole(value: Any) -> tuple[bytes, int]:
    """Return a value as it is looked for, and where in it begins what gives way."""
    return _encode(value), 0


def _query(url: Any) -> tuple[bytes, int]:
    text = b'"' + url.encode() if isinstance(url, str) else b""
    return text, len(text.partition(b"?")[0])


def _marked(row: bytes, name: bytes, value: bytes, begin: int) -> bytes:
    """Return a row with a mark in the place of the first such value behind such a name."""
    before, found, after = row.partition(name)
    while found and after[: len(value)] != value:
        skipped, found, after = after.partition(name)
        before += name + skipped
    return b"".join((before, name, value[:begin], _MARK, after[len(value) :])) if found else row
