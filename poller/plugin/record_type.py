"""What a source says of its records: how they are decoded, named, timed, compared and put into our words."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from poller.plugin.kinds import Kind

JsonValue: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any] | None
"""A field of a record as a vendor may send it, whatever its documentation says: `normalize` reads it, or gives null."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Declared(Generic[R]):
    """What a configuration declares of a stream's records, so far as a state has to remember it.

    `identity` says what names a record, and its kind: with another one all would be news, so it cannot change.
    `compared` says what is left out of comparison; `contents` gives the content by such words, also by former ones, so
    that what was compared otherwise is compared in that way once more. `unmapped` holds the vendor's words that were
    met and are none of ours, by field; it grows while records are read.
    """

    identity: str
    compared: str
    contents: Callable[[str], Callable[[R], object]]
    unmapped: Mapping[str, Collection[str]] = field(default_factory=dict)


R_co = TypeVar("R_co", covariant=True)


class RecordDecoder(Protocol[R_co]):
    """What decodes a record: a `msgspec.json.Decoder`, a `TypedDecoder`, or what has the same of them."""

    @property
    def type(self) -> type[Any]:
        """The struct of the documented fields."""

    def decode(self, buf: bytes, /) -> R_co:
        """Decode one record. Raises msgspec.MsgspecError where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType(Generic[R]):
    """The way a stream's records are read. `R` is the vendor's struct that `decoder` makes; the functions are pure.

    `identity` names a record; it is a string or a whole number, and anything else makes a reject. `time` is the
    record's own time (aware, UTC), None where its kind has none; it raises ValueError where the time cannot be read,
    which makes a reject. `contents` give the vendor's own values of the documented fields, without volatile ones, for
    comparison: the last one is today's projection, those before it are what older versions compared; the first
    `untyped` of these are older than the documented types of the decoder's fields, and are given records as sent.
    `normalize` makes the data of the event and turns into null what it cannot read; the event is of the kind `kind`,
    unless `normalize` returns another one. `modified` is the vendor's modification stamp (aware, UTC), `deleted` the
    vendor's own mark.

    `row_identity` finds the identity in a row that is not decoded yet (see `identity_of`); it makes old records cheap,
    and gives what `identity` does, or None where it cannot tell. Without it every row is decoded. `steady` gives rows
    without what is volatile (see `steady_rows`), but for the stamp and the mark: rows that are equal then have equal
    contents, and are not decoded to say so. `further_kinds` are the other kinds that `normalize` may return. `declared`
    is there where the configuration describes the records.
    """

    kind: type[Kind]
    decoder: RecordDecoder[R]
    identity: Callable[[R], JsonValue]
    time: Callable[[R], datetime | None]
    contents: tuple[Callable[[R], object], ...]
    normalize: Callable[[R], Kind]
    modified: Callable[[R], datetime | None] = lambda _: None
    deleted: Callable[[R], bool] = lambda _: False
    row_identity: Callable[[msgspec.Raw], str | None] | None = None
    steady: Callable[[Sequence[bytes | msgspec.Raw]], Callable[[int], bytes]] | None = None
    further_kinds: tuple[type[Kind], ...] = ()
    untyped: int = 0
    declared: Declared[R] | None = None

    @property
    def kinds(self) -> tuple[type[Kind], ...]:
        """All kinds of events that the stream's records become."""
        return self.kind, *self.further_kinds
