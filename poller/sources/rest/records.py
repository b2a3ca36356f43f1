"""The records of a described list: their identity and times, what is compared of them, and events of their kind."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import Any, TypeVar

import msgspec

from poller.plugin import (
    DECODE_ERRORS,
    Changes,
    Column,
    Declared,
    Getter,
    IdentityColumn,
    IdentityOf,
    RecordType,
    SteadyRows,
    any_time_reader,
    compile_paths,
    parse_path,
    read_any_time,
    read_bool,
    read_id,
    steady_rows,
)
from poller.sources.rest.described import RecordDescription, Row, RowDecoder
from poller.sources.rest.fields import kind_of, spelled_word
from poller.sources.rest.normalize import Normalizer

T = TypeVar("T")


def record_type(described: RecordDescription) -> RecordType[Row]:
    """Build the record type of a description."""
    decoder = RowDecoder(described)
    identity, zone = decoder.place(described.identity), described.zone
    deleted, compared = _deleted(described, decoder), _spelled(described)
    normalize = Normalizer(described, decoder, deleted)
    return RecordType(
        kind=kind_of(described.kind, tuple(described.fields)),
        decoder=decoder,
        identity=lambda row: read_id(row.leaves[identity]),
        time=_own_time(described, decoder),
        modified=_time(described.modified, decoder, zone),
        deleted=deleted,
        contents=(contents(compared),),
        declared=Declared(f"{described.identity} ({described.kind})", compared, contents, normalize.unmapped),
        row_identity=identity_reader(described.identity, *described.looked_at),
        steady=_steady(described),
        normalize=normalize,
    )


def _own_time(described: RecordDescription, decoder: RowDecoder) -> Callable[[Row], datetime | None]:
    path, read = described.time, any_time_reader(described.zone)
    if path is None:
        return lambda row: None
    place = decoder.place(path)

    def own_time(row: Row) -> datetime:
        found = read(row.leaves[place])
        if found is None:
            raise ValueError(f"its {path} cannot be read as a time")
        return found

    return own_time


def _time(path: str | None, decoder: RowDecoder, zone: tzinfo | None) -> Callable[[Row], datetime | None]:
    if path is None:
        return lambda row: None
    place, read = decoder.place(path), any_time_reader(zone)
    return lambda row: read(row.leaves[place])


def _deleted(described: RecordDescription, decoder: RowDecoder) -> Callable[[Row], bool]:
    mark = described.deleted
    if mark is None:
        return lambda row: False
    place, words = decoder.place(mark.path), frozenset(mark.values)
    if words:
        return lambda row: spelled_word(row.leaves[place]) in words
    return lambda row: _is_mark(row.leaves[place])


def _is_mark(leaf: object) -> bool:
    """Return whether a mark says "deleted": true in any spelling, or a time."""
    said = read_bool(leaf)
    return read_any_time(leaf) is not None or bool(leaf) if said is None else said


def _spelled(described: RecordDescription) -> str:
    """Return in words what is left out of comparison: `contents` reads them, also where a state has kept them."""
    modified = [described.modified] if described.modified else []
    left_out = sorted({*described.compared.volatile, *modified})
    return msgspec.json.encode([left_out, sorted(described.compared.signed_urls)]).decode()


def contents(compared: str) -> Callable[[Row], object]:
    """Return a function that gives what is compared of a record: all of it but what `compared` leaves out."""
    left_out, signed = ([parse_path(text) for text in texts] for texts in msgspec.json.decode(compared))

    changes = Changes([*((path, _nothing) for path in left_out), *((path, _unsigned) for path in signed)])
    return lambda row: changes.made(row.whole)


def _steady(described: RecordDescription) -> SteadyRows:
    """Return what takes out of rows what is volatile in them."""
    struct, getters = _columns(frozenset(filter(None, (described.identity, *described.looked_at))))

    def columns(texts: Sequence[str]) -> Sequence[tuple[str, Column[str]]]:
        return [(str(parse_path(text)[-1]), Column(struct, getters[text], str)) for text in texts]

    return steady_rows(volatile=columns(described.steady.volatile), signed_urls=columns(described.steady.signed_urls))


def _nothing(_: object) -> None:
    """What is left out is nothing."""


def _unsigned(url: Any) -> Any:
    return url.partition("?")[0] if isinstance(url, str) else url


def identity_reader(path: str, *beside: str | None) -> IdentityOf:
    """Return a function that finds the identity of a row that is not decoded yet.

    `beside` are paths that other readers of the same rows read: what has the same paths is decoded together.
    """
    return _identity_column(path, frozenset(filter(None, (path, *beside))))


@cache
def _identity_column(path: str, paths: frozenset[str]) -> IdentityColumn:
    struct, getters = _columns(paths)
    return IdentityColumn(struct, getters[path])


def time_reader(path: str, zone: tzinfo | None, *beside: str | None) -> Column[datetime | None]:
    """Return a reader of the time at a path, of rows that are not decoded yet. For `beside` see `identity_reader`."""
    struct, getters = _columns(frozenset(filter(None, (path, *beside))))
    return Column(struct, getters[path], any_time_reader(zone))


def time_or_none(read: Callable[[T], datetime | None], row: T) -> datetime | None:
    """Return the time that a reader finds in a row, or in a record; None also where it cannot be read."""
    try:
        return read(row)
    except (ValueError, *DECODE_ERRORS):
        return None


@cache
def _columns(paths: frozenset[str]) -> tuple[type[Any], Mapping[str, Getter]]:
    in_order = sorted(paths)
    struct, getters = compile_paths([parse_path(path) for path in in_order])
    return struct, dict(zip(in_order, getters, strict=True))
