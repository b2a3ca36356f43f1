"""Events of the last hour are counted minute by minute, and forgotten one minute at a time."""

from collections import Counter

import pytest

from poller.events.batch import Counts
from poller.telemetry import Telemetry
from poller.telemetry.recent import MINUTES, Recent

CALLS = ("acme", "calls")


class Clock:
    def __init__(self) -> None:
        self.seconds = 1e6

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_newest_minute_is_the_last(clock: Clock) -> None:
    recent = Recent(clock)
    recent.delivered(CALLS, 3)
    clock.seconds += 60
    recent.delivered(CALLS, 4)
    recent.delivered(CALLS, 1)
    assert recent.events(CALLS) == [0] * 58 + [3, 5]


@pytest.mark.parametrize("minutes", [1, 59, 60, 61, 119, 1000])
def test_it_moves_on_though_nothing_comes(clock: Clock, minutes: int) -> None:
    recent = Recent(clock)
    recent.delivered(CALLS, 3)
    clock.seconds += 60 * minutes
    left = [0] * (59 - minutes) + [3] + [0] * minutes if minutes < MINUTES else [0] * 60
    assert recent.events(CALLS) == left
    recent.delivered(CALLS, 2)
    left[-1] = 2
    assert recent.events(CALLS) == left, "what is older than an hour comes back with the next event"


def test_the_second_hour_knows_nothing_of_the_first(clock: Clock) -> None:
    recent = Recent(clock)
    for minute in range(150):
        clock.seconds += 60
        recent.delivered(CALLS, minute if minute % 3 else 0)
    assert recent.events(CALLS) == [minute if minute % 3 else 0 for minute in range(90, 150)]


def test_a_clock_that_begins_at_zero(clock: Clock) -> None:
    clock.seconds = 0
    recent = Recent(clock)
    recent.delivered(CALLS, 3)
    assert recent.events(CALLS) == [0] * 59 + [3]


def test_who_delivered_nothing_costs_nothing(clock: Clock) -> None:
    recent = Recent(clock)
    recent.delivered(CALLS, 0)
    assert recent.events(CALLS) == [0] * 60
    assert not recent._rings


def test_telemetry_counts_every_type_and_nothing_else(clock: Clock, logged: object) -> None:
    telemetry = Telemetry(clock)
    events = {"call.created": 2, "call.updated": 3}
    telemetry.page_delivered(*CALLS, "live", Counts(events=Counter(events), rejects=7))
    assert telemetry.events_per_minute(*CALLS)[-1] == 5
    assert telemetry.events_per_minute("acme", "leads") == [0] * 60


def test_a_failure_is_known_until_that_sweep_is_complete(clock: Clock, logged: object) -> None:
    telemetry = Telemetry(clock)
    for sweep in ("live", "audit"):
        telemetry.poll_failed(*CALLS, sweep, error=OSError("no"), outcome="denied", retry_in=1.0)
    telemetry.poll_completed(*CALLS, "live", pages=1, records=0, window=None)
    assert telemetry.failures(*CALLS) == {"audit": "denied"}
    assert telemetry.failures("acme", "leads") == {}
