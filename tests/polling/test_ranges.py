"""What was read, as ranges: sums and differences are those of sets, and all that is said of completeness follows.

Killed: ranges that touch and are two; a difference that takes too much or too little at an end; a hole that is passed
over; a gap of another sweep that is taken for a hole in what this one read; a stream that looks complete beyond a gap.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from poller.plugin.stream import Cursor
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.coverage import (
    FINAL,
    FRESH,
    OUTAGE,
    SHIFTED,
    UNREADABLE,
    complete_until,
    covered_until,
    gap_seconds,
    read_ranges,
)
from poller.polling.progress.ranges import Ranges
from poller.polling.status import stream_status
from poller.state.checkpoint import Announced, Backfill, Checkpoint, Gap, SweepState
from poller.telemetry.status import as_json
from tests.support.toy import NOON, running, sweep

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def at(minute: int) -> datetime:
    return NOON + minute * MINUTE


def ranges(parts: Sequence[tuple[int, int]]) -> Ranges:
    return Ranges.of((at(start), at(end)) for start, end in parts)


def minutes(held: Ranges) -> set[int]:
    """Every minute that is held, by its beginning."""
    return {minute for minute in range(41) for start, end in held.parts if start <= at(minute) < end}


def in_order(held: Ranges) -> bool:
    flat = [moment for part in held.parts for moment in part]
    return flat == sorted(set(flat))


@given(parts=spans)
@settings(deadline=None)
def test_a_sum_holds_what_any_range_holds_in_as_few_as_can_be(parts: list[tuple[int, int]]) -> None:
    held = ranges(parts)
    assert minutes(held) == {minute for start, end in parts for minute in range(start, end)}
    assert in_order(held)
    assert held.length == len(minutes(held)) * MINUTE


@given(parts=spans, taken=spans)
@settings(deadline=None)
def test_a_difference_holds_what_the_other_does_not(parts: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    left = ranges(parts) - ranges(taken)
    assert minutes(left) == minutes(ranges(parts)) - minutes(ranges(taken))
    assert in_order(left)


@given(parts=spans, start=st.integers(0, 40))
@settings(deadline=None)
def test_it_reaches_to_the_first_hole(parts: list[tuple[int, int]], start: int) -> None:
    held = minutes(ranges(parts))
    hole = next(minute for minute in range(start, 42) if minute not in held)
    assert ranges(parts).reaches(at(start)) == at(hole)


gaps = st.lists(
    st.builds(
        lambda sweep, start, length, kind: Gap(sweep, at(start), at(start + length), kind, NOON),
        st.sampled_from(["live", "audit"]),
        st.integers(-20, 60),
        st.integers(1, 20),
        st.sampled_from([SHIFTED, OUTAGE, UNREADABLE]),
    ),
    max_size=5,
)


def checkpoint(live: int, audit: int, found: Sequence[Gap] = ()) -> Checkpoint:
    sweeps = {
        "live": SweepState(Cursor(at(live)), origin=at(0), complete=True),
        "audit": SweepState(Cursor(at(audit)), origin=at(-30), complete=True),
    }
    return Checkpoint(NOON, NOON, sweeps, list(found))


@given(live=st.integers(0, 40), audit=st.integers(-30, 40), found=gaps)
@settings(deadline=None)
def test_what_is_said_of_a_stream_follows_from_what_was_read(live: int, audit: int, found: list[Gap]) -> None:
    known = checkpoint(live, audit, found)
    holding = [gap.start for gap in found if gap.kind != UNREADABLE]
    assert complete_until(known, FRESH) == covered_until(known) == min([at(live), *holding])
    unread = [gap.start for gap in found if (gap.sweep, gap.kind) == ("audit", UNREADABLE)]
    assert complete_until(known, FINAL) == min([at(audit), *holding, *unread])
    missing = {minute for gap in found for minute in range(-60, 100) if gap.start <= at(minute) < gap.end}
    assert gap_seconds(known) == 60 * len(missing)
    read = read_ranges(known)
    for name, (begins, until) in {"live": (0, live), "audit": (-30, audit)}.items():
        own = Ranges.of((gap.start, gap.end) for gap in found if gap.sweep == name)
        whole = Ranges.of([(at(begins), at(until))])
        assert Ranges.of([*read[name].parts, *own.parts]).length >= whole.length
        assert read[name].length + (whole - read[name]).length == whole.length
        assert read[name] - own == read[name], "a gap is not read"


def test_a_sweep_that_was_never_complete_has_read_nothing() -> None:
    known = checkpoint(10, 10)
    known.sweeps["audit"] = SweepState(origin=at(-30))
    assert read_ranges(known) == {"live": ranges([(0, 10)])}
    assert complete_until(known, FINAL) is None


def test_ordered_history_is_read_up_to_where_it_is_but_for_what_its_list_does_not_reach() -> None:
    known = checkpoint(10, 10)
    known.backfill = Backfill(("7d", ""), at(0), at(40), at(30), 60.0, NOON, unreadable=((at(5), at(7)),))
    assert read_ranges(known)["backfill"] == ranges([(0, 5), (7, 30)])


def test_it_is_bounded() -> None:
    found = [Gap("live", at(2 * number), at(2 * number + 1), SHIFTED, NOON) for number in range(500)]
    parts = read_ranges(checkpoint(2000, 10, found))["live"].parts
    assert len(parts) == 50
    assert parts[-1][1] == at(2000), "the latest ones"


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_said_of_completeness_is_not_taken_back_by_a_gap_or_a_record_to_be_read_again(restarted: bool) -> None:
    stream = running(sweep("live", MINUTE), sweep("audit", HOUR, is_audit=True))

    def shown(known: Checkpoint) -> tuple[str, str, float]:
        stream.checkpoint = known
        found = as_json(stream_status(stream, CircuitBreaker(), paused=False, owner="", now=at(11)))
        return found["covered_until"][11:16], found["settled_until"][11:16], found["lag_seconds"]

    assert shown(checkpoint(10, -5)) == ("12:10", "11:55", 60)
    announced = Announced(at(10), at(-5), 0, NOON) if restarted else None
    if restarted:
        stream.said = None
    gap = Gap("audit", at(-30), at(-5), SHIFTED, NOON)
    assert shown(replace(checkpoint(10, -5, [gap]), announced=announced)) == ("12:10", "11:55", 41 * 60)
    left = replace(checkpoint(10, -5), announced=announced)
    left.sweeps["live"].to_fetch = {"7": at(1)}
    assert shown(left) == ("12:10", "11:55", 600)
    assert shown(checkpoint(12, -4)) == ("12:12", "11:56", 0)


def test_endpoints_and_commands_show_it() -> None:
    stream = running(sweep("live", MINUTE), sweep("audit", HOUR, is_audit=True))
    gap = Gap("live", at(3), at(5), SHIFTED, NOON)
    stream.checkpoint = checkpoint(10, -5, [gap])
    shown = as_json(stream_status(stream, CircuitBreaker(), paused=False, owner="", now=at(11)))
    first = ["2026-03-14T12:00:00.000Z", "2026-03-14T12:03:00.000Z"]
    assert shown["coverage"] == {
        "live": [first, ["2026-03-14T12:05:00.000Z", "2026-03-14T12:10:00.000Z"]],
        "audit": [["2026-03-14T11:30:00.000Z", "2026-03-14T11:55:00.000Z"]],
    }
    assert (shown["covered_until"], shown["settled_until"]) == ("2026-03-14T12:03:00.000Z", "2026-03-14T11:55:00.000Z")
    assert (shown["gap_seconds"], shown["lag_seconds"]) == (120, 480)
