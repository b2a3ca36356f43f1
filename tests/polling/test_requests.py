"""What a pass asks with: a page that cannot be had is asked for again; a vendor's clock is not believed blindly.

Killed: a first page asked for again, so that a vendor that is down is asked four times as often; a refusal repeated
more than once; what no repetition mends repeated; what its reader does not believe taken for an answer, or repeated
beyond the requests that failed on the way; a `Date` that is ahead taken for a cursor.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import anyio
import pytest
from structlog.testing import capture_logs

from poller.clock import Clock
from poller.errors import Denied, Lasting, Shifted, SourceError, Throttled, TooLarge, Unavailable, Unexpected
from poller.plugin.stream import Cursor, End, Response
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.passes import complete_pass, start_over
from poller.polling.requests import Requests, RequestsFactory, VendorClock
from poller.telemetry import Telemetry
from tests.support.clocks import still
from tests.support.getting import Getting
from tests.support.toy import NOON, running, sweep, under_way

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OK = Response(200, b"[]", NOON)


class Script(Getting):
    """A session that answers what it is told to, one after the other."""

    source = "acme"

    def __init__(self, *answers: Response | SourceError) -> None:
        self.answers, self.asked, self.fresher = list(answers), 0, 0

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def answered(self, path: str) -> bool:
        return path == "/list"

    def refused(self) -> None:
        self.fresher += 1


def requests(script: Script, clock: Clock | None = None, breaker: CircuitBreaker | None = None) -> Requests:
    return Requests(
        cast("Any", script),
        breaker or CircuitBreaker(),
        Telemetry(),
        clock or still(NOON),
        set(),
        vendor=VendorClock(),
        facts=lambda: ("a fact",),
    )


async def all_of(script: Script, count: int) -> list[Response]:
    asking = requests(script)
    return [await asking.get("/list", {}) for _ in range(count)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.polling.requests._WAITS", (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    "failure", [Unavailable("503"), Response(200, b"<html>", NOON), Response(200, b'[{"id": 1', NOON), Denied("401")]
)
async def test_what_fails_on_the_way_is_asked_for_again(failure: Response | SourceError) -> None:
    script = Script(OK, failure, OK)
    assert await all_of(script, 2) == [OK, OK]
    assert script.asked == 3


@pytest.mark.parametrize("failure", [Unavailable("503"), Denied("401"), Throttled("429", 1)])
async def test_a_first_page_is_not(failure: SourceError) -> None:
    script = Script(failure, OK)
    with pytest.raises(type(failure)):
        await all_of(script, 1)
    assert script.asked == 1


async def test_three_times_and_no_more() -> None:
    script = Script(OK, *[Unavailable("503")] * 4)
    with pytest.raises(Unavailable):
        await all_of(script, 2)
    assert script.asked == 5


async def test_what_is_no_json_to_the_end_is_for_its_reader_to_judge() -> None:
    page = Response(200, b"<html>", NOON)
    with capture_logs() as logs:
        assert (await all_of(Script(OK, page, page, page, page), 2))[1] == page
    assert [line["error"] for line in logs] == ["the answer is no JSON"] * 3


async def test_what_another_status_says_is_for_its_reader_too_and_not_asked_for_again() -> None:
    script = Script(OK, Response(404, b"", NOON))
    assert (await all_of(script, 2))[1].status == 404


class Reader:
    """Who believes an answer once it has refused as many as it has errors."""

    def __init__(self, *errors: SourceError) -> None:
        self.errors, self.dates = list(errors), list[datetime | None]()

    def __call__(self, response: Response) -> str:
        self.dates.append(response.date)
        if self.errors:
            raise self.errors.pop(0)
        return "believed"


async def read_after_one(script: Script, reader: Reader) -> str:
    asking = requests(script)
    await asking.get("/list", {})
    return await asking.read("/list", {}, reader)


NO_ANSWER = [Unexpected("its errors is not []"), Unavailable("HTTP 200 with the status 500 in its body"), Denied("401")]


@pytest.mark.parametrize("error", NO_ANSWER)
async def test_what_its_reader_does_not_believe_is_asked_for_again_and_told(error: SourceError) -> None:
    script, reader = Script(*[OK] * 3), Reader(error)
    with capture_logs() as logs:
        assert await read_after_one(script, reader) == "believed"
    assert (script.asked, reader.dates) == (3, [NOON, NOON])
    assert [(line["event"], line["error"]) for line in logs] == [("request.repeated", str(error))]


@pytest.mark.parametrize("error", [Shifted("gone"), TooLarge("64 MiB"), Lasting("HTTP 400")])
async def test_what_would_be_answered_so_again_is_not(error: SourceError) -> None:
    script = Script(*[OK] * 3)
    with pytest.raises(type(error)):
        await read_after_one(script, Reader(error))
    assert script.asked == 2


async def test_a_first_answer_that_is_none_does_not_count_as_one() -> None:
    asking = requests(script := Script(OK, OK))
    for _ in range(2):
        with pytest.raises(Unexpected):
            await asking.read("/list", {}, Reader(Unexpected("no")))
    assert script.asked == 2


async def test_three_times_in_all_whether_it_failed_on_the_way_or_was_not_believed() -> None:
    script, no = Script(OK, OK, Unavailable("503"), Response(200, b"<html>", NOON), OK, OK), Unexpected("no")
    with pytest.raises(Unexpected, match="no"):
        await read_after_one(script, Reader(no, no, no))
    assert script.asked == 5


def test_what_was_answered_and_what_is_known_are_told_of_what_is_asked_for() -> None:
    asking = requests(Script())
    assert [asking.answered(path) for path in ("/list", "/other")] == [True, False]
    assert [asking.knows(fact) for fact in ("a fact", "another")] == [True, False]


def test_a_pass_knows_what_its_stream_has_learnt_so_far() -> None:
    stream = running(sweep("live", MINUTE, 5 * MINUTE))
    asking = RequestsFactory(cast("Any", Script()), CircuitBreaker(), Telemetry(), still(NOON))(stream)
    assert not asking.knows("a fact")
    stream.checkpoint.facts = ("a fact",)
    assert asking.knows("a fact")


async def test_a_refusal_is_tried_once_more_with_a_fresher_token() -> None:
    script = Script(OK, Denied("401"), Denied("401"), OK)
    with pytest.raises(Denied):
        await all_of(script, 2)
    assert (script.asked, script.fresher) == (3, 1)


async def test_who_asks_for_patience_gets_it_from_the_whole_source_and_a_long_pause_ends_the_pass() -> None:
    breaker, script = CircuitBreaker(), Script(OK, Throttled("429"), Throttled("429", 0.01), OK, Throttled("429", 600))
    asking = requests(script, breaker=breaker)
    with capture_logs() as logs:
        for _ in range(2):
            await asking.get("/list", {})
    assert breaker.resume_at == NOON + timedelta(seconds=0.01)
    assert [line["retry_in"] for line in logs if line["event"] == "source.throttled"] == [0.0, 0.01]
    with pytest.raises(Throttled):
        await asking.get("/list", {})


async def test_a_pause_that_was_begun_is_as_long_after_a_step_of_our_clock() -> None:
    moments = [NOON] * 3 + [NOON - HOUR] * 9
    clock = Clock(lambda _: None, lambda: moments.pop(0), lambda: 0.0)
    breaker = CircuitBreaker()
    breaker.pause(0.02, clock())
    asking = requests(Script(OK, Throttled("429", 0.01), OK), clock, breaker)
    with anyio.fail_after(5):
        for _ in range(2):
            await asking.get("/list", {})
    assert breaker.resume_at == NOON - HOUR + timedelta(seconds=0.02)


@pytest.mark.parametrize(
    ("date", "counts"),
    [
        (NOON + 2 * HOUR, NOON),
        (NOON + timedelta(seconds=1), NOON),
        (NOON - 2 * HOUR, NOON - 2 * HOUR),
        (None, NOON - MINUTE),
    ],
)
async def test_a_date_is_never_later_than_our_clock_was_when_we_asked(date: datetime | None, counts: datetime) -> None:
    answer = await requests(Script(Response(200, b"[]", date))).get("/list", {})
    assert answer.date == counts


async def test_what_is_asked_is_asked_as_it_was_said_also_again() -> None:
    heard: list[Any] = []

    class Hearing(Script):
        async def ask(self, path: str, query: Any, *, body: bytes | None = None, accept: Any = (200,)) -> Response:
            heard.append((path, query, body, accept))
            return await self.get(path, {}, accept=accept)

    asking = requests(Hearing(OK, Unavailable("503"), OK))
    with capture_logs() as logs:
        for _ in range(2):
            await asking.ask("/list", {"a": "1"}, body=b"{}", accept=(200, 404))
    assert heard == [("/list", {"a": "1"}, b"{}", (200, 404))] * 3
    assert [(line["event"], line["source"], line["error"]) for line in logs] == [("request.repeated", "acme", "503")]


@pytest.mark.parametrize("sent", [b'{"a":1}', b'\xef\xbb\xbf\r\n {"a":1}\n', b"\t[1] "])
async def test_what_may_be_json_is_not_asked_for_again(sent: bytes) -> None:
    script = Script(OK, Response(200, sent, NOON))
    assert [response.sent for response in await all_of(script, 2)] == [b"[]", sent]


@pytest.mark.parametrize(
    ("date", "told", "behind"),
    [
        (None, ("dates.missing", "have no Date"), timedelta(0)),
        (NOON + 2 * HOUR, ("clock.differs", "says 2026"), timedelta(0)),
        (NOON - 2 * HOUR, ("clock.differs", "says 2026"), 2 * HOUR),
        (NOON - MINUTE, None, MINUTE),
    ],
)
async def test_an_odd_date_is_told_once_and_how_far_it_is_behind_is_known(
    date: datetime | None, told: tuple[str, str] | None, behind: timedelta
) -> None:
    asking = requests(Script(*[Response(200, b"[]", date)] * 2))
    with capture_logs() as logs:
        for _ in range(2):
            await asking.get("/list", {})
    assert [(line["event"], line["source"]) for line in logs] == ([(told[0], "acme")] if told else [])
    assert all(told and told[1] in line["reason"] for line in logs)
    assert asking._vendor.behind == behind


def test_a_step_of_our_clock_moves_the_vendors_away_from_it_but_never_ahead() -> None:
    vendor = VendorClock()
    vendor.shift(HOUR)
    assert vendor.behind is None, "it has not answered yet"
    vendor.behind = MINUTE
    vendor.shift(HOUR)
    assert vendor.behind == HOUR + MINUTE
    vendor.shift(-2 * HOUR)
    assert vendor.behind == timedelta(0)


def test_no_odd_date_moves_a_cursor_back() -> None:
    stream = running(sweep("live", MINUTE, 5 * MINUTE))
    (live,) = stream.sweeps
    checkpoint, state = stream.checkpoint, live.state
    longest_ago = datetime(1970, 1, 1, tzinfo=NOON.tzinfo)
    complete_pass(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, End(Cursor(longest_ago)), NOON)
    assert state.cursor == Cursor(NOON - timedelta(days=1)), "what lies before its window nobody asks for"
    complete_pass(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, End(Cursor(NOON)), NOON)
    complete_pass(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, End(Cursor(longest_ago, "t")), NOON)
    assert state.cursor == Cursor(NOON, "t"), "its token counts"
    for _ in range(3):
        start_over(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, longest_ago, NOON)
    assert state.cursor is not None
    assert state.cursor.until == NOON
