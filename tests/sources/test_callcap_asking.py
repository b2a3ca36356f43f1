"""What is asked of Callcap, and how its pages become passes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from poller.plugin.stream import Cursor, Stream, Window
from poller.sources.callcap import Callcap
from poller.sources.callcap.api import CALLS, LAG
from tests.sources.callcap_pages import CALL, NOTHING, listing, rows
from tests.sources.scripted import NOW, Said, Scripted, changed, read


def stream(**settings: Any) -> Stream:
    (found,) = Callcap.model_validate({"type": "callcap", "api_key": "k", **settings}).build_streams()
    return found


STREAM = stream()


@pytest.mark.covers("callcap", 1, 2, 4, 5, 6, 7, 12, 15)
async def test_live_asks_by_modification_open_ended_with_every_hidden_filter_spelled_out() -> None:
    http = Scripted([Said(listing([CALL]))])
    done = await read(STREAM, "live", http)
    assert http.asked == [
        (
            CALLS,
            {
                "search_range": "custom",
                "search_startdate": "2000-01-01",
                "search_enddate": "2026-03-15",
                "search_last_modified_start": "2026-03-14 08:30",
                "search_timezone": "US/Arizona",
                "order": "oldest",
                "show": "1000",
                "page": "1",
                "detail": "all",
                "conversation_type": "call",
            },
        )
    ]
    assert done.records() == [CALL]


@pytest.mark.covers("callcap", 2, 15)
async def test_audit_asks_for_whole_days() -> None:
    http = Scripted([Said(listing([CALL]))])
    await read(STREAM, "audit", http, Window(datetime(2026, 3, 11, 6, 59, tzinfo=UTC), NOW))
    (query,) = http.queries()
    assert query["search_startdate"] == "2026-03-10"
    assert query["search_enddate"] == "2026-03-15"
    assert (query["order"], query["detail"], query["conversation_type"]) == ("oldest", "all", "call")
    assert not any("last_modified" in name for name in query)


@pytest.mark.parametrize("sweep", ["live", "audit"])
@pytest.mark.covers("callcap", 2)
async def test_the_end_is_a_later_day_than_the_start_and_nothing_before_the_vendor_is_asked_for(sweep: str) -> None:
    http = Scripted([Said(listing([])), Said(listing([]))])
    await read(STREAM, sweep, http, Window(NOW + timedelta(days=9), NOW))
    await read(STREAM, sweep, http, Window(datetime.min.replace(tzinfo=UTC), NOW))
    later, earlier = http.queries()
    assert later["search_startdate"] < later["search_enddate"]
    assert earlier["search_startdate"] in {"1999-12-31", "2000-01-01"}


@pytest.mark.covers("callcap", 3, 15)
async def test_recent_takes_a_preset_newest_first_and_moves_no_cursor() -> None:
    http = Scripted([Said(listing(rows(1000), total=1001)), Said(listing(rows(1), page=2, total=1001))])
    done = await read(STREAM, "recent", http)
    assert [query["page"] for query in http.queries()] == ["1", "2"]
    for query in http.queries():
        assert query["search_range"] == "last5minutes"
        assert query["order"] == "newest"
        assert query["detail"] == "all"
        assert "search_startdate" not in query
    assert done.cursors == [None, None]
    assert [bool(page.end) for page in done.pages] == [False, True]
    assert (done.error, done.sizes) == (None, [1000, 1])


@pytest.mark.parametrize(
    ("lookback", "preset"), [("20s", 1), ("1m", 1), ("61s", 5), ("6m", 10), ("11m", 30), ("30m", 30), ("60m", 60)]
)
async def test_recent_takes_the_next_wider_preset(lookback: str, preset: int) -> None:
    http = Scripted([Said(listing([]))])
    await read(stream(streams={"calls": {"sweeps": {"recent": {"lookback": lookback}}}}), "recent", http)
    assert http.queries()[0]["search_range"] == f"last{preset}minutes"


@pytest.mark.parametrize("gone", [NOTHING, Said(listing([], page=2, total=1000))])
@pytest.mark.covers("callcap", 3)
async def test_recent_ends_where_its_range_slid_away(gone: Said) -> None:
    done = await read(STREAM, "recent", Scripted([Said(listing(rows(1000), total=1500)), gone]))
    assert done.error is None
    assert sum(done.sizes) == 1000


@pytest.mark.parametrize("sweep", ["live", "audit"])
async def test_all_pages_are_read_and_only_the_last_earns_the_cursor_of_the_first_answer(sweep: str) -> None:
    first, last = Said(listing(rows(1000), total=1002)), Said(listing(rows(2, 1001), page=2, total=1002))
    http = Scripted([first, last])
    done = await read(STREAM, sweep, http, cursor=Cursor(NOW - timedelta(days=1)))
    assert done.error is None
    assert done.cursors == [None, Cursor(NOW - LAG)]
    assert [bool(page.end) for page in done.pages] == [False, True]
    first_query, last_query = http.queries()
    assert {**first_query, "page": "2"} == last_query


async def test_last_page_is_read_anew_on_every_page() -> None:
    pages = [
        Said(listing(rows(1000), total=1500)),
        Said(listing(rows(1000, 1001), page=2, total=2001)),
        Said(listing(rows(1, 2001), page=3, total=2001)),
    ]
    assert (await read(STREAM, "live", Scripted(pages))).sizes == [1000, 1000, 1]


async def test_no_date_earns_no_cursor_but_completes_the_pass() -> None:
    done = await read(STREAM, "live", Scripted([Said(listing([CALL]), dated=False)]))
    assert done.error is None
    assert (done.cursors, bool(done.pages[-1].end)) == ([None], True)


async def test_the_cursor_never_passes_the_last_day_asked_for() -> None:
    late = Window(NOW - timedelta(days=9), NOW - timedelta(days=2))  # our clock is two days behind
    done = await read(STREAM, "live", Scripted([Said(listing([CALL]))]), late)
    assert done.cursors == [Cursor(datetime(2026, 3, 13, 7, tzinfo=UTC))]


SPRING, AUTUMN = datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "asked"),
    [
        (AUTUMN.replace(hour=5, minute=50), "2026-11-01 00:50"),
        (AUTUMN.replace(hour=6, minute=40, second=59), "2026-11-01 00:40"),  # 01:40 for the first time
        (AUTUMN.replace(hour=7, minute=40), "2026-11-01 01:40"),  # 01:40 again
        (AUTUMN.replace(hour=8), "2026-11-01 02:00"),
        (SPRING.replace(hour=7, minute=59), "2026-03-08 01:59"),
        (SPRING.replace(hour=8), "2026-03-08 03:00"),
    ],
)
@pytest.mark.covers("callcap", 5, 9)
async def test_in_a_zone_with_summer_time_no_later_change_can_show_an_earlier_time(start: datetime, asked: str) -> None:
    answer = changed(listing([]), "US/Central", "search", "timezone")
    http = Scripted([Said(answer)])
    await read(stream(timezone="US/Central"), "live", http, Window(start, start + timedelta(hours=1)))
    assert http.queries()[0]["search_last_modified_start"] == asked


def test_only_three_sweeps_and_their_part() -> None:
    by_name = {sweep.name: sweep for sweep in STREAM.sweeps}
    assert list(by_name) == ["recent", "live", "audit"]
    assert (by_name["recent"].from_lookback_only, by_name["recent"].advisory, by_name["recent"].is_audit) == (
        True,
        True,
        False,
    )
    assert (by_name["live"].from_lookback_only, by_name["live"].advisory, by_name["live"].is_audit) == (
        False,
        False,
        False,
    )
    assert (by_name["audit"].from_lookback_only, by_name["audit"].advisory, by_name["audit"].is_audit) == (
        False,
        False,
        True,
    )
