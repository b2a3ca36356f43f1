"""What a pass asks with: a page that cannot be had is asked for again; a vendor's clock is not believed blindly.

Killed: a first page asked for again, so that a vendor that is down is asked four times as often; a refusal repeated
more than once; a `Date` that is ahead taken for a cursor.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from poller.errors import Denied, SourceError, Throttled, Unavailable
from poller.plugin.stream import Cursor, End, Response
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.passes import complete_pass, start_over
from poller.polling.requests import Requests, VendorClock
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
        return False

    def refused(self) -> None:
        self.fresher += 1


def requests(script: Script, now: datetime = NOON, breaker: CircuitBreaker | None = None) -> Requests:
    return Requests(
        cast("Any", script), breaker or CircuitBreaker(), Telemetry(), still(now), set(), vendor=VendorClock()
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
    assert (await all_of(Script(OK, page, page, page, page), 2))[1] == page


async def test_a_refusal_is_tried_once_more_with_a_fresher_token() -> None:
    script = Script(OK, Denied("401"), Denied("401"), OK)
    with pytest.raises(Denied):
        await all_of(script, 2)
    assert (script.asked, script.fresher) == (3, 1)


async def test_who_asks_for_patience_gets_it_from_the_whole_source_and_a_long_pause_ends_the_pass() -> None:
    breaker, script = CircuitBreaker(), Script(OK, Throttled("429", 0.01), OK, Throttled("429", 600))
    asking = requests(script, breaker=breaker)
    for _ in range(2):
        await asking.get("/list", {})
    assert breaker.resume_at is not None
    with pytest.raises(Throttled):
        await asking.get("/list", {})


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
    ("date", "event", "behind"),
    [
        (None, "dates.missing", timedelta(0)),
        (NOON + 2 * HOUR, "clock.differs", timedelta(0)),
        (NOON - 2 * HOUR, "clock.differs", 2 * HOUR),
        (NOON - MINUTE, None, MINUTE),
    ],
)
async def test_an_odd_date_is_told_once_and_how_far_it_is_behind_is_known(
    date: datetime | None, event: str | None, behind: timedelta
) -> None:
    asking = requests(Script(*[Response(200, b"[]", date)] * 2))
    with capture_logs() as logs:
        for _ in range(2):
            await asking.get("/list", {})
    assert [(line["event"], line["source"]) for line in logs] == ([(event, "acme")] if event else [])
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
    assert state.cursor == Cursor(NOON - timedelta(days=1) + 5 * MINUTE), "no window begins before the first one did"
    complete_pass(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, End(Cursor(NOON)), NOON)
    complete_pass(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, End(Cursor(longest_ago, "t")), NOON)
    assert state.cursor == Cursor(NOON, "t"), "its token counts"
    for _ in range(3):
        start_over(checkpoint, live.sweep, under_way(live, NOON, pages=1).covers, longest_ago, NOON)
    assert state.cursor is not None
    assert state.cursor.until == NOON
