"""Where passes begin, and when the next one is due.

Killed: a first window that ends its reach at the nearer of `start` and `lookback`; one that follows changes and reaches
to `start`; windows that do not overlap; a tick that drifts, is made up for, or lies before its pass.
"""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.plugin.stream import BEGINNING, Cursor, Window
from poller.polling.progress.coverage import OUTAGE
from poller.polling.progress.slices import gap_reading
from poller.polling.progress.windows import first_window, next_tick, window
from poller.state.checkpoint import Gap
from tests.support.toy import NOON, sweep

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("lookback", "start", "from_lookback_only", "begins"),
    [
        (HOUR, NOON - DAY, False, NOON - DAY),
        (3 * DAY, NOON - DAY, False, NOON - 3 * DAY),
        (HOUR, None, False, BEGINNING),
        (None, NOON - DAY, False, NOON - DAY),
        (None, NOON - HOUR, False, NOON - HOUR),
        (None, None, False, BEGINNING),
        (HOUR, NOON - DAY, True, NOON - HOUR),
        (HOUR, None, True, NOON - HOUR),
        (3 * DAY, NOON - DAY, True, NOON - 3 * DAY),
        (HOUR, NOON + DAY, False, NOON - HOUR),
    ],
)
def test_how_far_back_the_first_poll_reaches(
    lookback: timedelta | None, start: object, from_lookback_only: bool, begins: object
) -> None:
    assert first_window(sweep("live", MINUTE, lookback, from_lookback_only=from_lookback_only), start, NOON) == begins  # type: ignore[arg-type]


def test_a_window_begins_a_lookback_before_what_was_covered_however_long_ago_that_is() -> None:
    live = sweep("live", MINUTE, 5 * MINUTE)
    assert window(live, NOON - DAY, None, NOON) == Window(NOON - DAY, NOON)
    assert window(live, NOON - DAY, Cursor(NOON - MINUTE), NOON) == Window(NOON - 6 * MINUTE, NOON)
    assert window(live, NOON - 90 * DAY, Cursor(NOON - 9 * DAY), NOON) == Window(NOON - 9 * DAY - 5 * MINUTE, NOON)
    assert window(sweep("full", HOUR, None), NOON - DAY, Cursor(NOON), NOON) == Window(NOON - DAY, NOON)


def test_no_window_begins_before_the_first_one() -> None:
    """A first cursor is the vendor's time, less a lag: a lookback before that, all would be news that was baseline."""
    live, began = sweep("live", MINUTE, 5 * MINUTE), NOON - 5 * MINUTE
    assert window(live, began, Cursor(NOON - MINUTE), NOON) == Window(began, NOON)
    assert window(live, began, Cursor(began - DAY), NOON) == Window(began, NOON)
    assert window(live, None, Cursor(NOON), NOON) == Window(began, NOON)
    assert window(live, None, None, NOON) == Window(NOON, NOON)


def test_a_pass_that_makes_up_for_a_range_reaches_back_before_it_and_no_further_than_its_end() -> None:
    live, full = sweep("live", MINUTE, 5 * MINUTE), sweep("full", HOUR, None)
    for one, begins in ((live, NOON - HOUR - 5 * MINUTE), (full, NOON - HOUR)):
        assert gap_reading(Gap(one.name, NOON - HOUR, NOON, OUTAGE, NOON), one) == (one.fetch, Window(begins, NOON))


@settings(deadline=None)
@given(
    every=st.timedeltas(timedelta(milliseconds=100), DAY),
    late=st.timedeltas(timedelta(0), 400 * DAY),
)
def test_the_next_tick_is_the_first_after_the_pass_began_on_the_same_grid(every: timedelta, late: timedelta) -> None:
    began = NOON + late
    tick = next_tick(NOON, every, began)
    assert began < tick <= began + every
    assert (tick - NOON) % every == timedelta(0)


def test_missed_ticks_count_as_one() -> None:
    assert next_tick(NOON, MINUTE, NOON) == NOON + MINUTE
    assert next_tick(NOON, MINUTE, NOON + 61 * MINUTE + MINUTE / 2) == NOON + 62 * MINUTE


def test_a_pass_before_its_time_leaves_the_tick_where_it_is() -> None:
    """`run --once` does not wait."""
    assert next_tick(NOON + HOUR, 24 * HOUR, NOON) == NOON + HOUR
