"""A stream that falls silent is suspect within hours; quiet nights, weekends, a holiday, a change of time never are.

Killed: a holiday that is told, a night, a weekend, an hour that ends early; a silence that is told never, or not again;
hours that nobody polled and that are taken for silent ones; a suspicion that a new record does not end.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from poller.polling.progress.expected_rate import Polled, count_new, follow_step, judge_silence
from poller.state.checkpoint import Checkpoint

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
EVERY, HOUR, DAY, WEEK = timedelta(minutes=20), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
Rhythm: TypeAlias = Callable[[datetime], float]
"""Records an hour at a time."""


def office(at: datetime) -> float:
    """From half past eight to six, on workdays; some stray ones else."""
    opened = at.weekday() < 5 and timedelta(hours=8, minutes=30) <= at - at.replace(hour=0, minute=0) < 18 * HOUR
    return 60.0 if opened else 0.2


def round_the_clock(at: datetime) -> float:
    """Quiet nights, and half as much at the weekend."""
    return (30.0 if 7 <= at.hour < 22 else 1.0) * (0.5 if at.weekday() > 4 else 1.0)


def steady(per_hour: float) -> Rhythm:
    return lambda _: per_hour


def once_a_week(at: datetime) -> float:
    """An import on Tuesdays."""
    return 1500.0 if (at.weekday(), at.hour, at.minute) == (1, 3, 0) else 0.0


def seldom(_: datetime) -> float:
    return 1 / 24


def without(rhythm: Rhythm, since: datetime, until: datetime) -> Rhythm:
    return lambda at: 0.0 if since <= at < until else rhythm(at)


def polls(rhythm: Rhythm, length: timedelta, seed: int = 1) -> Iterator[tuple[datetime, int]]:
    """The polls of so much time, and how many records were new at each."""
    rng, at = random.Random(seed), MONDAY
    while at < MONDAY + length:
        at += EVERY
        yield at, poisson(rng, rhythm(at - EVERY) / 3)


def poisson(rng: random.Random, mean: float) -> int:
    if mean > 5:  # near enough, and quick
        return max(0, round(rng.gauss(mean, mean**0.5)))
    count, passed = 0, rng.expovariate(1.0)
    while passed < mean:
        count, passed = count + 1, passed + rng.expovariate(1.0)
    return count


def suspected(rhythm: Rhythm, length: timedelta, seed: int = 1) -> list[datetime]:
    """When the stream became suspect."""
    checkpoint, before, told = Checkpoint(MONDAY, MONDAY), None, []
    for at, records in polls(rhythm, length, seed):
        count_new(checkpoint, records, Polled(EVERY, before), at)
        if judge_silence(checkpoint, Polled(EVERY, before), at):
            told.append(at)
        before = at
    return told


STREAMS: dict[str, Rhythm] = {
    "office": office,
    "round the clock": round_the_clock,
    "ten an hour": steady(10.0),
    "three an hour": steady(3.0),
    "seldom": seldom,
    "once a week": once_a_week,
    "never": steady(0.0),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", STREAMS)
def test_what_is_as_ever_is_never_suspect(name: str, seed: int) -> None:
    assert suspected(STREAMS[name], 6 * WEEK, seed) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("day", [0, 2, 4])
def test_a_holiday_is_not_suspect_in_the_first_week_or_later(day: int, seed: int) -> None:
    for week in (0, 4):
        holiday = MONDAY + week * WEEK + day * DAY
        assert suspected(without(office, holiday, holiday + DAY), (week + 1) * WEEK + 3 * DAY, seed) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_holiday_with_stray_records_is_not_suspect(seed: int) -> None:
    holiday = MONDAY + 4 * WEEK + 2 * DAY
    stray: Rhythm = lambda at: 1.0 if holiday <= at < holiday + DAY else office(at)  # noqa: E731
    assert suspected(stray, 5 * WEEK, seed) == []


def test_easter_is_not_suspect() -> None:
    friday = MONDAY + 3 * WEEK + 4 * DAY
    assert suspected(without(office, friday, friday + 4 * DAY), 6 * WEEK) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("week", [0, 4])
def test_a_holiday_that_is_like_a_sunday_is_not_suspect(week: int, seed: int) -> None:
    holiday = MONDAY + week * WEEK + 3 * DAY
    sunday: Rhythm = lambda at: round_the_clock(at + (3 * DAY if holiday <= at < holiday + DAY else 0 * DAY))  # noqa: E731
    assert suspected(sunday, (week + 2) * WEEK, seed) == []


@pytest.mark.parametrize("name", ["office", "round the clock", "ten an hour"])
@pytest.mark.parametrize("shift", [HOUR, -HOUR])
def test_a_change_of_summer_time_is_not_suspect(name: str, shift: timedelta) -> None:
    since = MONDAY + 4 * WEEK - DAY
    changed: Rhythm = lambda at: STREAMS[name](at + shift if at >= since else at)  # noqa: E731
    assert suspected(changed, 7 * WEEK) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("name", "at", "within"),
    [
        ("office", 10 * HOUR, 3 * HOUR),
        ("office", 20 * HOUR, 6 * DAY + 2 * HOUR),
        ("round the clock", 10 * HOUR, 3 * HOUR),
        ("round the clock", 3 * HOUR, 10 * HOUR),
        ("ten an hour", 0 * HOUR, 5 * HOUR),
        ("ten an hour", 10.5 * HOUR, 5 * HOUR),
        ("three an hour", 10.5 * HOUR, 20 * HOUR),
    ],
)
def test_a_scope_that_is_revoked_after_three_weeks_is_told_once(
    name: str, at: timedelta, within: timedelta, seed: int
) -> None:
    revoked = MONDAY + 3 * WEEK + DAY + at
    rhythm = without(STREAMS[name], revoked, revoked + 52 * WEEK)
    (told,) = suspected(rhythm, 5 * WEEK, seed)
    assert revoked < told <= revoked + within


@pytest.mark.parametrize("name", ["office", "round the clock", "ten an hour"])
def test_before_there_are_two_weeks_it_takes_five_days(name: str) -> None:
    revoked = MONDAY + 8 * DAY + 10 * HOUR
    (told,) = suspected(without(STREAMS[name], revoked, revoked + WEEK), 15 * DAY)
    assert revoked + 5 * DAY < told < revoked + 6.5 * DAY


def test_a_new_record_ends_the_suspicion_and_another_silence_is_told_again() -> None:
    """At the same hours: those that were suspect have taught nothing."""
    first = MONDAY + 3 * WEEK + 10 * HOUR
    second = first + WEEK
    stopped = without(without(office, first, first + 6 * HOUR), second, second + 6 * HOUR)
    told = suspected(stopped, 5 * WEEK)
    assert [at.date() for at in told] == [first.date(), second.date()]


def test_hours_that_nobody_polled_are_neither_silent_nor_usual() -> None:
    """A poller that is down over a lunch gets all with its next poll."""
    checkpoint, before, waiting = Checkpoint(MONDAY, MONDAY), None, 0
    usual = b""
    for at, records in polls(steady(30.0), 2 * WEEK + DAY):
        waiting += records
        down = at > MONDAY + 2 * WEEK and 10 <= at.hour < 16
        if down:
            usual = checkpoint.rate.usual if checkpoint.rate else b""
            continue
        count_new(checkpoint, waiting, Polled(EVERY, before), at)
        assert not judge_silence(checkpoint, Polled(EVERY, before), at)
        before, waiting = at, 0
    assert checkpoint.rate
    assert min(usual) > 5
    assert checkpoint.rate.usual[10:16] == usual[10:16]


def test_a_clock_that_is_stepped_makes_no_silence() -> None:
    for step in (DAY, -DAY):
        checkpoint, before = Checkpoint(MONDAY, MONDAY), MONDAY
        for at, records in polls(steady(30.0), 3 * WEEK):
            count_new(checkpoint, records, Polled(EVERY, before), at)
            judge_silence(checkpoint, Polled(EVERY, before), at)
            before = at
        assert checkpoint.rate
        checkpoint.rate = follow_step(checkpoint.rate, step)
        now = before + step
        assert not judge_silence(checkpoint, Polled(EVERY, now - EVERY), now + EVERY)


def test_it_is_small() -> None:
    checkpoint, before = Checkpoint(MONDAY, MONDAY), None
    for at, records in polls(steady(5000.0), 2 * WEEK):
        count_new(checkpoint, records, Polled(EVERY, before), at)
        judge_silence(checkpoint, Polled(EVERY, before), at)
        before = at
    assert checkpoint.rate
    assert len(checkpoint.rate.usual) == 168
    assert len(checkpoint.rate.counts) == 6
