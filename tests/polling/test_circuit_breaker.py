"""Who waits how long after a failure: a sweep alone, or its whole source.

Killed: a wait at the first refusal; refusals that are not in a row, or came of one and the same moment, counted
together; a Retry-After that shortens another; a gap's failure that holds up its sweep; a back-off that does not double
or has no end.
"""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.errors import Denied, Shifted, SourceError, Throttled, Unavailable, Unexpected
from poller.events.seen import Seen
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.runtime import SweepRuntime
from poller.polling.source import _checkpoint
from poller.retry import backoff
from poller.sources.callcap import Callcap
from poller.state.checkpoint import Checkpoint, SweepState
from poller.state.reader import Restored
from tests.support.toy import NOON, running, stream, sweep

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def failed(
    breaker: CircuitBreaker, run: SweepRuntime, error: Exception, now: datetime, asked: datetime | None = None
) -> float:
    return breaker.after(run.retry, error, asked or now, now)


def live() -> SweepRuntime:
    return running(sweep("live", MINUTE)).sweeps[0]


@settings(deadline=None)
@given(st.integers(1, 5000))
def test_a_second_doubling_to_five_minutes_with_jitter(failures: int) -> None:
    wait = backoff(failures)
    least = min(240.0, 2.0 ** min(failures - 1, 20))
    assert least <= wait <= 1.25 * least


def test_no_two_wait_alike() -> None:
    assert len({backoff(3) for _ in range(20)}) == 20
    assert len({backoff(300) for _ in range(20)}) == 20


@pytest.mark.parametrize("error", [Unavailable("x"), Unexpected("x"), Shifted("x"), ZeroDivisionError()])
def test_a_sweeps_trouble_is_its_own_and_grows(error: SourceError) -> None:
    breaker, run, now = CircuitBreaker(), live(), NOON
    for least in (1, 2, 4, 8):
        wait = failed(breaker, run, error, now)
        assert least <= wait <= 1.25 * least
        assert run.retry.at == now + timedelta(seconds=wait)
        now += timedelta(seconds=wait)
    assert breaker.seconds(now) == 0
    assert not breaker.denied


def test_the_first_refusal_gets_one_more_try_then_the_source_waits_longer_and_longer() -> None:
    breaker, run, now = CircuitBreaker(), live(), NOON
    waits = []
    for _ in range(6):
        waits.append(failed(breaker, run, Denied("401"), now))
        assert breaker.seconds(now) == waits[-1]
        assert breaker.denied is (len(waits) > 1)
        now += timedelta(seconds=waits[-1] + 1)
    assert waits == [0, 60, 300, 900, 900, 900]
    assert run.retry.at is not None
    assert run.retry.at < now, "it is its source that waits"


def test_a_sweep_that_is_refused_among_others_that_are_not_goes_slower_and_slower() -> None:
    breaker, run, now = CircuitBreaker(), live(), NOON
    waits = []
    for _ in range(12):
        breaker.close()
        failed(breaker, run, Denied("403"), now)
        failed(breaker, run, Denied("403"), now + MINUTE)
        waits.append(((run.retry.at or now) - now - MINUTE).total_seconds())
        now = run.retry.at or now
    assert waits[0] == 60
    assert waits[-1] >= 240


def test_refusals_count_in_a_row_only() -> None:
    breaker, run = CircuitBreaker(), live()
    for minutes in range(5):
        assert failed(breaker, run, Denied("401"), NOON + minutes * MINUTE) == 0
        breaker.close()
    assert not breaker.denied


def test_what_was_asked_before_the_last_refusal_was_known_says_nothing_new() -> None:
    breaker, run = CircuitBreaker(), live()
    second = timedelta(seconds=1)
    assert failed(breaker, run, Denied("401"), NOON + 2 * second, NOON) == 0
    assert failed(breaker, run, Denied("401"), NOON + 3 * second, NOON + second) == 0
    assert not breaker.denied
    assert failed(breaker, run, Denied("401"), NOON + 5 * second, NOON + 4 * second) == 60
    assert failed(breaker, run, Denied("401"), NOON + 15 * second, NOON + 4 * second) == 50


def test_a_vendor_that_asks_for_no_patience_gets_some() -> None:
    assert failed(CircuitBreaker(), live(), Throttled("429", 0), NOON) >= 1


@pytest.mark.parametrize("seconds", [7, 90.5, 86_400])
def test_a_source_waits_as_long_as_it_is_asked_to(seconds: float) -> None:
    breaker, run = CircuitBreaker(), live()
    assert failed(breaker, run, Throttled("429", seconds), NOON) == seconds
    assert breaker.seconds(NOON) == seconds
    assert breaker.seconds(NOON + timedelta(seconds=seconds)) == 0
    assert run.retry.at is None


def test_a_request_for_patience_never_shortens_another() -> None:
    breaker, run = CircuitBreaker(), live()
    failed(breaker, run, Throttled("429", 100), NOON)
    assert failed(breaker, run, Throttled("429", 5), NOON) == 100
    assert failed(breaker, run, Throttled("429", 500), NOON) == 500


def test_without_a_word_how_long_it_backs_off() -> None:
    breaker, run = CircuitBreaker(), live()
    waits = [failed(breaker, run, Throttled("429"), NOON + n * DAY) for n in range(4)]
    assert [round(wait - 0.5) in {least, least + 1} for wait, least in zip(waits, (1, 2, 4, 8), strict=True)]
    assert waits == sorted(waits)
    assert 1 <= waits[0] <= 2


def test_no_wait_is_beyond_all_dates() -> None:
    breaker, run = CircuitBreaker(), live()
    assert failed(breaker, run, Throttled("429", float("inf")), NOON) <= 366 * 86_400


def test_a_gap_that_cannot_be_read_holds_up_nobody_and_is_tried_ever_less_often() -> None:
    breaker, run, now = CircuitBreaker(), live(), NOON
    for least in (60, 120, 240):
        wait = breaker.after(run.gap_retry, Unavailable("x"), now, now, factor=60)
        assert least <= wait <= 1.25 * least
        assert run.gap_retry.at == now + timedelta(seconds=wait)
        now += timedelta(seconds=wait)
    assert run.retry.at is None
    assert breaker.seconds(now) == 0


def test_a_record_that_cannot_be_read_holds_up_no_sweep() -> None:
    breaker, run = CircuitBreaker(), live()
    run.fetch_retry.failures = 2
    assert 4 <= breaker.after(run.fetch_retry, Unavailable("x"), NOON, NOON) <= 5
    assert (run.retry.at, breaker.seconds(NOON)) == (None, 0)
    assert breaker.after(run.fetch_retry, Throttled("x", 9), NOON, NOON) == breaker.seconds(NOON) == 9


def account() -> Callcap:
    return Callcap(type="callcap", api_key="k")  # type: ignore[arg-type]


def restarted(checkpoint: Checkpoint | None, now: datetime) -> Checkpoint:
    found = Restored(checkpoint, Seen(None), frozenset())
    whole = stream(2, sweep("live", MINUTE), sweep("audit", DAY, 3 * DAY))
    return _checkpoint(found, account(), whole, now)


def test_at_the_first_start_every_sweep_is_due_and_knows_where_it_begins() -> None:
    found = restarted(None, NOON)
    assert (found.started, found.start) == (NOON, NOON - DAY)
    assert {name: (state.due, state.origin) for name, state in found.sweeps.items()} == {
        "live": (NOON, NOON - DAY),
        "audit": (NOON, NOON - 3 * DAY),
    }


def test_a_restart_goes_on_where_it_was() -> None:
    saved = restarted(None, NOON)
    saved.sweeps["audit"].due = NOON + DAY
    found = restarted(saved, NOON + timedelta(hours=2))
    assert (found.started, found.start) == (NOON, NOON - DAY), "`start` is fixed at the first poll"
    assert (found.sweeps["live"].due, found.sweeps["audit"].due) == (NOON, NOON + DAY)
    assert found.sweeps["audit"].origin == NOON - 3 * DAY


def test_no_sweep_waits_longer_than_its_every_whatever_the_state_says() -> None:
    """The clock was wrong, or `every` was longer: it would stand still for years."""
    saved = restarted(None, NOON)
    saved.sweeps["live"].due = NOON + 4000 * DAY
    assert restarted(saved, NOON).sweeps["live"].due == NOON + MINUTE


def test_sweeps_that_came_and_went_since() -> None:
    saved = Checkpoint(NOON, NOON - DAY, {"live": SweepState(due=NOON), "gone": SweepState(due=NOON)})
    found = restarted(saved, NOON + DAY)
    assert found.sweeps.keys() == {"live", "audit"}
    assert found.sweeps["audit"].due == NOON + DAY
    assert found.sweeps["audit"].origin == NOON - 2 * DAY
