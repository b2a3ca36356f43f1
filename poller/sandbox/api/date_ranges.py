"""Ranges of dates by name, as vendors offer them: they slide with the server's clock, in the zone of the request."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]

ALWAYS: Span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

DAYS: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda day: (day, day),
    "yesterday": lambda day: (day - timedelta(days=1), day - timedelta(days=1)),
    "week": lambda day: (day - timedelta(days=day.isoweekday() % 7), day),
    "last7days": lambda day: (day - timedelta(days=7), day),
    "monthtodate": lambda day: (day.replace(day=1), day),
    "lastmonth": lambda day: (months_before(day, 1), day.replace(day=1) - timedelta(days=1)),
    "last30days": lambda day: (day - timedelta(days=30), day),
    "last3months": lambda day: (months_before(day, 3), day),
    "last6months": lambda day: (months_before(day, 6), day),
    "yeartodate": lambda day: (day.replace(month=1, day=1), day),
}
"""The first and the last day of each range, both included, counted from today."""


def named(name: str, now: datetime, zone: ZoneInfo) -> Span:
    """Return the instants that a name means now: one of DAYS, or `last<N>minutes`, which has no end."""
    if minutes := re.fullmatch(r"last(\d+)minutes", name):
        return now - timedelta(minutes=int(minutes[1])), ALWAYS[1]
    return days(*DAYS[name](now.astimezone(zone).date()), zone)


def months_before(day: date, months: int) -> date:
    """Return the first day of the month that is this many months earlier."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, 1)


def days(first: date, last: date, zone: ZoneInfo) -> Span:
    """Return the span from the first day's beginning in that zone to (excluding) the end of the last day."""
    return midnight(first, zone), midnight(last + timedelta(days=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which this day begins in that zone."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
