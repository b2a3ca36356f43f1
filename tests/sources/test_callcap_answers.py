"""Which of Callcap's answers are believed."""

from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Cursor
from poller.sources.callcap import Callcap
from poller.sources.callcap.api import ACCOUNTS, CALLS, LAG
from tests.sources.callcap_pages import CALL, NOTHING, listing, rows
from tests.sources.scripted import NOW, Said, Scripted, changed, read, without

ACCOUNT = Callcap.model_validate({"type": "callcap", "api_key": "k"})
(STREAM,) = ACCOUNT.build_streams()


GOOD = listing(rows(1000), total=1001)
BAD: dict[str, tuple[object, str]] = {
    "html": (b"<!DOCTYPE html><html></html>", "markup"),
    "not json": (b"upstream error", "not the documented answer"),
    "cut off": (b'{"status": "success", "call": [{"call_id": "c1"', "not the documented answer"),
    "no utf-8": (b'{"status": "succ\xff"}', "not the documented answer"),
    "a list": ([], "not the documented answer"),
    "too deep": (b"[" * 100_000, "not the documented answer"),
    "status": ({**GOOD, "status": "error"}, "status"),
    "status alone": ({"status": "error", "message": "no"}, "not the documented answer"),
    "no status": (without(GOOD, "status"), "status"),
    "no calls": (without(GOOD, "call"), "call"),
    "calls null": ({**GOOD, "call": None}, "call"),
    "calls an object that is no call": ({**GOOD, "call": {"message": "c1"}}, "call"),
    "no pagination": (without(GOOD, "pagination"), "pagination"),
    "no total": (without(GOOD, "pagination", "total_records"), "total_records"),
    "total a word": (changed(GOOD, "many", "pagination", "total_records"), "total_records"),
    "total negative": (changed(listing([]), -5, "pagination", "total_records"), "total_records"),
    "last_page null": (changed(GOOD, None, "pagination", "last_page"), "last_page"),
    "no zone": (without(GOOD, "search", "timezone"), "US/Arizona"),
    "another zone": (changed(GOOD, "US/Central", "search", "timezone"), "US/Arizona"),
    "another page": (changed(GOOD, 2, "pagination", "page"), "it says it is page 2"),
}
DOUBTFUL: dict[str, tuple[list[dict[str, Any]], str]] = {
    "fewer rows than said": ([{**listing(rows(3)), "call": rows(2)}], "holds 2 records and says 3"),
    "a page before the last is not full": (
        [listing(rows(999), total=1001), listing(rows(1), page=2, total=1001)],
        "holds 999",
    ),
    "more rows than the total": ([listing(rows(3), total=2)], "holds 3"),
    "fewer rows than the total": ([listing(rows(1), total=2)], "holds 1"),
    "no rows of two": ([listing([], total=2)], "holds 0"),
    "one page too few": (
        [listing(rows(1000), total=1001, last=1), listing(rows(1), page=2, total=1001, last=1)],
        "1001 records are not 1 pages",
    ),
    "one page too many": (
        [listing(rows(1), last=2), listing([], page=2, total=1, last=2)],
        "1 records are not 2 pages",
    ),
    "two empty pages": ([listing([], last=2), listing([], page=2, last=2)], "0 records are not 2 pages"),
    "pages of another size each time": (
        [listing(rows(50), total=60, show=50), listing(rows(10, 51), total=60, page=2, show=30)],
        "its pages held 50 records, then 30",
    ),
}


@pytest.mark.parametrize("sweep", ["live", "audit"])
@pytest.mark.parametrize(("pages", "says"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
@pytest.mark.covers("callcap", 9, 14)
async def test_an_answer_that_contradicts_itself_is_delivered_and_moves_no_cursor(
    pages: list[dict[str, Any]], says: str, sweep: str
) -> None:
    done = await read(STREAM, sweep, Scripted(map(Said, pages)))
    assert isinstance(done.error, Shifted)
    assert says in str(done.error)
    assert done.error.until == NOW - LAG
    assert done.records() == [call for page in pages for call in page["call"]]
    assert not any(page.end for page in done.pages)


@pytest.mark.parametrize("sweep", ["live", "audit", "recent"])
@pytest.mark.parametrize(("body", "says"), BAD.values(), ids=BAD.keys())
@pytest.mark.covers("callcap", 8, 9)
async def test_a_200_that_is_not_the_documented_answer_is_no_answer(body: object, says: str, sweep: str) -> None:
    done = await read(STREAM, sweep, Scripted([Said(body)]))
    assert isinstance(done.error, Unexpected)
    assert says in str(done.error)
    assert "c1" not in str(done.error)
    assert done.pages == []


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("sweep", ["live", "audit", "recent"])
async def test_an_empty_list_of_no_page_or_of_one_is_complete(sweep: str, last: int) -> None:
    done = await read(STREAM, sweep, Scripted([Said(listing([], last=last))]))
    assert done.error is None
    assert done.cursors == [None if sweep == "recent" else Cursor(NOW - LAG)]
    assert done.pages[-1].end


@pytest.mark.parametrize("sweep", ["live", "audit", "recent"])
@pytest.mark.covers("callcap", 8)
async def test_a_404_with_a_status_is_an_empty_list_once_this_key_was_answered(sweep: str) -> None:
    """The documentation shows a message beside it in one error, and in this one nothing."""
    for nothing in (NOTHING, Said({"status": "error"}, status=404)):
        await reads_nothing(sweep, nothing)


async def reads_nothing(sweep: str, nothing: Said) -> None:
    http = Scripted([nothing], known={CALLS})
    done = await read(STREAM, sweep, http)
    assert (done.error, done.sizes, len(http.asked)) == (None, [0], 1)
    assert done.cursors == [None if sweep == "recent" else Cursor(NOW - LAG)]


SLOPPY = [
    {"status": "not found", "message": None},
    {"status": "error", "message": "no route", "code": 404},
    {"status": "success", "message": "nothing to say"},
    {"status": "Unauthorized", "message": "Your key is invalid"},
]
"""What a gateway may say, too: it has a status, and is not just what errors are documented to be."""


@pytest.mark.parametrize("body", SLOPPY)
@pytest.mark.covers("callcap", 8)
async def test_a_404_that_is_not_just_the_documented_one_is_confirmed_by_the_accounts_each_time(body: object) -> None:
    confirmed = Scripted([Said(body, status=404), Said({"status": "success", "accounts": []})] * 2, known={CALLS})
    for _ in range(2):
        done = await read(STREAM, "live", confirmed)
        assert (done.error, done.sizes, bool(done.end.cursor)) == (None, [0], True)
    assert [path for path, _ in confirmed.asked] == [CALLS, ACCOUNTS] * 2
    gateways = Scripted([Said(body, status=404), Said(body, status=404)], known={CALLS})
    done = await read(STREAM, "live", gateways)
    assert (type(done.error), done.pages, len(gateways.asked)) == (Unexpected, [], 2)


@pytest.mark.covers("callcap", 8)
async def test_before_the_first_answer_a_404_is_confirmed_by_the_accounts() -> None:
    http = Scripted([NOTHING, Said({"status": "success", "accounts": []})])
    done = await read(STREAM, "live", http)
    assert [path for path, _ in http.asked] == [CALLS, ACCOUNTS]
    assert done.error is None
    assert done.cursors == [Cursor(NOW - LAG)]


@pytest.mark.parametrize(
    "script",
    [
        [NOTHING, Said({"status": "not found"}, status=404)],
        [NOTHING, Said({"status": "error"})],
        [NOTHING, Said(b"<html>")],
        [Said(b"<html>404</html>", status=404)],
        [Said({"detail": "Not Found"}, status=404)],
        [Said({"status": 404}, status=404)],
        [Said([], status=404)],
    ],
)
@pytest.mark.covers("callcap", 8)
async def test_a_404_that_nothing_confirms_is_no_empty_list(script: list[Said]) -> None:
    done = await read(STREAM, "live", Scripted(script))
    assert isinstance(done.error, Unexpected)
    assert done.pages == []


@pytest.mark.parametrize("sweep", ["live", "audit"])
@pytest.mark.parametrize(
    "moved",
    [
        listing(rows(1, 1001), page=2, total=1001),
        listing([], page=2, total=999),
    ],
)
@pytest.mark.covers("callcap", 4)
async def test_a_list_that_shrinks_while_it_is_read_is_read_again(sweep: str, moved: dict[str, Any]) -> None:
    done = await read(STREAM, sweep, Scripted([Said(listing(rows(1000), total=1002)), Said(moved)]))
    assert isinstance(done.error, Shifted)
    assert done.error.until == NOW - LAG
    assert done.cursors == [None, None]
    assert not any(page.end for page in done.pages)


@pytest.mark.parametrize("sweep", ["live", "audit"])
async def test_a_page_that_is_gone_means_that_the_list_moved(sweep: str) -> None:
    done = await read(STREAM, sweep, Scripted([Said(listing(rows(1000), total=1002)), NOTHING]))
    assert isinstance(done.error, Shifted)
    assert done.cursors == [None]


@pytest.mark.parametrize("sweep", ["live", "audit"])
@pytest.mark.covers("callcap", 14, 16)
async def test_a_call_that_comes_twice_moves_no_cursor_unless_another_one_entered(sweep: str) -> None:
    """Calls that began in one second may change places between two pages: then one comes twice, and one not at all."""
    for before, trusted in ((1002, False), (1001, True)):
        seam = [Said(listing(rows(1000), total=before)), Said(listing(rows(2, 1000), page=2, total=1002))]
        done = await read(STREAM, sweep, Scripted(seam))
        assert (isinstance(done.error, Shifted), done.sizes) == (not trusted, [1000, 2])  # what came is delivered
        assert done.cursors[0] is None
        assert bool(done.cursors[1]) == trusted


@pytest.mark.covers("callcap", 16)
async def test_a_call_that_begins_meanwhile_is_met_at_the_end_and_pushes_nothing_on() -> None:
    new = {"call_id": "new", "start_datetime": "2026-03-14 10:00:00"}
    pages = [rows(1000), [*rows(1, 1000), new]]
    seam = [Said(listing(page, page=n, total=1000 + n)) for n, page in enumerate(pages, 1)]
    done = await read(STREAM, "live", Scripted(seam))
    assert isinstance(done.error, Shifted)


async def test_a_call_without_identity_counts_as_itself() -> None:
    odd: list[Any] = [{"call_id": "c1"}, {}, {"call_id": None}, {"call_id": True}, 7, {"call_id": 5}, {"call_id": "5x"}]
    assert (await read(STREAM, "audit", Scripted([Said(listing(odd))]))).error is None
    twice = await read(STREAM, "audit", Scripted([Said(listing([*odd, {"call_id": "5"}]))]))
    assert isinstance(twice.error, Shifted)


async def test_probe_asks_once_for_one_call_and_believes_no_more_than_a_sweep() -> None:
    http = Scripted([Said(listing([CALL], total=3214, show=1))])
    assert await ACCOUNT.probe(http) == "answers; 3,214 calls"
    (query,) = http.queries()
    assert (query["show"], query["page"], query["search_startdate"]) == ("1", "1", "2000-01-01")
    with pytest.raises(Unexpected):
        await ACCOUNT.probe(Scripted([Said(listing([CALL], total=3214, last=4, show=1000))]))
    assert await ACCOUNT.probe(Scripted([NOTHING], known={CALLS})) == "answers; 0 calls"
