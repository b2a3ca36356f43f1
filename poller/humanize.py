"""Times, durations and numbers written for people."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta


def format_clock(moment: datetime, now: datetime, *, seconds: bool = True) -> str:
    """Write a time as `09:41:12 UTC`, with its day where that is not the day of `now`."""
    day = "" if moment.date() == now.date() else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M:%S} UTC" if seconds else f"{day}{moment:%H:%M} UTC"


def format_ago(moment: datetime, now: datetime) -> str:
    """Write a past time as `3 s ago`."""
    return f"{format_seconds((now - moment).total_seconds())} ago"


def format_ahead(moment: datetime, now: datetime) -> str:
    """Write a future time as `in 3 s`, or `now` where it is past."""
    seconds = (moment - now).total_seconds()
    return f"in {format_seconds(seconds)}" if seconds > 0 else "now"


def format_seconds(seconds: float) -> str:
    """Write seconds in their two largest units: `3 s`, `2 min 5 s`, `4 h 10 min`, `3 d 2 h`."""
    whole = max(0, round(seconds))
    for size, below, name, smaller in ((86400, 3600, "d", "h"), (3600, 60, "h", "min"), (60, 1, "min", "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name} {rest} {smaller}" if rest else f"{whole // size} {name}"
    return f"{whole} s"


def describe_throughput(events: Sequence[int]) -> str:
    """Describe an hour of events a minute to somebody who sees no chart."""
    return f"Events a minute in the last hour: {events[-2]} last, {max(events)} at most, {sum(events):,} in all"


_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def format_duration(length: timedelta) -> str:
    """Write a duration as a configuration has it: `30s`, `6h`, `500ms`."""
    whole = (unit for unit in _UNITS if length >= unit[1] and not length % unit[1])
    name, size = next(whole, ("ms", timedelta(milliseconds=1)))
    return f"{length // size}{name}"


def format_time(moment: datetime) -> str:
    """Write a time in UTC, to the second: `2026-03-14 09:41:12Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def format_duration_roughly(length: timedelta) -> str:
    """Write a duration in its largest unit, rounded down: `3 d`, `2 h`."""
    name, size = next((unit for unit in _UNITS if length >= unit[1]), _UNITS[-1])
    return f"{length // size} {name}"
