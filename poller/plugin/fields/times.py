"""Read times as vendors write them, with an offset or as wall clocks show them in a zone; all become UTC."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from poller.plugin.fields.windows_zones import IANA_NAMES

_SHORTEST, _LONGEST = len("2026-03-14T09:15"), 64
_ODD = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(?:(:\d\d)([.,]\d+)?)? ?(?:(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?:\[[\w/+-]+\])?)?",
    re.ASCII | re.IGNORECASE,
)
_WALL_CLOCK, _HOUR, _ENDS = len("2026-03-14 09:15:42"), len("2026-03-14 09"), ("00:00", "59:59.999999")
_FORM = bytes.maketrans(b"123456789", b"0" * 9)
_SORTABLE = (b"0000-00-00 00:00:00,", b"0000-00-00T00:00:00,", b"0000-00-00T00:00:00Z,", b"0000-00-00T00:00:00.000Z,")
_KNOWN = 1 << 12  # a record's times are asked for several times each, and most records are read again


def read_time(leaf: object, zone: tzinfo | None = None, *, after: datetime | None = None) -> datetime | None:
    """Read an ISO 8601 time (`2026-03-14T16:15:42Z`, `2026-03-14 09:15:42`) as UTC; None where it cannot be read.

    The spellings of Rails, PHP, .NET and Java are read too: `2016-01-01 12:25:15 UTC`, `+0000`, no seconds, `Z[UTC]`,
    more than six digits of a fraction (cut off at microseconds). A leap second is the second after it.

    A time without an offset is read in `zone`, and cannot be read without one. Of the two readings of an hour that is
    repeated in autumn the first counts, unless it lies before `after`; in the hour that is left out in spring, the
    clock is taken as not yet put forward.
    """
    if leaf.__class__ is not str or not _SHORTEST <= len(leaf) <= _LONGEST:
        return None
    found = _read(leaf, zone, 0)
    return _read(leaf, zone, 1) if after and found and found < after else found


@lru_cache(_KNOWN)
def _read(text: str, zone: tzinfo | None, fold: int) -> datetime | None:
    if zone and len(text) == _WALL_CLOCK:
        try:  # by the offset of its hour, which is known: that takes a third of the time
            offset = _offset_of_hour(text[:_HOUR], zone, fold)
            if offset is not None:
                return datetime.fromisoformat(text + "Z") - offset
        except (ValueError, OverflowError):  # it is spelt in another way
            pass
    try:
        read = _parse(text.strip())
        if read.tzinfo is None:
            if zone is None:
                return None
            read = read.replace(tzinfo=zone, fold=fold)
        return read if read.tzinfo is UTC else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(1 << 10)
def _offset_of_hour(hour: str, zone: tzinfo, fold: int) -> timedelta | None:
    """Return how far clocks are ahead of UTC all through an hour (`2026-03-14 09`); None where they are put then."""
    first, last = (datetime.fromisoformat(f"{hour}:{rest}").replace(tzinfo=zone, fold=fold) for rest in _ENDS)
    offset = first.utcoffset()
    return offset if offset == last.utcoffset() else None


def _parse(text: str) -> datetime:
    """Parse one time, aware or naive. Raises ValueError where it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        odd = _ODD.fullmatch(text)
        if odd is None:
            raise
    minute, second, fraction, offset = odd.groups("")
    leap = second == ":60"
    named = "Z" if offset.isalpha() else offset
    read = datetime.fromisoformat(f"{minute}:59{named}" if leap else f"{minute}{second}{fraction}{named}")
    return read + timedelta(seconds=1) if leap else read


def earliest_and_latest(leaves: Sequence[Any]) -> tuple[str, str] | None:
    """Return the first and the last of times that are all spelt alike, in UTC or without an offset, down to the second:
    such texts sort as the times do. None where they are not, or there are none."""
    try:
        forms = f"{','.join(leaves)},".encode("ascii", "replace").translate(_FORM)
    except TypeError:  # some are no texts
        return None
    alike = next((form for form in _SORTABLE if forms.startswith(form)), None)
    return (min(leaves), max(leaves)) if alike and forms == alike * len(leaves) else None


def require_time(leaf: object, name: str, zone: tzinfo | None = None) -> datetime:
    """Read a record's own time, as `read_time` does. Raises ValueError where it cannot be read."""
    found = read_time(leaf, zone)
    if found is None:
        raise ValueError(f"its {name} cannot be read as a time")
    return found


def seconds_between(began: datetime | None, ended: datetime | None) -> int | None:
    """Return the whole seconds from one time to another; None where one is missing, or they are in the wrong order."""
    return int((ended - began).total_seconds()) if began and ended and ended >= began else None


def time_after(began: datetime | None, seconds: int | None) -> datetime | None:
    """Return the time this many seconds after another; None where one is missing, or the calendar ends before it."""
    try:
        return None if began is None or seconds is None else began + timedelta(seconds=seconds)
    except OverflowError:
        return None


def wall_clock(start: datetime, zone: tzinfo) -> datetime:
    """Return the wall-clock time (naive) to ask from, so that nothing from `start` on shows an earlier one.

    That time is `start` itself, except in the first of two hours that read the same: what follows in the second one
    shows earlier times again, so it is put back by as much.
    """
    local = start.astimezone(zone)
    later = local.replace(fold=1)
    repeated = (local.utcoffset() or timedelta(0)) - (later.utcoffset() or timedelta(0))
    return local.replace(tzinfo=None, fold=0) - repeated


def zone_name(name: str) -> str:
    """Check the name of a time zone. Raises ValueError that says what would be right."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("no such time zone: an IANA name such as US/Arizona or Etc/UTC") from None
    return name


def read_zone(leaf: object) -> ZoneInfo | None:
    """Read the time zone that a record names; None where it names none, or none that is known.

    The name is IANA's, or Windows' (`W. Europe Standard Time`), which .NET prints.
    """
    return _zone(leaf) if isinstance(leaf, str) else None


@lru_cache(1 << 8)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(zone_name(IANA_NAMES.get(name, name)))
    except ValueError:
        return None


@lru_cache(1 << 8)
def is_same_zone(one: ZoneInfo | None, other: ZoneInfo | None) -> bool:
    """Return whether two zones show the same times, as America/Phoenix and US/Arizona do; None is no zone."""
    if one is None or other is None:
        return False
    months = (datetime(year, month, 15, tzinfo=UTC) for year in range(2000, 2038) for month in range(1, 13))
    return one.key == other.key or all(one.utcoffset(month) == other.utcoffset(month) for month in months)


ZoneName = Annotated[str, AfterValidator(zone_name)]
