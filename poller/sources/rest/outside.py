"""What is said of rows that lie outside of the window they were asked for, and how the vendor may have read it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo

from msgspec import Raw

from poller.plugin import DECODE_ERRORS, FilterCheck, Span, Unexpected
from poller.sources.rest.records import time_or_none
from poller.sources.rest.written_times import repeated

_DAY, _ZONES = timedelta(days=1), timedelta(hours=14)
"""A day, and how far a zone is from UTC at most."""
_LEAST = timedelta(minutes=15)
"""No zone is nearer to another one."""


def outside(
    check: FilterCheck,
    rows: Sequence[Raw],
    span: Span,
    time_of: Callable[[Raw], datetime | None],
    zone: tzinfo,
    granule: timedelta,
) -> str | None:
    """Return what is doubtful about rows that lie outside of a span by more than a granule.

    Raises Unexpected where most of them do.
    """
    wider = 2 * granule  # one more is asked for on both sides
    first = span.start - wider - repeated(span.start, zone, wider)
    last = span.end and span.end + wider + repeated(span.end, zone, wider)
    try:
        doubt = check.doubt(rows, first, last)
    except Unexpected as error:
        raise Unexpected(f"{error}{_misread(rows, time_of, span.start, granule)}") from None
    return doubt and f"{doubt}{_misread(rows, time_of, span.start, granule)}"


def reaches_back(rows: Sequence[Raw], time_of: Callable[[Raw], datetime | None], start: datetime) -> bool:
    """Return whether rows of a list that is sorted newest first begin before a window: no more is asked for."""
    try:
        times = [time for row in rows if (time := time_of(row))]
    except (ValueError, *DECODE_ERRORS):
        return False
    return bool(times) and times[-1] < start and times == sorted(times, reverse=True)


def _misread(
    rows: Sequence[Raw], time_of: Callable[[Raw], datetime | None], start: datetime, granule: timedelta
) -> str:
    """Return how much too early the earliest of the rows is, as a question; nothing where that is no matter of days or
    of zones, or where days are asked for."""
    early = max((start - time for row in rows if (time := time_or_none(time_of, row))), default=timedelta(0))
    if granule >= _DAY or not _LEAST <= early <= _DAY + _ZONES:
        return ""
    return (
        f", up to {early / timedelta(hours=1):.2g} h before it: does the filter take days only "
        "({start:%Y-%m-%d}), or read times in another zone (`timezone`)?"
    )
