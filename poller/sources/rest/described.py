"""The description of a list's records, and how they are decoded to what it names in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import msgspec

from poller.plugin import Undocumented, WholeRecords, follow_path, leaves_reader, parse_path
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

    @property
    def steady(self) -> Compared:
        """What is left out of comparison and can be taken out of rows that are not decoded: fields by name, in which
        nothing is that a record is named, dated or taken for deleted by."""
        texts = (self.identity, self.time, self.modified, self.deleted and self.deleted.path)
        told = [parse_path(text) for text in texts if text]

        def found(texts: Sequence[str]) -> tuple[str, ...]:
            paths = {text: parse_path(text) for text in texts}
            named = [text for text, path in paths.items() if path and all(isinstance(step, str) for step in path)]
            return tuple(text for text in named if all(one[: len(paths[text])] != paths[text] for one in told))

        return Compared(found(self.compared.volatile), found(self.compared.signed_urls))

    @property
    def looked_at(self) -> Sequence[str | None]:
        """The paths beside the identity at which rows are looked at before they are decoded, all at once."""
        return self.time, self.modified, *self.steady.volatile, *self.steady.signed_urls


class Row:
    """A record as decoded: all of it, and the values that the described paths lead to."""

    __slots__ = ("leaves", "whole")

    def __init__(self, whole: Any, leaves: Sequence[Any]) -> None:
        self.whole, self.leaves = whole, leaves


class RowDecoder:
    """A decoder of described records. `type` has no fields: nothing is documented to us.

    A record is decoded once, into a struct of the fields that were met (`WholeRecords`); which of its attributes a
    path means is found out once for each such struct.
    """

    type = msgspec.defstruct("Undocumented", [])

    def __init__(self, described: RecordDescription) -> None:
        named = [described.identity, described.time, described.modified, described.deleted and described.deleted.path]
        texts = {text for text in named if text} | {path for field in described.fields.values() for path in field.paths}
        self._places = {text: place for place, text in enumerate(sorted(texts))}
        self._paths = [parse_path(text) for text in self._places]
        self._whole = WholeRecords(self._paths)
        self._leaves: dict[type[Any], Callable[[Any], Sequence[Any]]] = {}

    def place(self, text: str) -> int:
        """Return the place of a path among a Row's leaves."""
        return self._places[text]

    def decode(self, raw: bytes) -> Row:
        """Decode a record. Raises msgspec.MsgspecError where it is no object."""
        whole = self._whole.decode(raw)
        leaves = self._leaves.get(whole.__class__)
        if leaves is None:
            leaves = self._leaves[whole.__class__] = self._leaves_of(whole)
        return Row(whole, leaves(whole))

    def _leaves_of(self, whole: Any) -> Callable[[Any], Sequence[Any]]:
        if isinstance(whole, dict):
            return lambda record: [follow_path(record, path) for path in self._paths]
        if not isinstance(whole, Undocumented):
            raise msgspec.ValidationError(f"Expected `object`, got `{type(whole).__name__}`")
        return leaves_reader(type(whole), self._paths)
