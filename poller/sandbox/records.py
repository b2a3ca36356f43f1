"""A simulated vendor's records: their kinds, the changes they go through, and the versions that result."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import orjson

Fields = dict[str, Any]
"""A record as the world keeps it: documented fields, times as UTC datetimes; a leading `_` marks what is hidden."""

View = tuple[str, ...]
"""How a list was asked to show its records (a zone, the wanted blocks); each vendor gives it a meaning of its own."""

JSON = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
RECORD_VICES = ("odd_record", "broken_record", "new_field")
ESCAPED = orjson.Fragment(rb'"\u0031\/\u00e9 \"\ud83d\ude00\" \t"')
MONEY = orjson.Fragment(b"1.10")


@dataclass(frozen=True, slots=True)
class Change:
    """At `at` the record visibly takes on `updates` (top-level fields), or vanishes without a trace (None)."""

    at: datetime
    updates: Fields | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One list endpoint of a vendor: how its records come to be, change, and are shown.

    `key`, `born`, `stamp` name the fields for identity, own time and last modification. `life` yields the changes of
    record number n, which comes up at the given time; the first one holds a complete record. `blank` is such a record,
    over and done with by that time; `touch` is an edit and `bury` a deletion (None leaves no mark) made at that time.
    `odd` are updates that make a record unusual, `nullable` the dates that may be missing. `aside` says of a record
    that it is there for others than those who ask for this kind: the truth leaves it out. `pace` scales the rate.
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

    @property
    def vendor(self) -> str:
        """The vendor's name, which a kind's name begins with."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a record, true from `since` on; `worn` names the vices that disfigure how it is shown."""

    since: datetime
    fields: Fields
    deleted: bool
    gone: bool
    worn: tuple[str, ...] = ()
    salt: str = ""
    _shown: dict[View, bytes] = field(default_factory=dict, compare=False, repr=False)

    def raw(self, kind: Kind, view: View) -> bytes:
        """The record as JSON text, the way a list asked with `view` shows it."""
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


BROKEN: Sequence[Callable[[Fields, Kind], Any]] = (
    lambda record, kind: {name: value for name, value in record.items() if name != kind.key},
    lambda record, kind: {**record, kind.key: None},
    lambda record, kind: {**record, kind.born: "yesterday noon"},
    lambda record, kind: {**record, kind.born: "0000-00-00 00:00:00"},
    lambda record, kind: "maintenance",
    lambda record, kind: None,
    lambda record, kind: [record[kind.key]],
)


def second(at: datetime) -> datetime:
    """Stamps are whole seconds."""
    return at.replace(microsecond=0)
