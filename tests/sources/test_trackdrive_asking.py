"""What is asked of TrackDrive, and how its cursors become passes."""

from datetime import timedelta

import httpx
import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Cursor, Window
from poller.sources.trackdrive.api import LAG
from tests.sources.scripted import NOW, Said, Scripted, read
from tests.sources.trackdrive_pages import (
    CALL,
    CALLS,
    FIXED,
    LEAD,
    LEADS,
    NEW_CALL,
    SINCE,
    calls,
    leads,
    listing,
    named,
)

CALL_SWEEPS = {"live": "created_at_from", "ended": "ended_at_from", "audit": "created_at_from"}


@pytest.mark.covers("trackdrive", 5, 8, 10)
async def test_leads_are_asked_for_by_creation_with_every_default_spelled_out() -> None:
    http = Scripted([leads(LEAD)])
    done = await read(LEADS, "live", http)
    query = {**FIXED, "serializer": "lead", "created_at_from": SINCE, "page": "1"}
    assert http.asked == [("/api/v1/leads", query)]
    assert done.records() == [LEAD]


@pytest.mark.parametrize(("sweep", "bound"), CALL_SWEEPS.items())
@pytest.mark.covers("trackdrive", 5, 6, 7, 8, 9, 10)
async def test_calls_are_asked_for_by_cursor_open_ended(sweep: str, bound: str) -> None:
    http = Scripted([calls(*named(100), next_cursor=871), calls(NEW_CALL)])
    done = await read(CALLS, sweep, http, cursor=Cursor(NOW - timedelta(hours=1)))
    query = {**FIXED, "serializer": "call", bound: SINCE}
    assert http.asked == [("/api/v1/calls", {**query, "cursor": cursor}) for cursor in ("-1", "871")]
    assert (done.error, done.sizes) == (None, [100, 1])
    assert done.cursors == [None, Cursor(NOW - LAG)]
    assert [bool(page.end) for page in done.pages] == [False, True]


async def test_a_range_of_calls_is_asked_for_by_creation_up_to_its_end_and_a_second_more() -> None:
    ranges = CALLS.sweeps[0].ranges
    assert ranges
    window = Window(NOW - timedelta(hours=1), NOW - timedelta(minutes=30))
    inside, later = ({**NEW_CALL, "created_at": f"{NOW - timedelta(minutes=ago):%FT%TZ}"} for ago in (40, 20))
    http = Scripted([calls(inside, next_cursor=871), calls(inside)])
    pages = [page async for page in ranges.fetch(http, None, window)]
    query = {**FIXED, "serializer": "call", "created_at_from": SINCE, "created_at_to": "2026-03-14 16:00:41 +0000"}
    assert http.queries() == [{**query, "cursor": cursor} for cursor in ("-1", "871")]
    assert [bool(page.end) for page in pages] == [False, True]
    with pytest.raises(Shifted, match="not between the bounds of created_at"):
        assert [page async for page in ranges.fetch(Scripted([calls(later)]), None, window)]


@pytest.mark.covers("trackdrive", 10)
def test_a_plus_goes_out_as_itself() -> None:
    url = httpx.Request("GET", "https://acme.example/", params={"created_at_from": SINCE}).url
    assert b"created_at_from=2026-03-14+15%3A30%3A39+%2B0000" in url.raw_path


@pytest.mark.parametrize("end", [0, None, "0", ""])
async def test_a_cursor_of_nothing_is_the_end_also_of_a_full_page(end: object) -> None:
    done = await read(CALLS, "live", Scripted([calls(*named(100), next_cursor=end)]))
    assert (done.error, bool(done.pages[-1].end)) == (None, True)


async def test_without_a_cursor_a_page_is_the_last_unless_it_is_full() -> None:
    done = await read(CALLS, "live", Scripted([Said(listing("calls", named(99)))]))
    assert (done.error, bool(done.pages[-1].end)) == (None, True)
    for rows in (100, 250):
        done = await read(CALLS, "live", Scripted([Said(listing("calls", named(rows)))]))
        assert isinstance(done.error, Shifted)
        assert (done.sizes, done.cursors) == ([rows], [None])


async def test_a_page_that_is_short_or_empty_is_not_the_end_where_its_cursor_goes_on() -> None:
    http = Scripted([calls(*named(3), next_cursor="9"), calls(next_cursor=8), calls(CALL)])
    assert (await read(CALLS, "live", http)).sizes == [3, 0, 1]


async def test_a_total_of_what_is_left_is_no_contradiction() -> None:
    http = Scripted([calls(*named(100), next_cursor=9, total_count=101), calls(NEW_CALL, total_count=1)])
    assert (await read(CALLS, "audit", http)).error is None


@pytest.mark.parametrize("again", [-1, 7])
async def test_a_cursor_that_comes_again_is_no_way_on(again: int) -> None:
    http = Scripted(calls(*named(100), next_cursor=cursor) for cursor in (again, 8, again))
    done = await read(CALLS, "live", http)
    assert isinstance(done.error, Shifted)
    assert (done.sizes, set(done.cursors)) == ([100] * 3, {None})


@pytest.mark.covers("trackdrive", 17)
async def test_a_checksum_is_no_reason_not_to_look() -> None:
    http = Scripted([calls(CALL), calls({**CALL, "status": "no-buyer"})])
    first, second = await read(CALLS, "live", http), await read(CALLS, "live", http)
    assert [first.records()[0]["status"], second.records()[0]["status"]] == ["finished", "no-buyer"]


@pytest.mark.parametrize(
    ("sweep", "column"), [(name, bound.removesuffix("_from")) for name, bound in CALL_SWEEPS.items()]
)
async def test_a_page_of_calls_that_were_not_asked_for_says_that_the_filter_was_lost(sweep: str, column: str) -> None:
    old = [{**CALL, "uuid": f"old-{number}", column: "2024-01-01T00:00:00Z"} for number in range(3)]
    done = await read(CALLS, sweep, Scripted([calls(*old)]), cursor=Cursor(NOW - timedelta(hours=1)))
    assert isinstance(done.error, Unexpected)
    assert done.records() == []
