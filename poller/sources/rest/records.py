"""The records of a described list: their identity and times, what is compared of them, and events of their kind."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

import msgspec

from poller.plugin import (
    Column,
    Declared,
    IdentityColumn,
    IdentityOf,
    RecordType,
    WholeRecords,
    any_time_reader,
    change,
    compile_paths,
    parse_path,
    read_any_time,
    read_bool,
    read_id,
)
from poller.sources.rest.described import RecordDescription, RecordReader, Row
from poller.sources.rest.fields import kind_of, spelled_word
from poller.sources.rest.normalize import Normalizer


class RowDecoder:
    """A decoder of records of which a few fields are read. `type` has no fields: nothing is documented to us."""

    type = msgspec.defstruct("Undocumented", [])

    def __init__(self, decoder: "msgspec.json.Decoder[Any]") -> None:
        self._decode = decoder.decode

    def decode(self, raw: bytes) -> Row:
        """Decode a record. Raises msgspec.MsgspecError where it is no object."""
        return Row(self._decode(raw), raw)


def record_type(described: RecordDescription) -> RecordType[Row]:
    """Build the record type of a description."""
    reader = RecordReader(described)
    identity, zone = reader.getter(described.identity), described.zone
    deleted, compared = _deleted(described, reader), _spelled(described)
    normalize = Normalizer(described, reader, deleted)
    return RecordType(
        kind=kind_of(described.kind, tuple(described.fields)),
        decoder=RowDecoder(msgspec.json.Decoder(reader.struct)),
        identity=lambda row: read_id(identity(row.fields)),
        time=_own_time(described, reader),
        modified=_time(described.modified, reader, zone),
        deleted=deleted,
        contents=(contents(compared),),
        declared=Declared(f"{described.identity} ({described.kind})", compared, contents, normalize.unmapped),
        row_identity=identity_reader(described.identity),
        normalize=normalize,
    )


def _own_time(described: RecordDescription, reader: RecordReader) -> Callable[[Row], datetime | None]:
    path, read = described.time, any_time_reader(described.zone)
    if path is None:
        return lambda row: None
    get = reader.getter(path)

    def own_time(row: Row) -> datetime:
        found = read(get(row.fields))
        if found is None:
            raise ValueError(f"its {path} cannot be read as a time")
        return found

    return own_time


def _time(path: str | None, reader: RecordReader, zone: tzinfo | None) -> Callable[[Row], datetime | None]:
    if path is None:
        return lambda row: None
    get, read = reader.getter(path), any_time_reader(zone)
    return lambda row: read(get(row.fields))


def _deleted(described: RecordDescription, reader: RecordReader) -> Callable[[Row], bool]:
    mark = described.deleted
    if mark is None:
        return lambda row: False
    get, words = reader.getter(mark.path), frozenset(mark.values)
    if words:
        return lambda row: spelled_word(get(row.fields)) in words
    return lambda row: _is_mark(get(row.fields))


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

    whole = WholeRecords()
    changes = [*((path, _nothing) for path in left_out), *((path, _unsigned) for path in signed)]

    def content(row: Row) -> object:
        found = whole.decode(row.raw)
        for path, changed in changes:
            change(found, path, changed)
        return found

    return content


def _nothing(_: object) -> None:
    """What is left out is nothing."""


def _unsigned(url: Any) -> Any:
    return url.partition("?")[0] if isinstance(url, str) else url


def identity_reader(path: str) -> IdentityOf:
    """Return a function that finds the identity of a row that is not decoded yet."""
    struct, (get,) = compile_paths([parse_path(path)])
    return IdentityColumn(struct, get)


def time_reader(path: str, zone: tzinfo | None) -> Column[datetime | None]:
    """Return a reader of the time at a path, of rows that are not decoded yet."""
    struct, (get,) = compile_paths([parse_path(path)])
    return Column(struct, get, partial(read_any_time, zone=zone))
