"""A stream that brings no new records any more although it should: by its own history, by hour of the week.

Kept for each hour of the week (UTC) is what it usually brings at least: fewer records count at once, more count half,
so that the least of the past weeks is forgotten slowly. A stream is suspect, once there are two weeks of it, where the
chance that no record comes is below one in a million, by a Poisson distribution: where at least 14 were due in the
whole hours since its last one. How many were due is taken

- by the leanest day of the week at those hours of the day: so no holiday is suspect that is like a Sunday;
- by those hours of the week themselves, six at most, where records came as usual up to the last one: so what stops in
  the middle of the day is told within hours, and a day that never begins may be a holiday.

An hour counts as its leaner neighbour does, which pardons half hours and a change of summer time. Hours are learned
from once another record came after them. Besides, from the first week on, a silence is suspect that is longer than five
days, which is Easter, and twice as long as any before.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from poller.state.checkpoint import Checkpoint, Rate

_HOUR = timedelta(hours=1)
_WEEK = 168
_NOT_KNOWN = bytes(_WEEK)
_DUE = 14.0
"""So many records due and none there: the chance of that is exp(-14), less than one in a million."""
_ENOUGH = timedelta(weeks=2)
"""The history by which hours of the week are told apart."""
_BEFORE, _AFTER = 6, 6
"""Hours up to the last record in which they must have come as usual, and hours after it that are judged by that."""
_SOME = 10
"""The least records in the former that tell anything."""
_LONG = timedelta(days=5)
_MOST = 255
"""An hour's records are counted up to so many: a byte each."""


class Polled(NamedTuple):
    """How often a stream's main sweep is polled, and when it was complete last; None: never."""

    every: timedelta
    before: datetime | None


def count_new(checkpoint: Checkpoint, records: int, polled: Polled, now: datetime) -> None:
    """Count new records that came now: the hours since the last one were none to worry about."""
    rate = checkpoint.rate
    if rate is None or not records:
        return
    learns = rate.due is None and _is_watched(rate, polled, now)
    rate = _at(rate, _hour(now)) if learns else _begun_anew(rate, now)
    counts = (*rate.counts[:-1], rate.counts[-1] + records)
    checkpoint.rate = replace(
        rate,
        counts=counts,
        active=rate.active + (rate.counts[-1] == 0),
        last=now,
        longest=max(rate.longest, (now - rate.last).total_seconds()),
        as_usual=_as_usual(rate, counts),
        due=None,
    )


def judge_silence(checkpoint: Checkpoint, polled: Polled, now: datetime) -> bool:
    """Note that the main sweep was complete again; return True where its stream is suspect from now on."""
    rate = checkpoint.rate
    if rate is None:
        checkpoint.rate = Rate(since=now, hour=_hour(now), counts=(0,) * _BEFORE, usual=_NOT_KNOWN, last=now)
        return False
    if polled.before and _hour(polled.before) == _hour(now):
        return False
    if not _is_watched(rate, polled, now):
        rate = checkpoint.rate = _begun_anew(rate, now)
    if rate.due is not None or (due := _due(rate, now)) is None:
        return False
    checkpoint.rate = replace(rate, due=due)
    return True


def follow_step(rate: Rate, by: timedelta) -> Rate:
    """Return the rate after our clock was stepped: the silence is as long as it was."""
    return replace(rate, last=rate.last + by, as_usual=False)


def _as_usual(rate: Rate, counts: tuple[int, ...]) -> bool:
    """Return True if the last hours brought half of what they do at least; the one that runs only adds to it."""
    usual = sum(rate.usual[_slot(rate.hour - place * _HOUR)] for place in range(1, _BEFORE))
    return sum(counts) >= max(_SOME, usual / 2)


def _is_watched(rate: Rate, polled: Polled, now: datetime) -> bool:
    """Return True if no hour passed unpolled since the last record, or since somebody began to poll again.

    What came in such hours comes with the next poll: they are neither silent nor usual.
    """
    before = polled.before
    return before is not None and timedelta(0) <= now - before <= 2 * polled.every + _HOUR and rate.hour <= _hour(now)


def _begun_anew(rate: Rate, now: datetime) -> Rate:
    """Return the rate without the hours that are not over: they teach nothing."""
    return replace(rate, hour=_hour(now), counts=(0,) * _BEFORE)


def _at(rate: Rate, hour: datetime) -> Rate:
    """Return the rate at an hour: those before it are over."""
    if not 0 <= (hour - rate.hour) // _HOUR <= _WEEK:
        return _begun_anew(rate, hour)
    while rate.hour < hour:
        slot, count = _slot(rate.hour), min(rate.counts[-1], _MOST)
        usual, known = bytearray(rate.usual), rate.usual[slot]
        usual[slot] = count if count < known else (known + count + 1) // 2
        rate = replace(rate, hour=rate.hour + _HOUR, counts=(*rate.counts[1:], 0), usual=bytes(usual))
    return rate


def _due(rate: Rate, now: datetime) -> float | None:
    """Return how many records at least were due since the last one, where that makes the stream suspect."""
    silence, known = now - rate.last, now - rate.since >= _ENOUGH
    first = _hour(rate.last) + _HOUR
    whole = min((_hour(now) - first) // _HOUR, 24)
    if known and whole > 0 and sum(rate.usual) >= _DUE:
        lean = _leanest(rate.usual)
        slot = _slot(first)
        days = [sum(lean[(slot + 24 * day + place) % _WEEK] for place in range(whole)) for day in range(7)]
        due = max(min(days), sum(lean[(slot + place) % _WEEK] for place in range(min(whole, _AFTER))) * rate.as_usual)
        if due >= _DUE:
            return float(due)
    hours = rate.active / max((now - rate.since) / _HOUR, 1.0) * (silence / _HOUR)
    long = max(_LONG, 2 * timedelta(seconds=rate.longest))
    return hours if hours >= _DUE and silence > long else None


def _leanest(usual: bytes) -> list[int]:
    """Return for each hour of the week the least of it and its neighbours."""
    return [min(usual[slot - 1], usual[slot], usual[(slot + 1) % _WEEK]) for slot in range(_WEEK)]


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _slot(hour: datetime) -> int:
    return hour.weekday() * 24 + hour.hour
