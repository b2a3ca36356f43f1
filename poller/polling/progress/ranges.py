"""A set of times as ranges: what was read, or what is missing. A value, with pure functions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges from `start` to `end` (aware, UTC), in order, apart from each other and none of them empty."""

    parts: tuple[tuple[datetime, datetime], ...] = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[datetime, datetime]]) -> "Ranges":
        """Return what these ranges hold together; those that touch are one."""
        return cls(_merged(sorted((start, end) for start, end in parts if start < end)))

    def __sub__(self, other: "Ranges") -> "Ranges":
        """Return what this holds and the other does not."""
        left = list(self.parts)
        for start, end in other.parts:
            left = [part for each in left for part in _without(each, start, end)]
        return Ranges.of(left)

    def reaches(self, start: datetime) -> datetime:
        """Return up to when all is held from `start` on: the beginning of the earliest hole, `start` at least."""
        return next((end for begins, end in self.parts if begins <= start < end), start)

    @property
    def length(self) -> timedelta:
        """The length of all ranges together."""
        return sum((end - start for start, end in self.parts), timedelta(0))

    def last(self, number: int) -> "Ranges":
        """Return so many of the latest ranges."""
        return Ranges(self.parts[-number:])


def _merged(parts: Iterable[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in parts:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def _without(part: tuple[datetime, datetime], start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    if part[0] < start:
        yield part[0], min(part[1], start)
    if end < part[1]:
        yield max(part[0], end), part[1]
