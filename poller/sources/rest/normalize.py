"""The data of an event out of a described record."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from poller.plugin import kinds, lead_status, read_id
from poller.sources.rest.described import RecordDescription, Row, RowDecoder
from poller.sources.rest.fields import SIDES, Field, Reader, field_types, kind_of, reader_of, words_of


class Normalizer:
    """The mapping of a record to the data of its event; `unmapped` are words it met that are none of ours, by field."""

    def __init__(self, described: RecordDescription, decoder: RowDecoder, deleted: Callable[[Row], bool]) -> None:
        self._kind = kind_of(described.kind, tuple(described.fields))
        self._identity, self._deleted = decoder.place(described.identity), deleted
        self._flat: list[tuple[str, int, Reader]] = []
        self._phones: list[int] = []
        self.unmapped: dict[str, set[str]] = {}
        self._to_e164: Reader = read_id
        nested = defaultdict[str, dict[str, tuple[int, Reader]]](dict)
        for name, field in ({**_implied(described, self._kind), **described.fields}).items():
            read = self._reader(name, field, described)
            places = [decoder.place(path) for path in field.paths]
            outer, dot, inner = name.rpartition(".")
            if name == "phones":
                self._phones, self._to_e164 = places, read
            elif dot:
                nested[outer][inner] = places[0], read
            else:
                self._flat.append((inner, places[0], read))
        objects = _defaults(self._kind)
        self._nested = [(name, type(objects[name]), _in_order(objects[name], parts)) for name, parts in nested.items()]
        self._is_lead = self._kind is kinds.Lead and "status" not in described.fields
        self._is_call = any(side in described.fields for side in SIDES)

    def _reader(self, name: str, field: Field, described: RecordDescription) -> Reader:
        unmapped = self.unmapped.setdefault(name, set()) if words_of(self._kind, name) else None
        zone, region = described.zone, described.region
        return reader_of(self._kind, name, field, zone=zone, region=region, unmapped=unmapped)

    def __call__(self, row: Row) -> kinds.Kind:
        """Return the data of the event of one record; what cannot be read is null, and keeps its default."""
        leaves = row.leaves
        found = {name: value for name, place, read in self._flat if (value := read(leaves[place])) is not None}
        for name, made, parts in self._nested:
            found[name] = made(*[read(leaves[place]) for place, read in parts])
        if self._phones:
            numbers = [self._to_e164(leaves[place]) for place in self._phones]
            found["phones"] = list(dict.fromkeys(number for number in numbers if number))
        if self._is_call:
            _name_sides(found)
        if self._is_lead:
            found["status"] = _lead_status(found, deleted=self._deleted(row))
        return self._kind(id=read_id(leaves[self._identity]) or "", **found)


def _defaults(kind: type[kinds.Kind]) -> dict[str, Any]:
    """Return the defaults of those fields of a kind that are objects."""
    found = {field.name: field.default for field in msgspec.structs.fields(kind)}
    return {name: default for name, default in found.items() if isinstance(default, msgspec.Struct)}


def _in_order(default: msgspec.Struct, parts: Mapping[str, tuple[int, Reader]]) -> list[tuple[int, Reader]]:
    """Return how the fields of an object are read, in their order, up to the last that is described."""
    names = default.__struct_fields__
    last = max(map(names.index, parts))
    return [parts.get(name) or (0, _unset) for name in names[: last + 1]]


def _unset(_: object) -> None:
    """A field that is not described is null."""


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
    customer, business = found.pop(SIDES[0], None), found.pop(SIDES[1], None)
    outbound = found.get("direction") == "outbound"
    found.setdefault("caller_number", business if outbound else customer)
    found.setdefault("called_number", customer if outbound else business)


def _lead_status(found: Mapping[str, Any], *, deleted: bool) -> kinds.LeadStatus:
    said = {name: found.get(name) for name in ("converted", "completed")}
    return lead_status(deleted=deleted or None, opted_out=found.get("opt_out"), **said)
