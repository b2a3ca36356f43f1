"""A guess at how a vendor reads the start of a window otherwise than it was meant, by the records that came."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Raw

from poller.plugin import DECODE_ERRORS

_DAY, _ZONES = timedelta(days=1), timedelta(hours=14)
"""A day, and how far a zone is from UTC at most."""
_LEAST = timedelta(minutes=15)
"""No zone is nearer to another one."""


def misread(rows: Sequence[Raw], time_of: Callable[[Raw], datetime | None], start: datetime, granule: timedelta) -> str:
    """Return how much too early the earliest of the rows is, as a question; nothing where that is no matter of days or
    of zones, or where days are asked for."""
    early = max((start - time for row in rows if (time := _or_none(time_of, row))), default=timedelta(0))
    if granule >= _DAY or not _LEAST <= early <= _DAY + _ZONES:
        return ""
    return (
        f", up to {early / timedelta(hours=1):.2g} h before it: does the filter take days only "
        "({start:%Y-%m-%d}), or read times in another zone (`timezone`)?"
    )


def _or_none(time_of: Callable[[Raw], datetime | None], row: Raw) -> datetime | None:
    try:
        return time_of(row)
    except (ValueError, *DECODE_ERRORS):
        return None
