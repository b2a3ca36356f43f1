"""What a pass makes true: cursors that never run ahead, gaps that open, grow and close, and what is called how.

Killed: a cursor moved by a page that is not the last, or kept where it should move; one beyond now; a gap closed by a
pass that did not read it, or by another sweep; gaps that overlap counted twice; the third shift treated as the
second; a collapse believed at once, or never.
"""

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.errors import Unavailable, Unexpected
from poller.plugin.stream import Cursor, End, History, Page, Window
from poller.polling.progress.coverage import BROKEN, OUTAGE, SHIFTED, UNREADABLE, covered_until, gap_seconds, open_gap
from poller.polling.progress.deletions import missing_members
from poller.polling.progress.passes import (
    Pass,
    break_off,
    complete_pass,
    judge_density,
    leave_behind,
    note_fetched,
    note_page,
    note_unfetched,
    start_over,
)
from poller.polling.progress.slices import gap_failed
from poller.polling.runtime import Reading, SweepRuntime
from poller.polling.status import stream_state
from poller.polling.work import PassWork
from poller.state.checkpoint import Checkpoint, Gap, SweepState
from tests.support.toy import NOON, running, sweep, under_way

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIVE = sweep("live", MINUTE, 5 * MINUTE)
AUDIT = sweep("audit", DAY, 3 * DAY, is_audit=True)


def runs() -> tuple[Checkpoint, SweepRuntime, SweepRuntime]:
    stream = running(LIVE, AUDIT)
    return stream.checkpoint, *stream.sweeps  # type: ignore[return-value]


def gap(start: float, end: float, kind: str = BROKEN, name: str = "live", since: datetime = NOON) -> Gap:
    return Gap(name, NOON + start * MINUTE, NOON + end * MINUTE, kind, since)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def complete(
    checkpoint: Checkpoint, run: SweepRuntime, current: Reading, now: datetime, end: End | None = None
) -> list[Gap]:
    return complete_pass(checkpoint, run.sweep, current.covers, end or End(), now)


def broken(checkpoint: Checkpoint, run: SweepRuntime, current: Reading, now: datetime) -> bool:
    return break_off(checkpoint, run.sweep, current.covers, now)


def shifted(checkpoint: Checkpoint, run: SweepRuntime, current: Reading, until: datetime | None, now: datetime) -> bool:
    return start_over(checkpoint, run.sweep, current.covers, until, now)


def suspect(checkpoint: Checkpoint, run: SweepRuntime, covers: Pass, now: datetime) -> tuple[float, float] | None:
    return judge_density(checkpoint, run.sweep, covers, now)


def page(checkpoint: Checkpoint, run: SweepRuntime, said: Page, now: datetime) -> bool:
    """Whether the checkpoint is another one after this page."""
    before = copy.deepcopy(checkpoint)
    note_page(checkpoint, run.sweep, said, now)
    return checkpoint != before


def passed(checkpoint: Checkpoint, run: SweepRuntime, now: datetime, cursor: datetime | None) -> list[Gap]:
    current = under_way(run, now, pages=1)
    return complete(checkpoint, run, current, now, End(Cursor(cursor) if cursor else None))


def test_a_complete_pass_moves_the_cursor_and_the_tick() -> None:
    checkpoint, live, _ = runs()
    checkpoint.sweeps["live"].last_error, checkpoint.sweeps["live"].shifts = "before", 2
    assert passed(checkpoint, live, at(3.5), at(3.4)) == []
    state = checkpoint.sweeps["live"]
    assert (state.cursor, state.due) == (Cursor(at(3.4)), at(4))
    assert (state.complete, state.last_success, state.last_error, state.shifts) == (True, at(3.5), None, 0)
    assert not checkpoint.sweeps["audit"].complete


def test_a_sweep_that_the_vendor_has_no_way_for_rests_for_a_day_and_says_why() -> None:
    checkpoint, live, _ = runs()
    complete(checkpoint, live, under_way(live, at(3.5), pages=1), at(3.5), End(unsupported="no tokens"))
    state = checkpoint.sweeps["live"]
    assert (state.complete, state.last_error, state.due) == (True, "no tokens", at(3.5) + DAY)
    passed(checkpoint, live, at(3.5) + DAY, None)
    assert (state.last_error, state.due) == (None, at(4.5) + DAY)


def test_without_a_cursor_it_stays_where_it_was() -> None:
    checkpoint, live, _ = runs()
    passed(checkpoint, live, at(1), at(0.9))
    passed(checkpoint, live, at(2), None)
    assert checkpoint.sweeps["live"].cursor == Cursor(at(0.9))
    assert checkpoint.sweeps["live"].due == at(3)


def test_no_cursor_runs_ahead_of_now_and_its_token_stays_with_it() -> None:
    checkpoint, live, _ = runs()
    current = under_way(live, NOON, pages=1)
    complete(checkpoint, live, current, at(1), End(Cursor(NOON + 70 * 365 * DAY, "token")))
    assert checkpoint.sweeps["live"].cursor == Cursor(at(1), "token")
    for _ in range(3):
        shifted(checkpoint, live, under_way(live, at(2)), NOON + DAY, at(2))
    assert checkpoint.sweeps["live"].cursor == Cursor(at(2))


def test_a_pass_that_broke_off_is_a_gap_from_what_was_covered_to_what_was_asked_for() -> None:
    checkpoint, live, _ = runs()
    passed(checkpoint, live, NOON, at(-1))
    assert broken(checkpoint, live, under_way(live, at(1), pages=1), at(1.5))
    assert checkpoint.gaps == [gap(-1, 1, since=at(1.5))]
    assert checkpoint.sweeps["live"].cursor == Cursor(at(-1))
    assert broken(checkpoint, live, under_way(live, at(2), pages=3), at(2.5))
    assert checkpoint.gaps == [gap(-1, 2, since=at(1.5))], "it grows, and is as old as it is"
    assert passed(checkpoint, live, at(3), at(2.9)) == [gap(-1, 2, since=at(1.5))]
    assert checkpoint.gaps == []


def test_a_first_pass_that_broke_off_is_a_gap_from_where_it_began() -> None:
    checkpoint, live, _ = runs()
    assert broken(checkpoint, live, under_way(live, NOON, pages=1), NOON)
    assert checkpoint.gaps == [Gap("live", NOON - DAY, NOON, BROKEN, NOON)]
    assert len(passed(checkpoint, live, at(1), at(0.9))) == 1


def test_what_broke_off_before_its_first_page_or_is_but_a_glance_is_no_gap() -> None:
    checkpoint, live, _ = runs()
    assert not broken(checkpoint, live, under_way(live, NOON), NOON)
    assert not broken(checkpoint, live, under_way(live, NOON, pages=2, gap=gap(-9, -8)), NOON)
    advisory = running(sweep("recent", MINUTE, advisory=True))
    assert not broken(advisory.checkpoint, advisory.sweeps[0], under_way(advisory.sweeps[0], NOON, pages=1), NOON)
    assert checkpoint.gaps == advisory.checkpoint.gaps == []


@pytest.mark.parametrize(
    ("found", "read"),
    [
        (gap(-4, 0), True),
        (gap(-5, 0), True),
        (gap(-5.1, 0), False),
        (gap(-4, 0.1), False),
        (gap(-4, 0, SHIFTED), True),
        (gap(-4, 0, name="audit"), False),
        (gap(-4, 0, UNREADABLE), False),
    ],
)
def test_a_gap_is_closed_by_the_pass_that_reads_it_and_by_no_other(found: Gap, read: bool) -> None:
    checkpoint, live, _ = runs()
    checkpoint.sweeps["live"].cursor = Cursor(NOON)
    checkpoint.gaps = [found]
    assert passed(checkpoint, live, NOON, NOON) == ([found] if read else [])
    assert checkpoint.gaps == ([] if read else [found])


def test_what_a_list_does_not_reach_is_closed_by_an_audit_begun_since() -> None:
    checkpoint, live, audit = runs()
    beyond = Page((), end=End(unreadable=(Window(at(-60), at(-30)),)))
    assert page(checkpoint, live, beyond, NOON)
    assert checkpoint.gaps == [gap(-60, -30, UNREADABLE)]
    current = under_way(audit, at(-1), pages=1)
    assert complete(checkpoint, audit, current, at(1)) == []
    assert passed(checkpoint, audit, NOON, NOON) == [gap(-60, -30, UNREADABLE)]


def test_what_an_audit_cannot_read_it_does_not_close() -> None:
    checkpoint, _, audit = runs()
    for began in (NOON, NOON + DAY):
        current = under_way(audit, began, pages=1)
        page(checkpoint, audit, Page((), end=End(unreadable=(Window(at(-60), at(-30)),))), began + MINUTE)
        assert complete(checkpoint, audit, current, began + 2 * MINUTE) == []
        assert checkpoint.gaps == [gap(-60, -30, UNREADABLE, "audit", began + MINUTE)]
    assert passed(checkpoint, audit, NOON + 2 * DAY, NOON) != []


def test_a_pass_over_a_gap_closes_that_gap_and_moves_nothing_else() -> None:
    checkpoint, live, _ = runs()
    checkpoint.gaps = [gap(-90, -80, SHIFTED), gap(-50, -40, SHIFTED)]
    before = checkpoint.sweeps["live"].due
    current = under_way(live, NOON, pages=1, gap=gap(-50, -40, SHIFTED))
    assert complete(checkpoint, live, current, NOON, End(Cursor(NOON))) == [gap(-50, -40, SHIFTED)]
    assert checkpoint.gaps == [gap(-90, -80, SHIFTED)]
    state = checkpoint.sweeps["live"]
    assert (state.cursor, state.due, state.complete) == (None, before, False)


def test_shifted_three_times_in_a_row_it_is_a_gap_and_the_sweep_goes_on() -> None:
    checkpoint, live, _ = runs()
    passed(checkpoint, live, NOON, at(-1))
    for expected in (False, False, True):
        assert shifted(checkpoint, live, under_way(live, at(1), pages=1), at(0.9), at(1.2)) is expected
        assert bool(checkpoint.gaps) is expected
    assert checkpoint.gaps == [gap(-1, 1, SHIFTED, since=at(1.2))]
    state = checkpoint.sweeps["live"]
    assert (state.cursor, state.due, state.shifts) == (Cursor(at(0.9)), at(2), 0)
    passed(checkpoint, live, at(20), at(19.9))
    assert not shifted(checkpoint, live, under_way(live, at(21)), at(21), at(21))


def test_shifts_count_in_a_row_only() -> None:
    checkpoint, live, _ = runs()
    for _ in range(5):
        assert not shifted(checkpoint, live, under_way(live, NOON), NOON, NOON)
        assert not shifted(checkpoint, live, under_way(live, NOON), NOON, NOON)
        passed(checkpoint, live, NOON, NOON)
    assert checkpoint.gaps == []


def test_without_a_date_a_shifted_sweep_goes_on_from_where_it_was() -> None:
    checkpoint, live, _ = runs()
    passed(checkpoint, live, NOON, at(-1))
    for _ in range(3):
        shifted(checkpoint, live, under_way(live, at(1)), None, at(1))
    assert checkpoint.sweeps["live"].cursor == Cursor(at(-1))


RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10), st.sampled_from([BROKEN, SHIFTED])), max_size=8)


@settings(deadline=None)
@given(RANGES)
def test_gaps_that_overlap_are_one_and_count_once(ranges: list[tuple[int, int, str]]) -> None:
    checkpoint, missing = runs()[0], set[int]()
    for start, length, kind in ranges:
        open_gap(checkpoint, gap(start, start + length, kind))
        missing |= set(range(start, start + length))
    assert gap_seconds(checkpoint) == 60 * len(missing)
    for kind in (BROKEN, SHIFTED):
        own = sorted((one for one in checkpoint.gaps if one.kind == kind), key=lambda one: one.start)
        assert all(one.end < other.start for one, other in pairwise(own))


@pytest.mark.parametrize(("start", "read_to"), [(0, at(5)), (3, at(5)), (-1, None)])
def test_a_gap_that_grows_is_read_on_from_where_it_was_read_to_unless_its_beginning_is_new(
    start: float, read_to: datetime | None
) -> None:
    checkpoint = runs()[0]
    checkpoint.gaps = [msgspec.structs.replace(gap(0, 10, OUTAGE), read_to=at(5), step=60.0)]
    open_gap(checkpoint, gap(start, 20, OUTAGE))
    grown = gap(min(start, 0), 20, OUTAGE)
    assert checkpoint.gaps == [msgspec.structs.replace(grown, read_to=read_to, step=60.0)]


def test_everything_is_covered_until_the_first_thing_that_is_missing() -> None:
    checkpoint, live, audit = runs()
    assert covered_until(checkpoint) == NOON - DAY, "where the first poll reaches back to"
    passed(checkpoint, live, NOON, at(-1))
    assert covered_until(checkpoint) == at(-1)
    passed(checkpoint, audit, at(60), at(59))
    assert covered_until(checkpoint) == at(-1), "what else was read does not matter"
    checkpoint.gaps = [gap(-30, -20, name="audit"), gap(-90, -80, UNREADABLE)]
    assert covered_until(checkpoint) == at(-30)
    checkpoint.sweeps["audit"].to_fetch = {"1": at(-45), "2": at(-40)}
    assert covered_until(checkpoint) == at(-45)
    snapshot = running(sweep("snapshot", HOUR, None, snapshot=True)).checkpoint
    snapshot.sweeps["snapshot"].cursor = Cursor(at(7))
    assert covered_until(snapshot) == at(7)
    snapshot.sweeps["snapshot"].cursor = snapshot.start = None
    assert covered_until(snapshot) is None


ORDER = ["paused", "denied", "gap", "suspect", "late", "waiting", "ok"]


@settings(deadline=None)
@given(st.sets(st.sampled_from(ORDER)))
def test_a_stream_is_in_the_first_state_that_holds(holding: set[str]) -> None:
    checkpoint = runs()[0]
    checkpoint.gaps = [gap(0, 1)] if "gap" in holding else []
    checkpoint.suspect = NOON if "suspect" in holding else None
    found = stream_state(
        checkpoint,
        paused="paused" in holding,
        denied="denied" in holding,
        waiting="waiting" in holding,
        lag=151 if "late" in holding else 150,
        live_every=timedelta(seconds=30),
    )
    assert found == min({*holding, "ok"}, key=ORDER.index)


def test_nobody_is_late_who_was_never_polled() -> None:
    nothing = {"paused": False, "denied": False, "waiting": True}
    assert stream_state(runs()[0], **nothing, lag=None, live_every=MINUTE) == "waiting"


def audited(_: SweepRuntime, records: int, now: datetime) -> Pass:
    found = Pass(Window(now - 72 * HOUR, now), now, pages=1)
    found.records = records
    return found


def test_a_collapse_is_suspect_until_more_comes_again_or_a_day_agrees() -> None:
    checkpoint, _, audit = runs()
    assert suspect(checkpoint, audit, audited(audit, 7200, NOON), NOON) is None
    assert suspect(checkpoint, audit, audited(audit, 3600, NOON + DAY), NOON + DAY) is None, "half is no collapse"
    assert suspect(checkpoint, audit, audited(audit, 1700, NOON + 2 * DAY), NOON + 2 * DAY) == (50, 1700 / 72)
    assert checkpoint.suspect == NOON + 2 * DAY
    assert suspect(checkpoint, audit, audited(audit, 3600, NOON + 3 * DAY), NOON + 3 * DAY) is None
    assert checkpoint.suspect is None, "more came"
    begins, hour = NOON + 4 * DAY, timedelta(hours=1)
    for hours in (0, 12, 23.9):
        now = begins + hours * hour
        assert suspect(checkpoint, audit, audited(audit, 10, now), now) == (50, 10 / 72)
        assert checkpoint.suspect == begins
    assert suspect(checkpoint, audit, audited(audit, 10, begins + DAY), begins + DAY) is None
    assert checkpoint.suspect is None, "a day of it is the truth"
    assert suspect(checkpoint, audit, audited(audit, 12, begins + 2 * DAY), begins + 2 * DAY) is None


def test_few_records_and_narrow_sweeps_and_gaps_say_nothing() -> None:
    checkpoint, live, audit = runs()
    for records in (500, 0, 500, 0):
        assert suspect(checkpoint, audit, audited(audit, records, NOON), NOON) is None
    assert suspect(checkpoint, audit, audited(audit, 7200, NOON), NOON) is None
    for records in (7200, 0):
        assert suspect(checkpoint, live, audited(live, records, NOON), NOON) is None
    made_up = audited(audit, 0, NOON)
    made_up.gap = gap(-9, -8)
    assert suspect(checkpoint, audit, made_up, NOON) is None
    assert checkpoint.suspect is None


def snapshot() -> tuple[Checkpoint, SweepRuntime]:
    stream = running(sweep("snapshot", HOUR, None, snapshot=True))
    return stream.checkpoint, stream.sweeps[0]


def held(checkpoint: Checkpoint, run: SweepRuntime, names: str, now: datetime) -> list[str]:
    return missing_members(checkpoint, run.sweep, set(names), now)


def test_what_two_passes_in_a_row_no_longer_hold_is_gone_once() -> None:
    checkpoint, run = snapshot()
    for number, (names, gone) in enumerate(
        [("abc", ""), ("ac", ""), ("abc", ""), ("ac", ""), ("ac", "b"), ("ac", ""), ("abc", ""), ("", ""), ("", "abc")]
    ):
        assert held(checkpoint, run, names, NOON + number * HOUR) == list(gone), number


def test_more_than_half_of_many_gone_at_once_is_not_believed_for_a_day() -> None:
    checkpoint, run = snapshot()
    all_of_them, few = "abcdefghij", "abcd"
    assert held(checkpoint, run, all_of_them, NOON) == []
    for hours in range(1, 25):
        assert held(checkpoint, run, few, NOON + hours * HOUR) == []
        assert checkpoint.suspect == NOON + HOUR
    assert held(checkpoint, run, few, NOON + 25 * HOUR) == list("efghij")
    assert held(checkpoint, run, few, NOON + 26 * HOUR) == []
    assert checkpoint.suspect is None
    checkpoint, run = snapshot()
    held(checkpoint, run, all_of_them, NOON)
    held(checkpoint, run, few, at(60))
    assert held(checkpoint, run, all_of_them, at(120)) == []
    assert checkpoint.suspect is None, "they came back"
    assert held(checkpoint, run, "abcde", at(180)) == []
    assert held(checkpoint, run, "abcde", at(240)) == list("fghij"), "just half is believed"


def test_a_list_that_recovers_step_by_step_deletes_nothing_on_the_way() -> None:
    checkpoint, run = snapshot()
    for hours, names in enumerate(("abcdefghij", "abcd", "abcdefg", "abcdefg", "abcdefghi"), start=1):
        assert held(checkpoint, run, names, NOON + hours * HOUR) == []
    assert checkpoint.suspect == NOON + 2 * HOUR
    assert held(checkpoint, run, "abcdefghij", NOON + 6 * HOUR) == []
    assert checkpoint.suspect is None


def test_a_named_record_is_left_to_be_read_until_it_was() -> None:
    checkpoint, live, _ = runs()
    state = checkpoint.sweeps["live"]
    assert not page(checkpoint, live, Page(()), NOON)
    assert page(checkpoint, live, Page((), to_fetch={"a": MINUTE, "b": timedelta(0)}), NOON)
    assert state.to_fetch == {"a": NOON, "b": NOON}
    assert not page(checkpoint, live, Page((), to_fetch={"a": 2 * MINUTE}), at(1))
    assert state.to_fetch["a"] == NOON, "it has been waiting since"
    note_fetched(checkpoint, live.sweep, "a", at(2))
    assert (state.to_fetch, state.fetched) == ({"b": NOON}, {"a": at(2)})
    page(checkpoint, live, Page((), to_fetch={"a": 5 * MINUTE}), at(3))
    assert "a" not in state.to_fetch, "it was read long after it changed"
    page(checkpoint, live, Page((), to_fetch={"a": timedelta(0)}), at(3))
    assert state.to_fetch["a"] == at(3)
    note_fetched(checkpoint, live.sweep, "b", at(30))
    assert state.fetched == {"b": at(30)}, "what no window reaches any more is forgotten"


def test_a_named_record_without_a_proper_answer_for_a_day_is_unreadable() -> None:
    checkpoint, live, _ = runs()
    page(checkpoint, live, Page((), to_fetch={"a": timedelta(0)}), NOON)
    state = checkpoint.sweeps["live"]
    for error, later in ((Unexpected("no lead"), DAY - MINUTE), (Unavailable("reset"), 2 * DAY)):
        note_unfetched(checkpoint, live.sweep, "a", error, NOON + later)
        assert (state.to_fetch, state.fetched, state.last_error) == ({"a": NOON}, {"a": NOON + later}, str(error))
    assert not checkpoint.gaps
    note_unfetched(checkpoint, live.sweep, "a", Unexpected("no lead"), at(5) + DAY)
    assert state.to_fetch == {}
    assert checkpoint.gaps == [Gap("live", NOON, at(5) + DAY, UNREADABLE, at(5) + DAY)]


def test_what_is_left_behind_is_an_hour_at_least() -> None:
    ranges = History(under_way(runs()[1], NOON).pages, MINUTE)  # type: ignore[arg-type]  # is not asked here
    stream = running(sweep("live", MINUTE, 5 * MINUTE, ranges=ranges))
    checkpoint, live = stream.checkpoint, stream.sweeps[0].sweep
    assert leave_behind(checkpoint, live, NOON)
    assert checkpoint.gaps == [Gap("live", NOON - DAY, NOON - 6 * HOUR, OUTAGE, NOON)]
    assert not leave_behind(checkpoint, live, at(59))
    assert leave_behind(checkpoint, live, at(60))
    assert checkpoint.gaps == [Gap("live", NOON - DAY, NOON - 5 * HOUR, OUTAGE, NOON)], "it is one gap, that grows"
    assert not leave_behind(checkpoint, LIVE, NOON + DAY), "its list cannot be read in slices"


@pytest.mark.parametrize("broke_off", [-7, -6, -5])
def test_what_is_left_behind_is_no_longer_where_a_pass_broke_off(broke_off: int) -> None:
    """The next pass begins beyond it, so it would close nothing, and hold back `covered_until` for ever."""
    ranges = History(under_way(runs()[1], NOON).pages, MINUTE)  # type: ignore[arg-type]  # is not asked here
    stream = running(sweep("live", MINUTE, 5 * MINUTE, ranges=ranges), sweep("settle", MINUTE, HOUR))
    checkpoint, live = stream.checkpoint, stream.sweeps[0]
    since = NOON + broke_off * HOUR
    for run in stream.sweeps:
        broken(checkpoint, run, under_way(run, since, pages=1), since)
    assert leave_behind(checkpoint, live.sweep, NOON)
    assert Gap("settle", NOON - DAY, since, BROKEN, since) in checkpoint.gaps
    assert Gap("live", NOON - DAY, NOON - 6 * HOUR, OUTAGE, NOON) in checkpoint.gaps
    rest = [Gap("live", NOON - 6 * HOUR, since, BROKEN, since)] if broke_off > -6 else []
    assert [gap for gap in checkpoint.gaps if (gap.sweep, gap.kind) == ("live", BROKEN)] == rest
    assert passed(checkpoint, live, NOON, NOON) == rest


@pytest.mark.parametrize(("start", "kind"), [(NOON - DAY, SHIFTED), (NOON - HOUR, SHIFTED), (NOON - HOUR, OUTAGE)])
def test_what_a_first_pass_left_to_another_is_read_as_it_would_have_been(start: datetime, kind: str) -> None:
    """The sweep is complete by then: what lies before the stream's start would come as news."""
    live = runs()[1]
    live.state.complete = True
    makes_up = under_way(live, NOON, gap=Gap("live", start, NOON, kind, NOON))
    context = PassWork(live, makes_up, lambda: None).context(NOON)
    assert context.baseline == (None if (start, kind) == (NOON - HOUR, SHIFTED) else NOON - DAY)
    (snapshot,) = running(sweep("snapshot", HOUR, None, snapshot=True)).sweeps
    makes_up = under_way(snapshot, NOON, gap=Gap("snapshot", start, NOON, kind, NOON))
    assert PassWork(snapshot, makes_up, lambda: None).context(NOON).baseline is None, "it is always told whole"


def test_a_list_that_shifted_where_its_pass_broke_off_before_is_one_gap() -> None:
    checkpoint, live, _ = runs()
    passed(checkpoint, live, NOON, at(-1))
    broken(checkpoint, live, under_way(live, at(1), pages=1), at(1.5))
    for _ in range(3):
        shifted(checkpoint, live, under_way(live, at(20), pages=1), at(19.9), at(20.2))
    assert checkpoint.gaps == [gap(-1, 20, SHIFTED, since=at(20.2))]


def test_a_slice_of_a_gap_that_failed_is_half_as_long_the_next_time_and_the_other_gaps_stay() -> None:
    ranges = History(LIVE.fetch, MINUTE)
    checkpoint, sliced = Checkpoint(start=NOON, started=NOON), replace(LIVE, ranges=ranges)
    wide, other = (Gap("live", NOON - days * DAY, NOON, OUTAGE, NOON) for days in (2, 1))
    checkpoint.gaps = [other, wide]
    assert not break_off(checkpoint, sliced, Pass(Window(NOON - DAY, NOON), NOON, gap=wide), NOON)
    assert checkpoint.gaps == [other, gap_failed(wide, ranges)]
    assert checkpoint.gaps[1].step
    assert not break_off(checkpoint, sliced, Pass(Window(NOON - DAY, NOON), NOON, gap=wide), NOON)
    assert checkpoint.gaps == [other, gap_failed(wide, ranges)], "one that was closed meanwhile does not come again"


def test_what_is_left_behind_keeps_the_token_of_the_cursor() -> None:
    checkpoint, sliced = Checkpoint(start=NOON, started=NOON), replace(LIVE, ranges=History(LIVE.fetch, MINUTE))
    checkpoint.sweeps["live"] = SweepState(cursor=Cursor(NOON - DAY, "token"))
    assert leave_behind(checkpoint, sliced, NOON)
    assert checkpoint.sweeps["live"].cursor == Cursor(NOON - 6 * HOUR, "token")


def test_what_was_read_is_remembered_as_long_as_a_window_reaches_it() -> None:
    checkpoint = Checkpoint(start=NOON, started=NOON)
    reached = NOON - 5 * MINUTE - MINUTE - MINUTE  # its lookback, its pace, and a lagging replica
    known = {"reached": reached + timedelta(seconds=1), "beyond": reached}
    checkpoint.sweeps["live"] = SweepState(fetched=dict(known))
    note_fetched(checkpoint, LIVE, "unnamed", NOON)
    assert checkpoint.sweeps["live"].fetched == {"reached": known["reached"], "unnamed": NOON}
    note_unfetched(checkpoint, LIVE, "unknown", Unexpected("no lead"), NOON)
    assert not checkpoint.gaps
