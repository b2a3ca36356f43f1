"""The times of a request: how a bound is spelt, and how much wider than the window it is asked for.

We ask for one granule of the format more on both sides, the start cut down and the end cut up. So whether the vendor
counts its bounds in does not matter; what is read twice makes no event.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeAlias

from poller.plugin import wall_clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND, _SECOND = timedelta(milliseconds=1), timedelta(seconds=1)
_TURNED = timedelta(hours=2)
"""Longer than any zone's clocks are put back by."""
_FINEST = (  # what a format shows at the finest -> its granule
    ("f", _MILLISECOND),
    ("STXcr", _SECOND),
    ("MR", timedelta(minutes=1)),
    ("HI", timedelta(hours=1)),
    ("djFDxe", timedelta(days=1)),
)
_DIRECTIVE = re.compile(r"%[-#]?(.)")
_DAY = frozenset("djFDxc")
_KNOWN = frozenset("YymBbdjHIpMSfzZFTRDeauAwUWGVxXc%")

Spelt: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """The format of a placeholder such as `{start:%Y-%m-%d}`: what stands behind its colon; nothing means RFC 3339.

    `granule` is the shortest time that it can tell from another.
    """

    text: str
    granule: timedelta

    def start(self, moment: datetime, zone: tzinfo) -> Spelt:
        """Spell the beginning of a window, one granule earlier."""
        if self.is_local:
            return (_floor(wall_clock(moment, zone), self.granule) - self.granule).strftime(self.text)
        return self._absolute(_floor(moment, self.granule) - self.granule, zone)

    def end(self, moment: datetime, zone: tzinfo) -> Spelt:
        """Spell the end of a window, one granule later."""
        if self.is_local:
            return (_ceiling(_latest_wall_clock(moment, zone), self.granule) + self.granule).strftime(self.text)
        return self._absolute(_ceiling(moment, self.granule) + self.granule, zone)

    def exact(self, moment: datetime, zone: tzinfo) -> Spelt:
        """Spell a moment as it is, cut down to the granule."""
        return self._absolute(_floor(moment, self.granule) if self.text in _ABSOLUTE else moment, zone)

    def reaches(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return the earliest time (aware, UTC) that what `exact` spells can mean: of two hours that read the same it
        may be the first."""
        local = moment if self.text in _ABSOLUTE else moment.astimezone(zone)
        return _floor(local, self.granule).replace(fold=0).astimezone(UTC)

    @property
    def is_local(self) -> bool:
        """True if it shows a wall clock without an offset."""
        return "%" in self.text and not re.search("%[zZ]", self.text)

    def _absolute(self, moment: datetime, zone: tzinfo) -> Spelt:
        if spell := _ABSOLUTE.get(self.text):
            return spell(moment)
        return moment.astimezone(zone).strftime(self.text)


_ABSOLUTE: dict[str, Callable[[datetime], Spelt]] = {
    "": "{:%Y-%m-%dT%H:%M:%SZ}".format,
    "epoch_s": lambda moment: (moment - _EPOCH) // _SECOND,
    "epoch_ms": lambda moment: (moment - _EPOCH) // _MILLISECOND,
}


def always(zone: tzinfo) -> timedelta | None:
    """Return the offset from UTC that a zone always has; None where it changes, as by summer time."""
    months = (datetime(2000 + number // 12, number % 12 + 1, 1, tzinfo=zone) for number in range(38 * 12))
    offsets = {month.utcoffset() for month in months}
    return offsets.pop() if len(offsets) == 1 else None


def read_offset(text: str) -> timedelta:
    """Read an offset as it is spelt behind a time: `Z`, `UTC`, `GMT`, `+00:00`, `-0500`."""
    if text.isalpha():
        return timedelta(0)
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -size if text[0] == "-" else size


def time_format(text: str) -> TimeFormat:
    """Read the format of a placeholder. Raises ValueError that says what would be right."""
    if text in _ABSOLUTE:
        return TimeFormat(text, _MILLISECOND if text == "epoch_ms" else _SECOND)
    shown = set(_DIRECTIVE.findall(text))
    granule = next((granule for signs, granule in _FINEST if shown & set(signs)), None)
    if granule is None or not shown & _DAY or not shown <= _KNOWN:
        raise ValueError(
            f"`{text}` is no format of a time: epoch_s, epoch_ms, or one of strftime that shows the day at least, such "
            "as %Y-%m-%d %H:%M"
        )
    return TimeFormat(text, granule)


def repeated(moment: datetime, zone: tzinfo, within: timedelta) -> timedelta:
    """Return how much of a day reads the same as what was just before it, near a moment: where a zone puts its clocks
    back, a wall clock asks for both."""
    near = within + _TURNED
    before, after = ((moment + step).astimezone(zone).utcoffset() or timedelta(0) for step in (-near, near))
    return max(before - after, timedelta(0))


def _latest_wall_clock(moment: datetime, zone: tzinfo) -> datetime:
    """Return a wall-clock time (naive) that none up to `moment` is later than: in the second of two hours that read
    the same, the first one has shown all of it."""
    local = moment.astimezone(zone)
    earlier = local.replace(fold=0)
    repeated = (earlier.utcoffset() or timedelta(0)) - (local.utcoffset() or timedelta(0))
    return local.replace(tzinfo=None, fold=0) + repeated


def _floor(moment: datetime, granule: timedelta) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // granule * granule


def _ceiling(moment: datetime, granule: timedelta) -> datetime:
    floor = _floor(moment, granule)
    return floor if floor == moment else floor + granule
