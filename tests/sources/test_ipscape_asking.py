"""What ipSCAPE is asked for, page by page, and what a pass comes to."""

from typing import Any

import httpx
import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.pagination.pages import PAGES
from poller.plugin.stream import Cursor, Window
from poller.sources.ipscape.api import EXPIRED, LAG
from tests.sources.ipscape_pages import (
    ITEMIZED,
    LEAD,
    SWEEPS,
    TIMED,
    WHOLE,
    answer,
    listed,
    minutes_ago,
    streams,
)
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted, changed, read

STREAMS = streams()
BOUNDS = ("2026-03-14T15:30:40+00:00", "2026-03-15T16:30:40+00:00")


def asks(stream: str, sweep: str) -> tuple[str, dict[str, str]]:
    if stream in WHOLE:
        return WHOLE[stream], {}
    path, by = TIMED["dialler_calls" if sweep == "touched" else stream]
    return path, {f"{by}From": BOUNDS[0], f"{by}To": BOUNDS[1]}


def script(stream: str, *pages: tuple[list[Any], object]) -> Scripted:
    return Scripted([Said(answer(stream, rows, following)) for rows, following in pages])


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
@pytest.mark.covers("ipscape", 3, 4, 5, 8, 9)
async def test_every_page_is_asked_for_where_the_first_was_under_the_same_filters(stream: str, sweep: str) -> None:
    row = listed(stream, sweep)
    http = script(stream, ([row], "eyJpZCI6NH0%3D"), ([row, row], "a+b/c=="), ([row], None))
    done = await read(STREAMS[stream], sweep, http, cursor=Cursor(NOW, token="old"))
    path, query = asks(stream, sweep)
    assert http.asked == [
        (path, query),
        (path, {**query, "cursor": "eyJpZCI6NH0="}),
        (path, {**query, "cursor": "a+b/c=="}),
    ]
    assert done.error is None
    assert done.cursors == [None, None, Cursor(NOW - LAG)]
    assert [bool(page.end) for page in done.pages] == [False, False, True]
    assert done.sizes == ([0, 0, 0] if sweep == "touched" else [1, 2, 1])


@pytest.mark.covers("ipscape", 14)
def test_a_plus_sign_reaches_the_vendor_as_one() -> None:
    sent = httpx.Request("GET", "https://x.example/", params={"createdTimestampFrom": BOUNDS[0], "cursor": "a+b/c=="})
    assert b"00%3A00" in sent.url.query.replace(b"00:00", b"00%3A00")
    assert b"+" not in sent.url.query
    assert b"%2B00" in sent.url.query


@pytest.mark.parametrize(("stream", "sweep"), ITEMIZED)
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"nextUri": None},
        {"nextUri": ""},
        {"nextUri": "/v3.0/x"},
        {"nextUri": "/v3.0/x?cursor="},
        {"nextUri": "/v3.0/x?precursor=a#?cursor=b"},
        {"previousUri": "/v3.0/x?cursor=a"},
    ],
)
async def test_the_end_is_where_no_cursor_is(stream: str, sweep: str, metadata: object) -> None:
    http = Scripted([Said({"metadata": metadata, "items": []})])
    done = await read(STREAMS[stream], sweep, http)
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [Cursor(NOW - LAG)], True)


@pytest.mark.parametrize(("stream", "sweep"), ITEMIZED)
@pytest.mark.parametrize("link", ["/v3.0/x?perPage=9&amp;cursor=a%2Bb", "/v3.0/x?Cursor=a+b#c", "?%63ursor=a%2bb"])
async def test_a_cursor_is_found_however_its_link_is_spelt(stream: str, sweep: str, link: str) -> None:
    said = answer(stream, [])
    http = Scripted([Said({**said, "metadata": {"nextUri": link}}), Said(said)])
    done = await read(STREAMS[stream], sweep, http)
    assert (done.error, [query.get("cursor") for query in http.queries()]) == (None, [None, "a+b"])


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
async def test_no_date_earns_no_cursor_but_completes_the_pass(stream: str, sweep: str) -> None:
    http = Scripted([Said(answer(stream, [], "a"), dated=False), Said(answer(stream, []))])
    done = await read(STREAMS[stream], sweep, http)
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [None, None], True)


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
@pytest.mark.parametrize("repeated", ["a", "b"])
async def test_a_cursor_that_repeats_starts_the_pass_over(stream: str, sweep: str, repeated: str) -> None:
    row = listed(stream, sweep)
    done = await read(STREAMS[stream], sweep, script(stream, ([row], "a"), ([row], "b"), ([row], repeated)))
    assert isinstance(done.error, Shifted)
    assert done.error.until == NOW - LAG
    assert len(done.pages) == 3
    assert not any(page.end for page in done.pages)


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
@pytest.mark.parametrize("status", EXPIRED)
@pytest.mark.covers("ipscape", 10)
async def test_a_cursor_that_expires_half_way_starts_the_pass_over(stream: str, sweep: str, status: int) -> None:
    http = Scripted([Said(answer(stream, [listed(stream, sweep)], "a")), Said("gone", status=status)])
    done = await read(STREAMS[stream], sweep, http)
    assert isinstance(done.error, Shifted)
    assert (done.error.until, len(done.pages), done.cursors) == (NOW - LAG, 1, [None])
    first = await read(STREAMS[stream], sweep, Scripted([Said("no", status=status)]))
    assert isinstance(first.error, Unexpected)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
async def test_a_refusal_is_not_asked_again(stream: str, sweep: str, status: int) -> None:
    for pages in ([], [Said(answer(stream, [], "a"))]):
        http = Scripted([*pages, Said("no", status=status)])
        assert isinstance((await read(STREAMS[stream], sweep, http)).error, Unexpected)
        assert len(http.asked) == len(pages) + 1


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
async def test_pages_emptied_by_a_filter_are_followed_but_not_for_ever(stream: str, sweep: str) -> None:
    row = listed(stream, sweep)
    few: list[tuple[list[Any], object]] = [([], f"c{number}") for number in range(1_000)]
    done = await read(STREAMS[stream], sweep, script(stream, *few, ([row], "x"), ([], "d"), ([row], None)))
    assert (done.error, bool(done.pages[-1].end)) == (None, True)
    done = await read(STREAMS[stream], sweep, script(stream, ([row], "a"), *few, ([], "z")))
    assert isinstance(done.error, Unexpected)
    assert "empty" in str(done.error)
    assert done.cursors == [None] * 1_002


async def test_a_list_without_end_is_given_up() -> None:
    endless = (Said(answer("users", [{"userId": number}], number)) for number in range(PAGES + 1))
    http = Scripted(endless)
    done = await read(STREAMS["users"], "snapshot", http)
    assert isinstance(done.error, Unexpected)
    assert (len(http.asked), set(done.cursors)) == (PAGES, {None})


OUTSIDE = [("activities", ("data", "timestamps", "created")), ("dialler_calls", ("timestamps", "dialled"))]


@pytest.mark.parametrize(("stream", "path"), OUTSIDE)
@pytest.mark.covers("ipscape", 9)
async def test_rows_that_were_not_asked_for_show_that_the_filter_was_lost(stream: str, path: tuple[str, ...]) -> None:
    async def first(minutes: float, several: int = 1) -> Pass:
        row = changed(listed(stream, "live"), minutes_ago(minutes), *path)
        rows = [listed(stream, "live"), *[row] * several]
        return await read(STREAMS[stream], "live", script(stream, (rows, None)))

    day = 24 * 60
    for inside in (60.0, 60 + 1 / 60, 0.0, -day):
        assert (await first(inside)).error is None
    for outside in (60 + 2 / 60, 90.0, -day - 2 / 60):
        one, most = await first(outside), await first(outside, several=2)
        assert isinstance(one.error, Shifted)
        assert isinstance(most.error, Unexpected)
        assert "From" in str(one.error)
        assert "From" in str(most.error)
        assert (one.sizes, one.cursors, most.pages) == ([2], [None], [])


async def test_leads_are_given_a_day_between_upload_and_creation() -> None:
    for minutes, error in ((25 * 60.0, None), (25 * 60 + 1.0, Shifted)):
        row = changed(LEAD, minutes_ago(minutes), "timestamps", "created")
        done = await read(STREAMS["leads"], "live", script("leads", ([row], None)))
        assert done.error is None if error is None else isinstance(done.error, error)


async def test_a_row_whose_time_cannot_be_read_is_left_to_be_rejected() -> None:
    odd: list[Any] = [7, "x", None, {}, {"type": "call.inbound", "data": {"timestamps": {"created": "today"}}}]
    done = await read(STREAMS["activities"], "live", script("activities", (odd, None)))
    assert (done.error, done.sizes) == (None, [5])


async def test_the_window_begins_no_earlier_than_any_record_and_is_cut_to_the_second() -> None:
    window = Window(HOUR.start.replace(year=1970), NOW.replace(microsecond=999_999))
    http = script("activities", ([], None))
    await read(STREAMS["activities"], "live", http, window)
    assert http.queries() == [
        {"createdTimestampFrom": "2000-01-01T00:00:00+00:00", "createdTimestampTo": "2026-03-15T16:30:40+00:00"}
    ]
