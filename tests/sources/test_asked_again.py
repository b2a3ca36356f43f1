"""A page in the middle of a pass whose 200 is no answer is asked for again, and the pass goes on where it was.

Killed: a vendor's file that reads its answers where nobody asks again; an error that is read twice as a page; a sync
token that has expired, asked for until the pass is given up.
"""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from poller.errors import Unexpected
from poller.plugin.stream import Cursor, Stream
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.requests import Requests, VendorClock
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.telemetry import Telemetry
from tests.sources import agendize_pages, callcap_pages, flextell_pages, ipscape_pages, trackdrive_pages
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted, read
from tests.support.clocks import still

(CALLCAP,) = Callcap.model_validate({"type": "callcap", "api_key": "k"}).build_streams()
(FLEXTELL,) = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"}).build_streams()
IPSCAPE = ipscape_pages.streams()["activities"]
QUERY = "query($since: String, $after: String) { tickets(after: $after) { nodes { id } } }"
GRAPHQL = stream_of(
    {
        "kind": "ticket",
        "path": "/graphql",
        "records": "tickets.nodes",
        "body": {"query": QUERY, "variables": {"since": "{start}", "after": "{cursor}"}},
        "paging": {"next": "tickets.next"},
    }
)
ENVELOPE = stream_of({"kind": "ticket", "params": {"since": "{start}", "page": "{page}"}, "paging": {"total": "total"}})


def _nodes(*numbers: int, following: str | None = None, **beside: Any) -> Said:
    rows = [ticket(number, f"{NOW:%Y-%m-%dT%H:%M:%SZ}") for number in numbers]
    return Said({"tickets": {"nodes": rows, "next": following}, **beside})


def _tickets(*numbers: int) -> Said:
    return Said({"tickets": [ticket(number, f"{NOW:%Y-%m-%dT%H:%M:%SZ}") for number in numbers], "total": 3})


def _of_ipscape(row: dict[str, Any], following: object = None) -> Said:
    return Said(ipscape_pages.answer("activities", [row], following))


ERROR = {"status": "error", "message": "database away"}
PAGES: dict[str, tuple[Stream, str, Sequence[Said], object]] = {
    "callcap": (
        CALLCAP,
        "audit",
        [
            Said(callcap_pages.listing(callcap_pages.rows(2), total=3, show=2)),
            Said(callcap_pages.listing(callcap_pages.rows(1, 3), total=3, show=2, page=2)),
        ],
        ERROR,
    ),
    "flextell": (
        FLEXTELL,
        "full",
        [
            Said(flextell_pages.listing(flextell_pages.leads([0.0] * 2), total=3, per_page=2)),
            Said(flextell_pages.listing(flextell_pages.leads([0.0], start=3), total=3, per_page=2, page=2)),
        ],
        {"data": [], "meta": {}, "message": "Server Error"},
    ),
    "trackdrive": (
        trackdrive_pages.CALLS,
        "audit",
        [
            trackdrive_pages.calls(trackdrive_pages.NEW_CALL, next_cursor="c2"),
            trackdrive_pages.calls({**trackdrive_pages.NEW_CALL, "uuid": "another"}),
        ],
        {"status": 500, "errors": {"base": ["timed out"]}},
    ),
    "agendize": (
        agendize_pages.STREAM,
        "live",
        [agendize_pages.listing({"id": "c1"}, page="p2"), agendize_pages.listing({"id": "c2"})],
        {"error": {"code": 500, "message": "backend"}},
    ),
    "ipscape": (
        IPSCAPE,
        "settle",
        [
            _of_ipscape(ipscape_pages.listed("activities", "settle"), "c2"),
            _of_ipscape(ipscape_pages.listed("activities", "settle")),
        ],
        {"error": "something went wrong"},
    ),
    "graphql": (
        GRAPHQL,
        "live",
        [_nodes(1, 2, following="c2"), _nodes(3)],
        _nodes(3, errors=[{"message": "timed out", "path": ["tickets"]}]).body,
    ),
    "an envelope": (ENVELOPE, "live", [_tickets(1, 2), _tickets(3)], ERROR),
}


class Vendor(Scripted):
    """A session that answers from a script, as a pass asks it."""

    source = "acme"

    def refused(self) -> None:
        raise AssertionError("nobody was refused")


async def passed(stream: Stream, sweep: str, vendor: Vendor, cursor: Cursor | None = None) -> Pass:
    asking = Requests(
        cast("Any", vendor), CircuitBreaker(), Telemetry(), still(NOW), set(), vendor=VendorClock(), facts=tuple
    )
    return await read(stream, sweep, asking, HOUR, cursor)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.polling.requests._WAITS", (0.0, 0.0, 0.0))


@pytest.mark.parametrize(("stream", "sweep", "pages", "error"), PAGES.values(), ids=PAGES.keys())
async def test_a_200_that_is_no_answer_is_asked_for_again_within_the_pass(
    stream: Stream, sweep: str, pages: Sequence[Said], error: object
) -> None:
    whole = await passed(stream, sweep, Vendor(pages))
    assert (whole.error, len(whole.pages)) == (None, 2)
    vendor = Vendor([pages[0], Said(error), Said(b"<html>"), pages[1]])
    with capture_logs() as logs:
        done = await passed(stream, sweep, vendor)
    assert (done.error, done.records(), done.sizes) == (None, whole.records(), whole.sizes)
    assert done.end.cursor == whole.end.cursor, "what the pass covers is what its first answer says"
    assert vendor.asked[1] == vendor.asked[2] == vendor.asked[3]
    assert [line["event"] for line in logs] == ["request.repeated"] * 2


@pytest.mark.parametrize(("stream", "sweep", "pages", "error"), PAGES.values(), ids=PAGES.keys())
async def test_one_that_stays_none_breaks_the_pass_off_after_four_requests(
    stream: Stream, sweep: str, pages: Sequence[Said], error: object
) -> None:
    vendor = Vendor([pages[0], *[Said(error)] * 4])
    done = await passed(stream, sweep, vendor)
    assert done.error
    assert (len(vendor.asked), len(done.pages), done.pages[0].end) == (5, 1, None)


async def test_a_token_that_expired_on_the_way_is_not_asked_for_again() -> None:
    first, gone = agendize_pages.listing({"id": "c1"}, page="p2"), agendize_pages.refused(410)
    vendor = Vendor([first, gone])
    done = await passed(agendize_pages.STREAM, "live", vendor)
    assert isinstance(done.error, Unexpected)
    assert len(vendor.asked) == 2
