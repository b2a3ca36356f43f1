"""A simulated vendor's records: their kinds, the changes they go through, and the versions that result."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import getitem
from random import Random
from typing import Any

import orjson

Fields = dict[str, Any]
"""A record as the world keeps it: documented fields, times as UTC datetimes; a leading `_` marks what is hidden."""

View = tuple[str, ...]
"""The way a list was asked to show its records (a zone, the wanted blocks); each vendor gives it its own meaning."""

JSON = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
RECORD_VICES = ("odd_record", "broken_record", "new_field")
ESCAPED = orjson.Fragment(rb'"\u0031\/\u00e9 \"\ud83d\ude00\" \t"')
MONEY = orjson.Fragment(b"1.10")


@dataclass(frozen=True, slots=True)
class Change:
    """A change: at `at` the record visibly takes on `updates` (top-level fields), or vanishes without a trace (None).

    `of` names another record than the one whose life is told: its kind and its identity.
    """

    at: datetime
    updates: Fields | None
    of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A list endpoint of a vendor: the way its records come to be, change, and are shown.

    `key`, `born`, `stamp` name the fields for identity, own time (empty if there is none) and last modification;
    `places` says where a shown record has the first two, if not at its top under the same name. `life` yields the
    changes of record number n, which comes up at the given time; the first one holds it complete. `blank` is such a
    record, over and done with by that time; `touch` is an edit and `bury` a deletion (None leaves no mark) made at that
    time. `odd` are updates that make a record unusual, `nullable` the dates that may be missing. `aside` says of a
    record that it is there for others than those who ask for this kind: the truth leaves it out. `pace` scales
    the rate.
    """

    name: str
    key: str
    born: str
    stamp: str
    life: Callable[[int, datetime, Random], Iterator[Change]]
    blank: Callable[[int, datetime, Random], Fields]
    touch: Callable[[datetime, Random], Fields]
    show: Callable[[Fields, View], Fields]
    odd: Sequence[Callable[[Fields], Fields]]
    view: View = ()
    bury: Callable[[datetime], Fields | None] = lambda at: None
    deleted: Callable[[Fields], bool] = lambda fields: False
    aside: Callable[[Fields], bool] = lambda fields: False
    nullable: Sequence[str] = ()
    pace: float = 1.0
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def vendor(self) -> str:
        """The vendor's name, which a kind's name begins with."""
        return self.name.partition("/")[0]

    def place(self, name: str) -> tuple[str, ...]:
        """Return the path to this field in a shown record."""
        return self.places.get(name, (name,))


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a record, true from `since` on; `worn` names the vices that disfigure it where it is shown."""

    since: datetime
    fields: Fields
    deleted: bool
    gone: bool
    worn: tuple[str, ...] = ()
    salt: str = ""
    _shown: dict[View, bytes] = field(default_factory=dict, compare=False, repr=False)

    def raw(self, kind: Kind, view: View) -> bytes:
        """Return the record as JSON text, the way a list asked with `view` shows it."""
        shown = self._shown.get(view)
        if shown is None:
            record = kind.show(self.fields, view)
            shown = orjson.dumps(self._disfigured(kind, record) if self.worn else record, option=JSON)
            self._shown[view] = shown
        return shown

    def _disfigured(self, kind: Kind, record: Fields) -> Any:
        rng = Random(self.salt)
        if "odd_record" in self.worn:
            record |= rng.choice(kind.odd)(record)
        if "new_field" in self.worn:
            record["beta_score"] = {"value": rng.randint(0, 100), "model": "b7"}
        return rng.choice(BROKEN)(record, kind) if "broken_record" in self.worn else record


def _spoilt(record: Any, path: Sequence[str], *value: Any) -> Any:
    """Return a copy of the record with this value at `path`, or, without a value, with nothing there."""
    name, *deeper = path
    if deeper:
        return {**record, name: _spoilt(record[name], deeper, *value)}
    return {**record, name: value[0]} if value else {key: kept for key, kept in record.items() if key != name}


def _undated(record: Fields, kind: Kind, text: str) -> Any:
    return _spoilt(record, kind.place(kind.born), text) if kind.born else _spoilt(record, kind.place(kind.key))


BROKEN: Sequence[Callable[[Fields, Kind], Any]] = (
    lambda record, kind: _spoilt(record, kind.place(kind.key)),
    lambda record, kind: _spoilt(record, kind.place(kind.key), None),
    lambda record, kind: _undated(record, kind, "yesterday noon"),
    lambda record, kind: _undated(record, kind, "0000-00-00 00:00:00"),
    lambda record, kind: "maintenance",
    lambda record, kind: None,
    lambda record, kind: [reduce(getitem, kind.place(kind.key), record)],
)


def second(at: datetime) -> datetime:
    """Return the time in whole seconds, as stamps are."""
    return at.replace(microsecond=0)
