"""What is asked of Flextell, and how its pages become passes."""

from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Unexpected
from poller.plugin.stream import Cursor, End
from poller.sources.flextell import Flextell
from poller.sources.flextell.api import LAG, LEADS, NULL_PAGES
from tests.sources.flextell_pages import ASKED, LEAD, NEWEST, SINCE_NOON, after_noon, leads, listing, trashed
from tests.sources.scripted import NOW, Said, Scripted, read

ACCOUNT = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"})
(STREAM,) = ACCOUNT.build_streams()


@pytest.mark.parametrize("sweep", ASKED)
@pytest.mark.covers("flextell", 3, 4, 5)
async def test_every_page_is_asked_for_by_number_under_the_same_order(sweep: str) -> None:
    rows = trashed(after_noon(101, NEWEST.get(sweep, "created_at")))
    http = Scripted([Said(listing(rows[:100], total=101)), Said(listing(rows[100:], page=2, total=101))])
    done = await read(STREAM, sweep, http, SINCE_NOON, cursor=Cursor(NOW - timedelta(hours=1)))
    assert http.asked == [(LEADS, {**ASKED[sweep], "per_page": "100", "page": page}) for page in ("1", "2")]
    assert (done.error, done.sizes) == (None, [100, 1])
    assert done.cursors == [None, Cursor(NOW - LAG)]
    assert [bool(page.end) for page in done.pages] == [False, True]


async def test_no_date_earns_no_cursor_but_completes_the_pass() -> None:
    done = await read(STREAM, "full", Scripted([Said(listing([LEAD]), dated=False)]))
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [None], True)


@pytest.mark.parametrize(("sweep", "column"), NEWEST.items())
@pytest.mark.covers("flextell", 2)
async def test_newest_first_stops_only_after_a_whole_page_that_is_older(sweep: str, column: str) -> None:
    """The window begins at noon; page 2 still holds one lead of it."""
    pages = [[101.0 - n for n in range(100)], [0.0] + [-1.0 - n for n in range(99)], [-200.0 - n for n in range(100)]]
    rows = [leads(page, column, start=100 * n) for n, page in enumerate(pages)]
    http = Scripted([Said(listing(page, page=n, total=900)) for n, page in enumerate(rows, 1)])
    done = await read(STREAM, sweep, http, SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100, 100, 100])
    assert done.cursors == [None, None, Cursor(NOW - LAG)]
    assert done.pages[-1].end


OLD = [-1.0 - n for n in range(100)]
UNTRUSTED: dict[str, list[Any]] = {
    "out of order": leads([*OLD[1:], OLD[0]]),
    "ascending": leads(OLD[::-1]),
    "unreadable": [*leads(OLD[:99]), {"id": 100, "created_at": "yesterday"}],
    "no zone": [*leads(OLD[:99]), {"id": 100, "created_at": "2026-03-14 11:00:00"}],
    "no object": [*leads(OLD[:99]), 7],
    "a null among times": leads([*OLD[:50], None, *OLD[51:]]),
    "newer than the page before": leads([n - 150.0 for n in OLD[:99]] + [-300]),
}


@pytest.mark.parametrize("page", UNTRUSTED.values(), ids=UNTRUSTED.keys())
@pytest.mark.covers("flextell", 2, 8)
async def test_a_page_whose_order_cannot_be_trusted_never_ends_the_walk(page: list[Any]) -> None:
    before = leads([50.0 - n for n in range(99)] + [-200.0], start=200)
    script = [
        Said(listing(before, total=250)),
        Said(listing(page, page=2, total=250)),
        Said(listing(leads([-500.0] * 50, start=300), page=3, total=250)),
    ]
    done = await read(STREAM, "live", Scripted(script), SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100, 100, 50])


@pytest.mark.parametrize(("sweep", "column"), NEWEST.items())
@pytest.mark.covers("flextell", 13)
async def test_leading_nulls_are_skipped(sweep: str, column: str) -> None:
    times = [None] * 160 + [5.0] * 40 + [-1.0] * 100
    rows = leads(times, column)
    http = Scripted([Said(listing(rows[100 * n : 100 * n + 100], page=n + 1, total=900)) for n in range(3)])
    done = await read(STREAM, sweep, http, SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100, 100, 100])


@pytest.mark.covers("flextell", 13)
async def test_the_rest_of_a_page_that_begins_with_nulls_can_end_the_walk() -> None:
    page = leads([None] * 60 + [-1.0] * 40, "last_synced_at")
    done = await read(STREAM, "synced", Scripted([Said(listing(page, total=900))]), SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100])


@pytest.mark.covers("flextell", 13)
async def test_nulls_at_the_end_are_older_than_everything() -> None:
    pages = [leads([5.0] * 40 + [None] * 60, "last_synced_at"), leads([None] * 100)]
    http = Scripted([Said(listing(page, page=n, total=900)) for n, page in enumerate(pages, 1)])
    done = await read(STREAM, "synced", http, SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100, 100])


@pytest.mark.covers("flextell", 13)
async def test_patience_with_leading_nulls_ends() -> None:
    nulls = [Said(listing(leads([None] * 100), page=n + 1, total=90_000)) for n in range(NULL_PAGES + 1)]
    done = await read(STREAM, "synced", Scripted(nulls), SINCE_NOON)
    assert isinstance(done.error, Unexpected)
    assert "last_synced_at" in str(done.error)
    assert done.cursors == [None] * NULL_PAGES
    pages = NULL_PAGES + 1
    whole = [Said(listing(leads([None] * 100), page=n + 1, total=100 * pages)) for n in range(pages)]
    assert (await read(STREAM, "synced", Scripted([*whole, Said({}, status=404)]), SINCE_NOON)).error is None


@pytest.mark.parametrize("sweep", ["full", "trashed"])
@pytest.mark.covers("flextell", 1, 7, 8)
async def test_the_whole_list_is_read_whatever_its_times(sweep: str) -> None:
    old = trashed(leads([-100_000.0] * 250))
    script = [Said(listing(old[n : n + 100], page=n // 100 + 1, total=250)) for n in (0, 100, 200)]
    done = await read(STREAM, sweep, Scripted(script), SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100, 100, 50])
    assert done.cursors[-1] == Cursor(NOW - LAG)


async def test_history_is_read_back_to_its_beginning_and_then_what_was_deleted_meanwhile() -> None:
    pages = [leads([9.0] * 100), leads([-1.0 - n for n in range(100)], start=101), trashed(leads([5.0], start=7))]
    said = zip(pages, (1, 2, 1), (900, 900, 1), strict=True)
    http = Scripted([Said(listing(rows, page=number, total=total)) for rows, number, total in said])
    assert STREAM.history
    came = [page async for page in STREAM.history.fetch(http, None, SINCE_NOON)]
    asked = [{**ASKED["live"], "page": "1"}, {**ASKED["live"], "page": "2"}, {**ASKED["trashed"], "page": "1"}]
    assert http.queries() == [{**query, "per_page": "100"} for query in asked]
    assert [(len(page.records), page.end) for page in came] == [(100, None), (100, None), (1, End())]


@pytest.mark.covers("flextell", 9)
async def test_the_tenant_goes_with_every_request_and_names_the_account() -> None:
    assert ACCOUNT.headers == {"X-Tenant": "42"}
    assert ACCOUNT.tenant_key == "42"


def test_the_sweeps_and_their_part() -> None:
    by_name = {sweep.name: sweep for sweep in STREAM.sweeps}
    assert list(by_name) == ["live", "converted", "synced", "trashed", "full"]
    assert [name for name, sweep in by_name.items() if sweep.lookback is None] == ["trashed", "full"]
    assert [name for name, sweep in by_name.items() if sweep.is_audit] == ["full"]
    assert not any(sweep.from_lookback_only or sweep.advisory for sweep in STREAM.sweeps)
