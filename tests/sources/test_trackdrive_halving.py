"""How TrackDrive's leads, which have neither an order nor a cursor, are all found."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from poller.errors import Shifted
from poller.plugin.pagination.bisect import PASSES
from poller.plugin.stream import Cursor, Window
from poller.sources.trackdrive.api import LAG, PER_PAGE
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted
from tests.sources.scripted import read as follow
from tests.sources.trackdrive_pages import LEADS, Company, leads, listing, named, read, second, spread

SWEEPS = ["live", "settle", "audit"]


async def poll(company: Company, window: Window = HOUR, sweep: str = "live") -> Pass:
    return await follow(LEADS, sweep, company, window)


def uuids(done: Pass) -> set[str]:
    return {record["uuid"] for record in done.records()}


@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.covers("trackdrive", 2, 6)
async def test_what_fits_is_one_request_with_an_open_end(sweep: str) -> None:
    http = Scripted([leads(*named(99))])
    done = await follow(LEADS, sweep, http)
    (query,) = http.queries()
    assert query["created_at_from"] == "2026-03-14 15:30:39 +0000"
    assert "created_at_to" not in query
    assert (done.error, done.sizes) == (None, [99])
    assert (done.cursors, bool(done.pages[-1].end)) == ([Cursor(NOW - LAG)], True)


@pytest.mark.parametrize("rows", [0, 1, 99])
@pytest.mark.parametrize("totals", [True, False])
async def test_a_quiet_hour(rows: int, totals: bool) -> None:
    company = Company(spread(rows, HOUR), totals=totals)
    done = await poll(company)
    assert (done.error, uuids(done)) == (None, set(company.rows))
    assert len(company.asked) == (2 if rows and not totals else 1)
    assert [bool(page.end) for page in done.pages] == [False] * (len(company.asked) - 1) + [True]


WAYS = list(product([True, False], ["instant", "second", "none"], [True, False], [1000, 30]))


@pytest.mark.parametrize(("from_in", "to_in", "totals", "cap"), WAYS)
@pytest.mark.covers("trackdrive", 3, 4)
async def test_all_leads_are_found_however_seconds_are_cut_and_pages_capped(
    from_in: bool, to_in: str, totals: bool, cap: int
) -> None:
    company = Company(spread(800, HOUR), from_in=from_in, to_in=to_in, totals=totals, cap=cap)
    done = await poll(company)
    assert (done.error, uuids(done)) == (None, set(company.rows))
    assert done.cursors[-1] == Cursor(NOW - LAG)
    assert set(done.cursors[:-1]) == {None}
    assert [bool(page.end) for page in done.pages] == [False] * (len(done.pages) - 1) + [True]
    assert all(query["page"] in {"1", "2"} for query in company.asked)
    assert len(company.asked) < (40 if totals and cap > PER_PAGE else 200)


@pytest.mark.covers("trackdrive", 4)
async def test_a_full_page_is_never_the_end_even_where_the_total_says_so() -> None:
    company = Company(spread(100, HOUR))
    done = await poll(company)
    assert (done.error, uuids(done), len(company.asked)) == (None, set(company.rows), 3)


def bounds(query: dict[str, str]) -> tuple[Any, Any]:
    return read(query["created_at_from"]), read(query["created_at_to"]) if "created_at_to" in query else None


@pytest.mark.covers("trackdrive", 3, 6)
async def test_halves_share_their_boundary_and_the_newest_stays_open() -> None:
    company = Company(spread(150, HOUR))
    await poll(company)
    whole, newer, older = map(bounds, company.asked)
    second = timedelta(seconds=1)
    assert whole == (HOUR.start - second, None)
    assert newer == (HOUR.start + timedelta(minutes=30) - second, None)
    assert older == (HOUR.start - second, HOUR.start + timedelta(minutes=30))


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.covers("trackdrive", 4)
async def test_a_full_second_is_paged_until_two_readings_agree(totals: bool) -> None:
    moment = NOW - timedelta(minutes=20)
    company = Company({f"u{number}": moment for number in range(350)} | {"other": NOW}, totals=totals)
    done = await poll(company)
    assert (done.error, uuids(done)) == (None, set(company.rows))
    paged = [query for query in company.asked if query["page"] > "2"]
    assert paged
    assert all(end - begin <= timedelta(seconds=2) for begin, end in map(bounds, paged))


@pytest.mark.covers("trackdrive", 4)
async def test_what_comes_later_than_our_now_is_halved_by_the_vendors_clock_or_paged() -> None:
    behind = Window(HOUR.start - timedelta(hours=2), HOUR.end - timedelta(hours=2))
    ahead = {f"late{number}": NOW + timedelta(days=1) for number in range(120)}
    company = Company(spread(300, HOUR) | ahead)
    done = await poll(company, behind)
    assert (done.error, uuids(done)) == (None, set(company.rows))
    paged = [bounds(query) for query in company.asked if query["page"] > "1"]
    assert paged
    assert all(end is None and begin > NOW - timedelta(seconds=3) for begin, end in paged)


@pytest.mark.covers("trackdrive", 4)
async def test_without_a_total_too_two_readings_have_to_agree() -> None:
    slid, whole = named(100) + named(49, 102), named(150)
    done = await follow(LEADS, "live", second(slid, whole, whole), Window(NOW, NOW))
    assert (done.error, done.sizes) == (None, [0, 100, 49, 100, 50, 100, 50])
    assert [bool(page.end) for page in done.pages] == [False] * 6 + [True]


@pytest.mark.covers("trackdrive", 4)
async def test_readings_in_which_a_lead_comes_on_two_pages_are_none_however_they_agree() -> None:
    """It may stand in another one's place, each time: without a total nothing else tells."""
    swapped, whole = named(100) + named(50, 100), named(150)
    found = await follow(LEADS, "live", second(swapped, swapped, whole, whole), Window(NOW, NOW))
    assert (found.error, found.sizes) == (None, [0] + [100, 50] * 4)
    assert isinstance((await follow(LEADS, "live", second(*[swapped] * PASSES), Window(NOW, NOW))).error, Shifted)


@pytest.mark.covers("trackdrive", 4)
async def test_readings_that_agree_with_each_other_but_not_with_the_total_are_none() -> None:
    http = second(*[named(150)] * PASSES, total_count=151)
    done = await follow(LEADS, "live", http, Window(NOW, NOW))
    assert isinstance(done.error, Shifted)
    assert set(done.cursors) == {None}


def delete_one(company: Company) -> None:
    """Deleted in front of what was read already, so that a row of the next page slides into it."""
    if company.asked[-1]["page"] == "2" and len(company.rows) > 249:
        del company.rows[next(reversed(company.rows))]


@pytest.mark.covers("trackdrive", 4)
async def test_a_row_that_slid_past_the_reading_is_found_by_the_next_one() -> None:
    moment = NOW - timedelta(minutes=20)
    company = Company({f"u{number}": moment for number in range(251)}, turn=delete_one)
    done = await poll(company)
    assert done.error is None
    assert uuids(done) >= set(company.rows)


def churn(company: Company) -> None:
    del company.rows[next(iter(company.rows))]
    company.rows[f"new{len(company.asked)}"] = NOW - timedelta(minutes=20)


@pytest.mark.covers("trackdrive", 4)
async def test_readings_that_never_agree_move_no_cursor() -> None:
    moment = NOW - timedelta(minutes=20)
    company = Company({f"u{number}": moment for number in range(250)}, turn=churn)
    done = await poll(company)
    assert isinstance(done.error, Shifted)
    assert done.error.until == NOW - LAG
    assert f"{PASSES} readings" in str(done.error)
    assert set(done.cursors) == {None}
    assert not any(page.end for page in done.pages)


async def test_a_list_that_ignores_the_page_is_not_read_for_ever() -> None:
    http = Scripted(Said(listing("leads", named(100))) for _ in range(100))
    done = await follow(LEADS, "live", http, Window(NOW, NOW))
    assert isinstance(done.error, Shifted)
    assert "repeats" in str(done.error)


CONTRADICTIONS: dict[str, tuple[Said, int, dict[str, Any]]] = {
    "empty, and not": (leads(total_count=3), 0, {}),
    "more than there are": (leads(*named(3), total_count=2), 3, {}),
    "fewer than there are": (leads(*named(3), total_count=4), 3, {"total_count": 4}),
    "the same twice": (leads(*named(2), *named(1)), 3, {}),
}


@pytest.mark.parametrize(("answer", "rows", "metadata"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
@pytest.mark.covers("trackdrive", 4)
async def test_a_total_that_is_not_met_is_read_again(answer: Said, rows: int, metadata: dict[str, Any]) -> None:
    done = await follow(LEADS, "audit", Scripted([answer, leads(**metadata)]))
    assert isinstance(done.error, Shifted)
    assert done.error.until == NOW - LAG
    assert sum(done.sizes) == rows
    assert not any(page.end for page in done.pages)


@pytest.mark.covers("trackdrive", 4)
async def test_a_total_that_only_the_first_page_has_is_met_all_the_same() -> None:
    done = await follow(LEADS, "audit", Scripted([leads(*named(3), total_count=4), leads(total_count=None)]))
    assert isinstance(done.error, Shifted)
    assert (sum(done.sizes), done.error.until) == (3, NOW - LAG)


async def test_a_lead_without_identity_counts_as_itself() -> None:
    odd: list[Any] = [{"uuid": "a"}, {"id": 1}, {"id": 2}, {"uuid": None}, 7, "x", None, None]
    assert (await follow(LEADS, "live", Scripted([leads(*odd)]))).error is None


async def test_a_full_second_with_leads_that_look_alike_adds_up() -> None:
    rows = [*named(PER_PAGE - 2), None, None], [{"uuid": "last"}, None]
    http = Scripted(leads(*page, total_count=PER_PAGE + 2) for page in (rows[0], *rows * 2))
    done = await follow(LEADS, "live", http, Window(NOW, NOW))
    assert (done.error, bool(done.pages[-1].end)) == (None, True)


async def test_no_date_earns_no_cursor_but_completes_the_pass() -> None:
    done = await follow(LEADS, "live", Scripted([Said(listing("leads", [], total_count=0), dated=False)]))
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [None], True)


async def test_all_there_is_begins_when_no_vendor_here_had_anything() -> None:
    http = Scripted([leads()])
    await follow(LEADS, "live", http, Window(NOW - timedelta(days=20_000), NOW))
    assert http.queries()[0]["created_at_from"] == "1999-12-31 23:59:59 +0000"
