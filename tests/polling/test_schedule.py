"""Who reads the next page: nobody waits for ever, nothing spins, and no stream is read twice at once.

Killed: strictly the shortest `every`; strictly the most overdue; a rank by seconds overdue instead of by `every`; gaps
before due sweeps, or the newest first; a sweep that asks although it waits; a time to wake up that is already past.
"""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.plugin.stream import Cursor
from poller.polling.progress.coverage import BROKEN, SHIFTED
from poller.polling.progress.windows import next_tick
from poller.polling.runtime import Once, StreamRuntime, SweepRuntime
from poller.polling.schedule import choose, due_at, next_fetch, next_gap, wake_at
from poller.retry import Retry
from poller.state.checkpoint import Gap
from tests.support.toy import NOON, running, sweep, under_way

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def callcap() -> StreamRuntime:
    return running(
        sweep("recent", 15 * SECOND, advisory=True), sweep("live", 30 * SECOND), sweep("audit", 24 * HOUR, 72 * HOUR)
    )


def chosen(stream: StreamRuntime, now: datetime) -> str | None:
    run = choose(stream.sweeps, now)
    return run.sweep.name if run else None


def test_the_shortest_every_goes_first_of_those_that_are_due() -> None:
    stream = callcap()
    assert chosen(stream, NOON - SECOND) is None
    assert chosen(stream, NOON) == "recent"
    stream.sweeps[0].state.due = NOON + 15 * SECOND
    assert chosen(stream, NOON) == "live"
    stream.sweeps[1].state.due = NOON + 30 * SECOND
    assert chosen(stream, NOON) == "audit"
    assert chosen(stream, NOON + 15 * SECOND) == "recent"


def test_what_is_overdue_by_its_own_every_goes_before_what_is_not() -> None:
    stream = callcap()
    recent, live, audit = stream.sweeps
    now = NOON + 2 * DAY
    recent.state.due, live.state.due, audit.state.due = now - 15 * SECOND, now - 30 * SECOND, now - 24 * HOUR
    assert chosen(stream, now) == "recent", "all by just their own every: none is overdue"
    audit.state.due = now - 24 * HOUR - SECOND
    assert chosen(stream, now) == "audit"
    live.state.due = now - 45 * SECOND
    assert chosen(stream, now) == "live", "more overdue, by its own measure"
    audit.state.due = now - 48 * HOUR
    assert chosen(stream, now) == "audit"


def test_a_pass_under_way_gives_way_at_each_page_and_keeps_its_place() -> None:
    stream = callcap()
    recent, live, audit = stream.sweeps
    recent.state.due = live.state.due = NOON + 30 * SECOND
    audit.current = under_way(audit, NOON)
    assert chosen(stream, NOON + 29 * SECOND) == "audit"
    assert chosen(stream, NOON + 30 * SECOND) == "recent"
    audit.state.due = NOON + DAY
    assert chosen(stream, NOON + 29 * SECOND) == "audit", "begun is begun, whenever it would be due"


def test_who_waits_or_is_done_or_is_busy_does_not_ask() -> None:
    stream = callcap()
    recent, live, audit = stream.sweeps
    recent.retry.at = NOON + MINUTE
    live.once = Once(done=True)
    assert chosen(stream, NOON) == "audit"
    assert due_at(recent) == NOON + MINUTE
    stream.busy = True
    assert chosen(stream, NOON + DAY) is None
    stream.busy = False
    audit.state.due = NOON + DAY
    audit.once = Once()
    assert chosen(stream, NOON) == "audit", "once is now"


def polled(
    stream: StreamRuntime, pages: dict[str, int], every: timedelta, until: timedelta
) -> list[tuple[str, datetime]]:
    """Which sweep read a page when, with one request each so often; a pass takes so many pages."""
    read, now = list[tuple[str, datetime]](), NOON
    while now < NOON + until:
        if run := choose(stream.sweeps, now):
            current = run.current = run.current or under_way(run, now)
            current.covers.pages += 1
            read.append((run.sweep.name, now))
            if current.covers.pages == pages.get(run.sweep.name, 1):
                run.current = None
                run.state.due = next_tick(run.state.due or NOON, run.sweep.every, current.covers.began)
        now += every
    return read


def test_nobody_starves_where_the_budget_is_a_third_of_what_is_wanted() -> None:
    """One request in 30 s for `recent` 15 s, `live` 30 s, and an audit of 200 pages."""
    read = polled(callcap(), {"audit": 200}, 30 * SECOND, 20 * DAY)
    counts = Counter(name for name, _ in read)
    assert counts["audit"] >= 2 * 200, "it comes to its end again and again"
    for name, longest in (("recent", 5 * MINUTE), ("live", 10 * MINUTE), ("audit", 5 * DAY)):
        times = [at for found, at in read if found == name]
        assert max(b - a for a, b in zip([NOON, *times], [*times, NOON + 20 * DAY], strict=True)) <= longest, name
    assert len(read) == 20 * 2880, "and no turn is wasted"


def test_where_the_budget_suffices_each_runs_at_its_own_pace() -> None:
    read = polled(callcap(), {"audit": 10}, SECOND, 2 * HOUR)
    counts = Counter(name for name, _ in read)
    assert counts == {"recent": 480, "live": 240, "audit": 10}
    assert [name for name, _ in read[:4]] == ["recent", "live", "audit", "audit"]


def gap(start: int, end: int, kind: str = SHIFTED, name: str = "live") -> Gap:
    return Gap(name, NOON + start * MINUTE, NOON + end * MINUTE, kind, NOON)


def test_the_oldest_gap_that_no_pass_reads_by_itself_goes_first_once_nothing_is_due() -> None:
    stream = callcap()
    _, live, audit = stream.sweeps
    stream.checkpoint.gaps = [gap(-30, -20), gap(-90, -80, name="audit"), gap(-50, -40), gap(-99, -98, BROKEN)]
    found = next_gap(stream.sweeps, NOON)
    assert found == (audit, gap(-90, -80, name="audit"))
    audit.gap_retry.at = NOON + MINUTE
    assert next_gap(stream.sweeps, NOON) == (live, gap(-50, -40))
    stream.busy = True
    assert next_gap(stream.sweeps, NOON) is None
    stream.busy = False
    assert next_gap(stream.sweeps, NOON + MINUTE) == (audit, gap(-90, -80, name="audit"))


def test_a_gap_gives_way_to_what_is_due_its_own_sweep_included() -> None:
    stream = callcap()
    _, live, _ = stream.sweeps
    for run in stream.sweeps:
        run.state.due = NOON + MINUTE
    live.begin(under_way(live, NOON, gap=gap(-50, -40)))
    assert choose(stream.sweeps, NOON) is None
    live.state.due = NOON
    assert chosen(stream, NOON) == "live"
    assert live.under_way(None) is None, "its own pass is yet to begin"
    assert live.under_way(gap(-50, -40)) is not None


def test_the_record_that_waits_longest_is_read_first_and_at_most_once_per_every() -> None:
    stream = running(sweep("changes", MINUTE), sweep("touched", 5 * MINUTE))
    changes, touched = stream.sweeps
    changes.state.to_fetch = {"a": NOON - 3 * MINUTE, "b": NOON - 2 * MINUTE}
    touched.state.to_fetch = {"c": NOON - 4 * MINUTE}
    assert next_fetch(stream.sweeps, NOON) == (touched, "c")
    touched.state.fetched = {"c": NOON - 4 * MINUTE}
    assert next_fetch(stream.sweeps, NOON) == (changes, "a")
    changes.state.fetched = {"a": NOON - 30 * SECOND}
    assert next_fetch(stream.sweeps, NOON) == (changes, "b")
    changes.fetch_retry.at = NOON + SECOND
    assert next_fetch(stream.sweeps, NOON) is None
    stream.busy = True
    assert next_fetch(stream.sweeps, NOON + DAY) is None


MOMENTS = st.one_of(st.none(), st.integers(-9, 9).map(lambda minutes: NOON + minutes * MINUTE))


@st.composite
def situations(draw: st.DrawFn) -> StreamRuntime:
    stream = running(sweep("live", MINUTE), sweep("audit", 3 * MINUTE))
    for run in stream.sweeps:
        run.state.due = draw(MOMENTS) or NOON
        run.retry.at, run.gap_retry.at, run.fetch_retry.at = draw(MOMENTS), draw(MOMENTS), draw(MOMENTS)
        run.once = Once(done=True) if draw(st.booleans()) else None
        named = draw(st.dictionaries(st.sampled_from("ab"), st.integers(-9, 0), max_size=2))
        run.state.to_fetch = {name: NOON + minutes * MINUTE for name, minutes in named.items()}
        known = draw(st.dictionaries(st.sampled_from("ab"), st.integers(-9, 0), max_size=2))
        run.state.fetched = {name: NOON + minutes * MINUTE for name, minutes in known.items()}
    kinds = st.tuples(st.sampled_from([BROKEN, SHIFTED]), st.sampled_from(["live", "audit"]))
    stream.checkpoint.gaps = [gap(-5, -4, *kind) for kind in draw(st.sets(kinds))]
    return stream


def nothing_to_do(runs: list[SweepRuntime], now: datetime) -> bool:
    return not (choose(runs, now) or next_gap(runs, now) or next_fetch(runs, now))


@settings(max_examples=300, deadline=None)
@given(situations())
def test_whoever_has_nothing_to_do_sleeps_until_there_is_something_and_no_longer(stream: StreamRuntime) -> None:
    runs, now = stream.sweeps, NOON
    if nothing_to_do(runs, now):
        at = wake_at(runs)
        assert at is None or at > now, "a time to wake that is past makes the loop spin"
        later = at - timedelta(microseconds=1) if at else NOON + DAY
        assert nothing_to_do(runs, later), "it would have slept through it"
        assert at is None or not nothing_to_do(runs, at)


def test_what_there_is_to_wait_for() -> None:
    stream = running(sweep("live", MINUTE))
    (live,) = stream.sweeps
    live.state.due = NOON + 50 * MINUTE
    assert wake_at(stream.sweeps) == NOON + 50 * MINUTE
    live.retry.at = NOON + 60 * MINUTE
    assert wake_at(stream.sweeps) == NOON + 60 * MINUTE
    stream.checkpoint.gaps, live.gap_retry.at = [gap(-5, -4)], NOON + 20 * MINUTE
    assert wake_at(stream.sweeps) == NOON + 20 * MINUTE
    live.state.to_fetch, live.state.fetched = {"a": NOON, "b": NOON}, {"a": NOON, "b": NOON + 9 * MINUTE}
    assert wake_at(stream.sweeps) == NOON + MINUTE
    live.fetch_retry.at = NOON + 5 * MINUTE
    assert wake_at(stream.sweeps) == NOON + 5 * MINUTE
    live.once = Once(done=True)
    assert wake_at(stream.sweeps) == NOON + 5 * MINUTE, "a record is left: it is not over yet"
    stream.busy = True
    assert wake_at(stream.sweeps) is None


def test_where_the_window_of_live_begins() -> None:
    stream = callcap()
    assert stream.live_reach() is None
    stream.sweeps[1].state.cursor = Cursor(NOON)
    assert stream.live_reach() == NOON - 5 * MINUTE


@pytest.mark.parametrize("found", [None, gap(-50, -40)])
def test_what_a_finished_pass_leaves(found: Gap | None) -> None:
    run = callcap().sweeps[1]
    run.once = Once()
    run.retry, run.gap_retry = Retry(3, NOON), Retry(4, NOON)
    run.current = under_way(run, NOON, gap=found)
    run.finish(run.current)
    assert run.current is None
    assert run.retry == (Retry(3, NOON) if found else Retry())
    assert run.gap_retry == (Retry() if found else Retry(4, NOON))
    assert run.done is (found is None)
