"""The description of a list's records, and the getters of what it names in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from poller.plugin import Getter, compile_paths, parse_path
from poller.sources.rest.fields import Field


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


class RecordReader:
    """Getters of what the description names in a record, each compiled once into one struct."""

    def __init__(self, described: RecordDescription) -> None:
        named = [described.identity, described.time, described.modified, described.deleted and described.deleted.path]
        texts = {text for text in named if text} | {path for field in described.fields.values() for path in field.paths}
        self._places = {text: place for place, text in enumerate(sorted(texts))}
        self.struct, self._getters = compile_paths([parse_path(text) for text in self._places])

    def getter(self, text: str) -> Getter:
        """Return the getter of one path, for a Row's fields."""
        return self._getters[self._places[text]]
