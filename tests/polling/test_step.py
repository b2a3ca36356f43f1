"""One step of the loop, over work that does as it is told: what is committed, told and waited for, in which order.

Killed: memory that moves before the commit; a pass that is let go of before it is durable, or never; a failure counted
as another one, or told with another wait; a refusal that the session does not hear of; a gap told again; a request that
was given up at a stop and counts as a failure; a source that is not ours any more and is polled on; seen tidied at
every pass, or never; a page of a package's own making that ends the run, or damages the state.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import anyio
import pytest
from msgspec import json
from structlog.testing import capture_logs
from xxhash import xxh3_64_intdigest

from poller.clock import Clock
from poller.errors import Denied, Shifted, Throttled, Unavailable, Unexpected
from poller.events.batch import Batch, PageContext
from poller.events.seen import Seen, key_of
from poller.http.session import Session
from poller.plugin.stream import Cursor, End, Page, Window
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.coverage import BROKEN
from poller.polling.progress.passes import Pass
from poller.polling.runtime import Reading, StreamRuntime
from poller.polling.step import Step
from poller.polling.work import PassWork
from poller.retry import Retry
from poller.state.checkpoint import Checkpoint, Gap
from poller.state.ledger import Change, Ledger, OwnershipLost
from poller.telemetry import Telemetry
from tests.support.toy import NOON, record, running, sweep

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NAMES: Final = ("acme", "leads", "live")
AGES_AGO = NOON - 1000 * HOUR


class Task:
    """Work that is told what comes of it, and what it is; it notes what becomes of it."""

    def __init__(self, stream: StreamRuntime, order: list[Any], said: Any, **flags: Any) -> None:
        self.stream, self.names, self.retry, self.order, self._said = stream, NAMES, Retry(), order, said
        self.retry_factor: float = flags.get("retry_factor", 1.0)
        self.starts_over: bool = flags.get("starts_over", False)
        self.tidies: bool = flags.get("tidies", True)
        self.cut_short: bool = flags.get("cut_short", False)
        self._nothing: bool = flags.get("nothing", False)
        self._gaps: Sequence[Gap] = flags.get("gaps", ())

    async def ask(self) -> Page:
        self.order.append("ask")
        if isinstance(self._said, BaseException):
            raise self._said
        if not isinstance(self._said, Page):
            await self._said()
        return cast("Page", self._said)

    def context(self, now: datetime) -> PageContext:
        return PageContext(now, doubts=self.stream.doubts)

    def received(self, page: Page, batch: Batch) -> bool:
        self.order.append(("received", batch.counts.records))
        return not self._nothing

    def succeeded(self, checkpoint: Checkpoint, page: Page, batch: Batch, now: datetime) -> None:
        assert (checkpoint is not self.stream.checkpoint, page) == (True, self._said)
        state = checkpoint.sweeps["live"]
        state.cursor, state.complete, state.last_error = Cursor(now), True, None

    def failed(self, checkpoint: Checkpoint, error: Exception, now: datetime) -> None:
        assert checkpoint is not self.stream.checkpoint
        checkpoint.sweeps["live"].last_error = f"{error} at {now:%H:%M}"
        checkpoint.gaps += self._gaps

    def report(self, telemetry: Telemetry, page: Page) -> None:
        telemetry.notice("reported", page=page is self._said)
        self.order.append("report")

    async def finish(self) -> None:
        self.order.append("finish")

    async def close(self) -> None:
        self.order.append("close")

    def abandon(self) -> None:
        self.order.append("abandon")


class Book:
    """A ledger, and a session that hears of refusals."""

    def __init__(self, order: list[Any]) -> None:
        self.order, self.changes, self.refusals = order, list[Change](), 0
        self.trouble: Exception | None = None
        self.before: Callable[[], object] = lambda: None

    async def commit(self, change: Change) -> None:
        self.before()
        if self.trouble:
            raise self.trouble
        self.changes.append(change)
        self.order.append("commit")

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        assert isinstance(seen, Seen)
        self.order.append(("tidy", stream, before))

    def refused(self) -> None:
        self.refusals += 1


class Place:
    """A step of one stream with one sweep, its clock, and what became of it."""

    def __init__(self, progress: timedelta | None = None) -> None:
        self.now, self.steps, self.order, self.breaker = NOON, timedelta(0), list[Any](), CircuitBreaker()
        self.book, self.telemetry, self.stream = Book(self.order), Telemetry(), running(sweep("live", MINUTE))
        clock = Clock(lambda _: None, lambda: self.now + self.steps, self._seconds)
        session, ledger = cast("Session", self.book), cast("Ledger", self.book)
        self.step = Step(session, ledger, self.breaker, self.telemetry, clock, progress)

    def _seconds(self) -> float:
        return (self.now - NOON).total_seconds()

    async def take(self, said: Any, **flags: Any) -> Task:
        task = Task(self.stream, self.order, said, **flags)
        self.order.clear()
        await self.step.take(task)
        return task


@pytest.fixture
def place() -> Place:
    return Place()


def page(*records: bytes, end: End | None = None, **said: Any) -> Page:
    return Page(records, end=end, **said)


async def test_a_last_page_is_committed_before_memory_moves_and_its_pass_is_let_go(place: Place) -> None:
    stream, before = place.stream, place.stream.checkpoint

    def is_as_it_was() -> None:
        assert stream.checkpoint is before
        assert stream.seen.get(key_of("1"), NOON.timestamp()) is None
        assert stream.doubts == {key_of("1")}

    stream.doubts, place.book.before = {key_of("1")}, is_as_it_was
    place.breaker.refusals = 1
    await place.take(page(record("1"), end=End()))
    stored = ("tidy", "acme/leads", 0.0)
    assert place.order == ["ask", ("received", 1), "commit", "finish", "report", stored]
    [change] = place.book.changes
    assert (change.stream, change.checkpoint, change.may_wait) == ("acme/leads", stream.checkpoint, False)
    assert [message.key for message in change.batch.messages] == ["acme/leads/1"]
    assert stream.checkpoint.sweeps["live"].cursor == Cursor(NOON)
    assert stream.seen.get(key_of("1"), NOON.timestamp())
    assert stream.doubts == set()
    assert place.breaker.refusals == 0, "the vendor answered"
    told = place.telemetry.render().decode()
    assert 'poller_records_total{source="acme",stream="leads"} 1.0' in told
    assert 'poller_events_total{source="acme",stream="leads",type="lead.created"} 1.0' in told


async def test_the_fields_of_news_are_looked_at_once_a_second(place: Place) -> None:
    names = iter("abcdefg")

    async def told(*, after: float = 0.0, by: float = 0.0) -> str:
        place.now += timedelta(seconds=after)
        place.steps += timedelta(seconds=by)
        name = next(names)
        await place.take(page(record(name).replace(b"{", b'{"own %s":1,' % name.encode())))
        found = re.findall(r'drift_total{source="acme",stream="leads"} (\S+)', place.telemetry.render().decode())
        return str(found and found[0])

    await place.take(page())
    assert await told() == "1.0", "the first news, not the first page"
    assert await told(after=0.9) == "1.0"
    assert await told(after=0.1) == "2.0"
    assert await told(after=0.9) == "2.0"
    assert await told(by=-3600) == "3.0", "a clock that was put back holds up nothing"
    assert await told(by=3600) == "4.0"


async def test_a_page_that_is_not_the_last_leaves_its_pass_under_way(place: Place) -> None:
    await place.take(page(record("1")))
    assert place.order == ["ask", ("received", 1), "commit", "report"]
    await place.take(page(record("2")), cut_short=True)
    assert place.order == ["ask", ("received", 1), "commit", "finish", "report"]
    await place.take(page(end=End()), tidies=False)
    assert place.order == ["ask", ("received", 0), "commit", "finish", "report"]
    await place.take(page(), nothing=True)
    assert place.order == ["ask", ("received", 0), "report"], "a page that changes nothing is not committed"


async def test_other_bytes_of_a_known_record_are_remembered_though_its_page_changes_nothing(place: Place) -> None:
    await place.take(page(record("1")))
    noisy = record("1", noise=1)
    await place.take(page(noisy), nothing=True)
    found = place.stream.seen.get(key_of("1"), NOON.timestamp())
    assert found
    assert (found.raw, len(place.book.changes)) == (xxh3_64_intdigest(noisy), 1)


async def test_what_a_crash_may_lose_may_wait(place: Place) -> None:
    await place.take(page(record("1"), end=End()))
    place.now += MINUTE
    for records in ([], [record("1", noise=1)], [record("1", changed=NOON)], [record("2")]):
        await place.take(page(*records, end=End()))
    assert [change.may_wait for change in place.book.changes] == [False, True, True, False, False]


async def test_a_page_says_of_itself_from_when_on_it_was_asked_for(place: Place) -> None:
    place.stream.checkpoint.start = NOON
    await place.take(page(record("1", at=AGES_AGO), asked_from=NOON))
    assert not place.book.changes[-1].batch.messages, "it lies before all that was asked for"
    await place.take(page(record("2"), asked_from=NOON))
    assert place.book.changes[-1].batch.messages


async def test_seen_is_tidied_once_an_hour(place: Place) -> None:
    place.stream.keep = 24 * HOUR
    tidied = []
    for minutes in (0, 59, 60, 61, 119, 120):
        place.now = NOON + minutes * MINUTE
        await place.take(page(end=End()))
        tidied += [(minutes, *done[1:]) for done in place.order if done[0] == "tidy"]
    day_before = (NOON - 24 * HOUR).timestamp()
    assert tidied == [(at, "acme/leads", day_before + 60 * at) for at in (0, 60, 120)]


async def test_a_complete_pass_says_how_far_where_that_is_asked_for() -> None:
    place = Place(progress=MINUTE)
    await place.take(page())
    assert not place.book.changes[-1].batch.messages
    await place.take(page(end=End()))
    [message] = place.book.changes[-1].batch.messages
    assert b'"covered_until":"2026-03-14T12:00:00Z"' in message.value
    assert b'"observedtime":"2026-03-14T12:00:00Z"' in message.value
    assert place.book.changes[-1].may_wait is False


FAILURES = [
    (Unavailable("HTTP 500"), "unavailable", "Unavailable: HTTP 500"),
    (Unexpected("no list"), "unexpected", "Unexpected: no list"),
    (KeyError("x"), "bug", "KeyError: 'x'"),
]


@pytest.mark.parametrize(("error", "outcome", "text"), FAILURES)
async def test_a_failure_is_saved_and_told_and_its_work_waits(
    place: Place, error: Exception, outcome: str, text: str
) -> None:
    known = Gap("live", NOON - 3 * HOUR, NOON - 2 * HOUR, BROKEN, NOON - MINUTE)
    new = Gap("live", NOON - HOUR, NOON, BROKEN, NOON)
    place.stream.checkpoint.gaps = [known]
    with capture_logs() as logs:
        task = await place.take(error, retry_factor=60.0, gaps=[new])
    assert place.order == ["ask", "close", "commit"]
    [change] = place.book.changes
    assert (change.stream, change.checkpoint, change.batch.messages) == ("acme/leads", place.stream.checkpoint, [])
    assert change.checkpoint.sweeps["live"].last_error == f"{error} at 12:00"
    assert task.retry.at
    wait = (task.retry.at - NOON).total_seconds()
    assert 60 <= wait <= 75
    names = {"source": "acme", "stream": "leads", "sweep": "live"}
    failed, opened = logs
    assert failed.items() >= {**names, "event": "poll.failed", "outcome": outcome, "error": text}.items()
    assert failed["retry_in"] == pytest.approx(wait, abs=1e-5)
    times = {"start": "2026-03-14T11:00:00.000Z", "end": "2026-03-14T12:00:00.000Z", "kind": BROKEN}
    assert opened.items() >= {**names, **times, "event": "gap.opened"}.items(), "the one that is new"
    polls = f'poller_polls_total{{outcome="{outcome}",source="acme",stream="leads",sweep="live"}} 1.0'
    assert polls in place.telemetry.render().decode()
    assert (place.breaker.resume_at, place.book.refusals) == (None, 0)


STRANGE: dict[str, Any] = {
    "an end for what is to be fetched": {"to_fetch": End()},
    "a cursor for an end": {"end": Cursor(NOON)},
    "a cursor without a zone": {"end": End(Cursor(NOON.replace(tzinfo=None)))},
    "a token that is no text": {"end": End(Cursor(NOON, cast("str", 5)))},
    "facts that are no texts": {"facts": frozenset({5})},
    "a range that is none": {"end": End(unreadable=cast("Any", [5]))},
    "an age that is none": {"to_fetch": {"a": 5}},
}


@pytest.mark.parametrize("why", STRANGE)
async def test_a_page_that_is_none_costs_its_own_sweep_and_saves_nothing(place: Place, why: str) -> None:
    async def pages() -> AsyncIterator[Page]:
        yield Page([record("a")], **STRANGE[why])

    (run,) = place.stream.sweeps
    reading = Reading(Pass(Window(NOON - HOUR, NOON), NOON), pages())
    with capture_logs() as logs:
        await place.step.take(PassWork(run, reading, lambda: None))
    assert [one["outcome"] for one in logs if one["event"] == "poll.failed"] == ["bug"]
    [change] = place.book.changes
    assert change.batch.messages == []
    assert change.checkpoint.sweeps["live"].cursor is None
    assert json.decode(json.encode(change.checkpoint), type=Checkpoint) == change.checkpoint


async def test_a_refusal_is_heard_by_the_session_and_the_second_one_by_all(place: Place) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            await place.take(Denied("HTTP 401"))
            place.now += MINUTE
    assert (place.book.refusals, place.breaker.refusals) == (2, 2)
    assert [(line["source"], line["error"], line["retry_in"]) for line in logs if line["event"] == "source.denied"] == [
        ("acme", "HTTP 401", 0.0),
        ("acme", "HTTP 401", 60.0),
    ]


async def test_a_refusal_of_a_request_made_before_the_last_one_was_known_is_none(place: Place) -> None:
    await place.take(Denied("HTTP 401"))

    async def refuse_late() -> None:
        place.now += MINUTE
        place.breaker._refused_at = place.now
        raise Denied("HTTP 401")

    await place.take(refuse_late)
    assert place.breaker.refusals == 1


async def test_a_vendor_that_asks_for_patience_gets_it(place: Place) -> None:
    with capture_logs() as logs:
        await place.take(Throttled("HTTP 429", 90.0))
    assert place.breaker.seconds(NOON) == 90
    assert [(line["source"], line["retry_in"]) for line in logs if line["event"] == "source.throttled"] == [
        ("acme", 90.0)
    ]
    assert 'poller_throttled_seconds_total{source="acme"} 90.0' in place.telemetry.render().decode()


async def test_a_clock_that_is_stepped_while_the_vendor_answers_makes_no_wait_longer_or_shorter(place: Place) -> None:
    async def refuse_a_day_later() -> None:
        place.steps += 24 * HOUR
        raise Throttled("HTTP 429", 90.0)

    place.breaker.resume_at, place.stream.tidied = NOON + HOUR, NOON
    await place.take(refuse_a_day_later)
    assert place.breaker.resume_at == NOON + 25 * HOUR
    assert place.stream.tidied == NOON + 24 * HOUR


async def test_a_list_that_moved_is_read_again_at_once_where_that_is_its_way(place: Place) -> None:
    with capture_logs() as logs:
        task = await place.take(Shifted("it shrank"), starts_over=True)
        again = await place.take(Shifted("it shrank"))
    assert (task.retry.failures, task.retry.at) == (1, None)
    assert again.retry.at
    assert [line["retry_in"] > 0 for line in logs] == [False, True]


async def test_a_bug_in_what_the_page_holds_is_its_works_trouble(place: Place) -> None:
    with capture_logs() as logs:
        await place.take(Page(cast("Any", None)))
    assert [line["outcome"] for line in logs] == ["bug"]
    assert place.order == ["ask", "close", "commit"]


async def test_a_package_that_would_end_the_program_fails_its_own_work(place: Place) -> None:
    with capture_logs() as logs:
        await place.take(cast("Any", SystemExit(5)))
    assert [(line["outcome"], "SystemExit(5)" in line["error"]) for line in logs] == [("bug", True)]
    assert place.order == ["ask", "close", "commit"]


async def test_a_source_that_is_not_ours_any_more_fails_nothing(place: Place) -> None:
    with pytest.raises(OwnershipLost):
        await place.take(OwnershipLost("another replica"))
    assert place.order == ["ask"]
    place.book.trouble, before = OwnershipLost("fenced"), place.stream.checkpoint
    with pytest.raises(OwnershipLost):
        await place.take(page(record("1"), end=End()))
    assert (place.order, place.stream.checkpoint) == (["ask", ("received", 1)], before)


async def test_a_request_that_is_given_up_is_no_failure(place: Place) -> None:
    assert not place.step.asking
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(place.take, anyio.sleep_forever)
        await anyio.wait_all_tasks_blocked()
        assert place.step.asking
        place.step.cancel_requests()
    assert not place.step.asking
    assert place.order == ["ask", "abandon"]
    assert place.book.changes == []
