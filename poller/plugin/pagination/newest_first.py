"""Lists that are sorted by time, newest first, and are read until a whole page is too old."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from poller.errors import Unexpected
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.fields.structs import struct_of
from poller.plugin.fields.times import require_time

TimeOf: TypeAlias = Callable[[msgspec.Raw], datetime | None]


class NewestFirst:
    """A judge of whether a list sorted by a column of times was read back past `start`: the rest is older still.

    Only a whole page that is older, and in order, says so. Records without a time come last, or first: then at most
    `patience` pages of them. `time_of` reads the column of a record, None where it holds nothing; without it, `column`
    is a field of the record. It raises ValueError where it cannot be read.
    """

    def __init__(self, column: str, start: datetime, patience: int, time_of: TimeOf | None = None) -> None:
        self._time_of = time_of or column_reader(column)
        self._column = column
        self._start = start
        self._patience = patience
        self._oldest: datetime | None = None

    def passed(self, rows: Sequence[msgspec.Raw]) -> bool:
        """Take the next page. Raises Unexpected when out of patience."""
        try:
            times = [self._time(row) for row in rows]
        except (ValueError, *DECODE_ERRORS):
            return False
        if self._oldest is None:
            times = times[next((at for at, time in enumerate(times) if time > _NEVER), len(times)) :]
            self._patience -= not times
            if self._patience < 0:
                raise Unexpected(f"the list begins with too many records without {self._column}")
        ordered = [self._oldest or times[0], *times] if times else []
        self._oldest = min(filter(_NEVER.__lt__, ordered), default=self._oldest)
        return bool(times) and ordered == sorted(ordered, reverse=True) and times[0] < self._start

    def _time(self, row: msgspec.Raw) -> datetime:
        return self._time_of(row) or _NEVER


def column_reader(column: str) -> TimeOf:
    """Return a reader of the time in a field of records; it raises ValueError where it cannot be read."""
    decode = msgspec.json.Decoder(struct_of(column)).decode

    def time_of(row: msgspec.Raw) -> datetime | None:
        leaf = getattr(decode(row), column)
        return None if leaf is None else require_time(leaf, column)

    return time_of


_NEVER = datetime.min.replace(tzinfo=UTC)
