"""Moments, lengths of time and numbers, as people say them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta


def format_clock(moment: datetime, now: datetime, *, seconds: bool = True) -> str:
    """`09:41:12 UTC`; with its day where that is another one than now's."""
    day = "" if moment.date() == now.date() else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M:%S} UTC" if seconds else f"{day}{moment:%H:%M} UTC"


def format_ago(moment: datetime, now: datetime) -> str:
    """`3 s ago`."""
    return f"{format_seconds((now - moment).total_seconds())} ago"


def format_ahead(moment: datetime, now: datetime) -> str:
    """`in 3 s`, or `now`."""
    seconds = (moment - now).total_seconds()
    return f"in {format_seconds(seconds)}" if seconds > 0 else "now"


def format_seconds(seconds: float) -> str:
    """The two largest units: `3 s`, `2 min 5 s`, `4 h 10 min`, `3 d 2 h`."""
    whole = max(0, round(seconds))
    for size, below, name, smaller in ((86400, 3600, "d", "h"), (3600, 60, "h", "min"), (60, 1, "min", "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name} {rest} {smaller}" if rest else f"{whole // size} {name}"
    return f"{whole} s"


def describe_throughput(events: Sequence[int]) -> str:
    """An hour of events a minute, for somebody who sees no chart."""
    return f"Events a minute in the last hour: {events[-2]} last, {max(events)} at most, {sum(events):,} in all"


_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def format_duration(length: timedelta) -> str:
    """A duration as a configuration has it: `30s`, `6h`, `500ms`."""
    unit, of = next(
        (one for one in _UNITS if length >= one[1] and not length % one[1]), ("ms", timedelta(milliseconds=1))
    )
    return f"{length // of}{unit}"


def format_time(moment: datetime) -> str:
    """A time, to the second; the Z says that it is UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def format_duration_roughly(length: timedelta) -> str:
    """A duration for people, in its largest unit."""
    unit, of = next((one for one in _UNITS if length >= one[1]), _UNITS[-1])
    return f"{length // of} {unit}"
