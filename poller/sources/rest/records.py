"""The records of a described list: their identity and times, what is compared of them, and events of their kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from poller.plugin import (
    UNREADABLE,
    Getter,
    Path,
    RecordType,
    compile_paths,
    kinds,
    lead_status,
    parse_path,
    read_any_time,
    read_bool,
    read_id,
)
from poller.sources.rest.fields import SIDES, Field, Reader, field_types, kind_of, reader_of, spelled_word


@dataclass(frozen=True, slots=True)
class Deleted:
    """The vendor's mark of a deletion: a path to a truth or a time, or to one of these words."""

    path: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What of a record is left out of comparison, and the URLs of which only the part before `?` counts."""

    volatile: tuple[str, ...] = ()
    signed_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordDescription:
    """The described parts of a record; paths are text."""

    kind: str
    identity: str
    time: str | None
    modified: str | None
    deleted: Deleted | None
    compared: Compared
    fields: Mapping[str, Field]
    zone: tzinfo | None
    region: str | None


class Row:
    """A record as decoded: what the described paths lead to, and its bytes, which are decoded whole only to compare."""

    __slots__ = ("fields", "raw")

    def __init__(self, fields: Any, raw: bytes) -> None:
        self.fields, self.raw = fields, raw


class RowDecoder:
    """A decoder of records of which a few fields are read. `type` has no fields: nothing is documented to us."""

    type = msgspec.defstruct("Undocumented", [])

    def __init__(self, decoder: "msgspec.json.Decoder[Any]") -> None:
        self._decode = decoder.decode

    def decode(self, raw: bytes) -> Row:
        """Decode a record. Raises msgspec.MsgspecError where it is no object."""
        return Row(self._decode(raw), raw)


class _Reader:
    """Getters of what the description names in a record, each compiled once into one struct."""

    def __init__(self, described: RecordDescription) -> None:
        named = [described.identity, described.time, described.modified, described.deleted and described.deleted.path]
        texts = {text for text in named if text} | {path for field in described.fields.values() for path in field.paths}
        self._places = {text: place for place, text in enumerate(sorted(texts))}
        self.struct, self._getters = compile_paths([parse_path(text) for text in self._places])

    def getter(self, text: str) -> Getter:
        """Return the getter of one path, for a Row's fields."""
        return self._getters[self._places[text]]


def record_type(described: RecordDescription) -> RecordType[Row]:
    """Build the record type of a description."""
    reader = _Reader(described)
    identity, zone = reader.getter(described.identity), described.zone
    deleted = _deleted(described, reader)
    return RecordType(
        kind=kind_of(described.kind, tuple(described.fields)),
        decoder=RowDecoder(msgspec.json.Decoder(reader.struct)),  # type: ignore[arg-type]  # the same methods, and Row besides
        identity=lambda row: read_id(identity(row.fields)),
        time=_own_time(described, reader),
        modified=_time(described.modified, reader, zone),
        deleted=deleted,
        contents=(contents(described.compared, described.modified),),
        normalize=_Normalizer(described, reader, deleted),
    )


def _own_time(described: RecordDescription, reader: _Reader) -> Callable[[Row], datetime | None]:
    path, zone = described.time, described.zone
    if path is None:
        return lambda row: None
    get = reader.getter(path)

    def own_time(row: Row) -> datetime:
        found = read_any_time(get(row.fields), zone)
        if found is None:
            raise ValueError(f"its {path} cannot be read as a time")
        return found

    return own_time


def _time(path: str | None, reader: _Reader, zone: tzinfo | None) -> Callable[[Row], datetime | None]:
    if path is None:
        return lambda row: None
    get = reader.getter(path)
    return lambda row: read_any_time(get(row.fields), zone)


def _deleted(described: RecordDescription, reader: _Reader) -> Callable[[Row], bool]:
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


def contents(compared: Compared, modified: str | None) -> Callable[[Row], object]:
    """Return a function that gives what is compared of a record: all of it but what is volatile."""
    left_out = [parse_path(text) for text in (*compared.volatile, *([modified] if modified else []))]
    signed = [parse_path(text) for text in compared.signed_urls]

    def content(row: Row) -> object:
        found = msgspec.json.decode(row.raw)
        for path in left_out:
            _change(found, path, None)
        for path in signed:
            _change(found, path, lambda url: url.partition("?")[0] if isinstance(url, str) else url)
        return found

    return content


def _change(value: Any, path: Path, change: Callable[[Any], Any] | None) -> None:
    """Change what a path leads to, in place; None takes it out."""
    *outer, last = path
    for step in outer:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return
    try:
        value[last] = change(value[last]) if change else None
    except (LookupError, TypeError):
        return


class _Normalizer:
    """The mapping of a record to the data of its event."""

    def __init__(self, described: RecordDescription, reader: _Reader, deleted: Callable[[Row], bool]) -> None:
        self._kind = kind_of(described.kind, tuple(described.fields))
        self._identity, self._deleted = reader.getter(described.identity), deleted
        self._flat: list[tuple[str, Getter, Reader]] = []
        self._nested: dict[str, list[tuple[str, Getter, Reader]]] = {}
        self._phones: list[Getter] = []
        self._to_e164: Reader = read_id
        for name, field in ({**_implied(described, self._kind), **described.fields}).items():
            self._add(name, field, described, reader)
        objects = {name: type(default) for name, default in _defaults(self._kind).items()}
        self._objects = {name: objects[name] for name in self._nested}
        self._is_lead = self._kind is kinds.Lead and "status" not in described.fields
        self._is_call = any(side in described.fields for side in SIDES)

    def _add(self, name: str, field: Field, described: RecordDescription, reader: _Reader) -> None:
        read = reader_of(self._kind, name, field, zone=described.zone, region=described.region)
        if name == "phones":
            self._phones, self._to_e164 = [reader.getter(path) for path in field.paths], read
            return
        outer, dot, inner = name.rpartition(".")
        into = self._nested.setdefault(outer, []) if dot else self._flat
        into.append((inner, reader.getter(field.paths[0]), read))

    def __call__(self, row: Row) -> kinds.Kind:
        """Return the data of the event of one record; what cannot be read is null, and keeps its default."""
        fields = row.fields
        found = {name: value for name, get, read in self._flat if (value := read(get(fields))) is not None}
        for name, parts in self._nested.items():
            found[name] = self._objects[name](**{inner: read(get(fields)) for inner, get, read in parts})
        if self._phones:
            numbers = [self._to_e164(get(fields)) for get in self._phones]
            found["phones"] = list(dict.fromkeys(number for number in numbers if number))
        if self._is_call:
            _name_sides(found)
        if self._is_lead:
            found["status"] = _lead_status(found, deleted=self._deleted(row))
        return self._kind(id=read_id(self._identity(fields)) or "", **found)


def _defaults(kind: type[kinds.Kind]) -> dict[str, Any]:
    """Return the defaults of those fields of a kind that are objects."""
    found = {field.name: field.default for field in msgspec.structs.fields(kind)}
    return {name: default for name, default in found.items() if isinstance(default, msgspec.Struct)}


def _implied(described: RecordDescription, kind: type[kinds.Kind]) -> dict[str, Field]:
    """Return the fields that are set by themselves, where the kind has them."""
    known = field_types(kind)
    own = next((name for name in ("created_at", "started_at") if name in known), None)
    implied = {own or "": described.time, "updated_at": described.modified}
    if described.deleted and not described.deleted.values:
        implied["deleted_at"] = described.deleted.path
    if "status" in described.fields and "vendor_status" in known:
        implied["vendor_status"] = described.fields["status"].paths[0]
    return {name: Field((path,)) for name, path in implied.items() if name in known and path}


def _name_sides(found: dict[str, Any]) -> None:
    """Say who dialled, and who was dialled, out of the two sides and the direction."""
    customer, business = (found.pop(side, None) for side in SIDES)
    outbound = found.get("direction") == "outbound"
    found.setdefault("caller_number", business if outbound else customer)
    found.setdefault("called_number", customer if outbound else business)


def _lead_status(found: Mapping[str, Any], *, deleted: bool) -> kinds.LeadStatus:
    said = {name: found.get(name) for name in ("converted", "completed")}
    return lead_status(deleted=deleted or None, opted_out=found.get("opt_out"), **said)


def identity_reader(path: str) -> Callable[[msgspec.Raw], str | None]:
    """Return a function that finds the identity of a row that is not decoded yet."""
    struct, (get,) = compile_paths([parse_path(path)])
    decode = msgspec.json.Decoder(struct).decode

    def identity(row: msgspec.Raw) -> str | None:
        try:
            return read_id(get(decode(row)))
        except UNREADABLE:
            return None

    return identity


def time_reader(path: str, zone: tzinfo | None) -> Callable[[msgspec.Raw], datetime | None]:
    """Return a function that reads the time at a path of a row that is not decoded yet.

    It raises msgspec.MsgspecError where the row is no object.
    """
    struct, (get,) = compile_paths([parse_path(path)])
    decode = msgspec.json.Decoder(struct).decode
    return lambda row: read_any_time(get(decode(row)), zone)
