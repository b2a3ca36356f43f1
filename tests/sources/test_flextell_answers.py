"""Which of Flextell's answers are believed."""

from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Cursor
from poller.sources.flextell import Flextell
from poller.sources.flextell.api import LAG, LEADS
from tests.sources.flextell_pages import ASKED, LEAD, NEWEST, SINCE_NOON, after_noon, continued, leads, listing, trashed
from tests.sources.scripted import NOW, Said, Scripted, changed, read, without

ACCOUNT = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"})
(STREAM,) = ACCOUNT.build_streams()


@pytest.mark.parametrize("sweep", ["live", "converted", "full", "trashed"])
@pytest.mark.covers("flextell", 2)
async def test_a_whole_list_that_does_not_add_up_moves_no_cursor(sweep: str) -> None:
    rows = trashed(leads([0.0] * 101))
    seam = [Said(listing(rows[:100], total=101)), Said(listing([rows[99]], page=2, total=101))]
    done = await read(STREAM, sweep, Scripted(seam), SINCE_NOON)
    assert isinstance(done.error, Shifted)
    assert done.error.until == NOW - LAG
    assert (done.sizes, done.cursors) == ([100, 1], [None, None])
    assert not done.pages[-1].end


@pytest.mark.parametrize(
    ("sweep", "total", "trusted"),
    [("live", 900, False), ("live", 901, True), ("converted", 900, False), ("synced", 900, True)],
)
@pytest.mark.covers("flextell", 2)
async def test_a_lead_that_comes_twice_tells_of_one_that_missed_its_page(sweep: str, total: int, trusted: bool) -> None:
    """Unless one entered the list meanwhile, or an import moved it up: it pushes the others back."""
    rows, old = after_noon(99, NEWEST[sweep]), leads([-1.0] * 100, NEWEST[sweep], start=100)
    seam = [Said(listing([*rows, old[0]], total=900)), Said(listing(old, page=2, total=total))]
    done = await read(STREAM, sweep, Scripted(seam), SINCE_NOON)
    assert (done.sizes, bool(done.cursors[-1]), isinstance(done.error, Shifted)) == ([100, 100], trusted, not trusted)


@pytest.mark.parametrize("sweep", ["live", "converted"])
@pytest.mark.covers("flextell", 2)
async def test_what_entered_between_other_pages_does_not_account_for_a_lead_that_comes_twice(sweep: str) -> None:
    new, old = after_noon(199, NEWEST[sweep]), leads([-1.0] * 100, NEWEST[sweep], start=300)
    pages = [(new[:100], 900), ([*new[100:], old[0]], 901), (old, 901)]
    script = [Said(listing(rows, page=n, total=total)) for n, (rows, total) in enumerate(pages, 1)]
    done = await read(STREAM, sweep, Scripted(script), SINCE_NOON)
    assert (done.sizes, isinstance(done.error, Shifted)) == ([100, 100, 100], True)


@pytest.mark.covers("flextell", 2)
async def test_a_lead_that_comes_up_meanwhile_is_met_at_the_end_of_the_whole_list_and_pushes_nothing_on() -> None:
    rows, new = leads([-1.0] * 100), {"id": 999, "created_at": "2026-03-14T17:00:00Z"}
    pages = [Said(listing(rows, total=101)), Said(listing([rows[-1], new], page=2, total=102))]
    assert isinstance((await read(STREAM, "full", Scripted(pages))).error, Shifted)


async def test_a_lead_without_identity_counts_as_itself() -> None:
    odd: list[Any] = [{"id": 1}, {"id": "2"}, {}, {"id": None}, {"id": []}, 7, "x"]
    assert (await read(STREAM, "full", Scripted([Said(listing(odd))]))).error is None
    assert isinstance((await read(STREAM, "full", Scripted([Said(listing([*odd, {"id": 2}]))]))).error, Shifted)


@pytest.mark.parametrize("sweep", ASKED)
@pytest.mark.covers("flextell", 2)
async def test_a_list_that_shrinks_while_it_is_read_is_read_again(sweep: str) -> None:
    rows = trashed(after_noon(100, NEWEST.get(sweep, "created_at")))
    script = [Said(listing(rows, total=102)), Said(listing(rows[:1], page=2, total=101))]
    done = await read(STREAM, sweep, Scripted(script), SINCE_NOON)
    assert isinstance(done.error, Shifted)
    assert done.cursors == [None, None]


@pytest.mark.covers("flextell", 7)
async def test_a_list_of_deleted_leads_that_holds_others_is_not_believed() -> None:
    one, two = trashed(leads([0.0])), leads([0.0] * 2, start=5)
    done = await read(STREAM, "trashed", Scripted([Said(listing([*one, *two]))]))
    assert isinstance(done.error, Unexpected)
    assert done.pages == []
    done = await read(STREAM, "trashed", Scripted([Said(listing([*one, two[0]]))]))
    assert isinstance(done.error, Shifted), "a single one may have been restored meanwhile"
    assert (done.sizes, done.cursors) == ([2], [None])


GOOD = listing(leads([0.0] * 100), total=101)
BAD: dict[str, tuple[object, str]] = {
    "html": (b"<!DOCTYPE html><title>Login</title>", "markup"),
    "empty": (b"", "not the documented answer"),
    "cut off": (b'{"data": [{"id": 1', "not the documented answer"),
    "a list": ([LEAD], "not the documented answer"),
    "error": ({"error": "invalid_token", "message": "x"}, "meta"),
    "error beside data": ({**GOOD, "error": "rate_limited"}, "an error came"),
    "message beside data": ({**GOOD, "message": "Server Error"}, "an error came"),
    "no data": (without(GOOD, "data"), "data"),
    "data null, and a total": ({**GOOD, "data": None}, "data"),
    "data an object that is no lead": ({**GOOD, "data": {"message": "Login"}}, "data"),
    "no meta": (without(GOOD, "meta"), "meta"),
    "meta null": ({**GOOD, "meta": None}, "not the documented answer"),
    "meta empty": ({**GOOD, "meta": {}}, "how the list goes on"),
    "neither numbers nor cursors": (without(GOOD, "meta", "last_page"), "how the list goes on"),
    "no total": (without(GOOD, "meta", "total"), "total"),
    "total null": (changed(GOOD, None, "meta", "total"), "total"),
    "no page": (without(GOOD, "meta", "current_page"), "current_page"),
    "no size": (without(GOOD, "meta", "per_page"), "per_page"),
    "last_page a word": (changed(GOOD, "two", "meta", "last_page"), "last_page"),
    "another page": (changed(GOOD, 2, "meta", "current_page"), "it says it is page 2"),
    "more to come but no cursor": (continued([LEAD], has_more=True), "how the list goes on"),
    "has_more a word": (continued([LEAD], has_more="perhaps", cursor="a"), "has_more"),
    "cursor an object": (continued([LEAD], has_more=True, cursor={"after": 1}), "cursor"),
}


@pytest.mark.parametrize("sweep", ["live", "synced", "full"])
@pytest.mark.parametrize(("body", "says"), BAD.values(), ids=BAD.keys())
@pytest.mark.covers("flextell", 6)
async def test_a_200_that_is_not_the_documented_answer_is_no_answer(body: object, says: str, sweep: str) -> None:
    done = await read(STREAM, sweep, Scripted([Said(body)]))
    assert isinstance(done.error, Unexpected)
    assert says in str(done.error)
    assert "Login" not in str(done.error)
    assert "Pat" not in str(done.error)
    assert done.pages == []


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("sweep", ASKED)
async def test_an_empty_list_of_no_page_or_of_one_is_complete(sweep: str, last: int) -> None:
    done = await read(STREAM, sweep, Scripted([Said(listing([], last=last))]))
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [Cursor(NOW - LAG)], True)


async def test_a_size_of_nothing_is_none_and_the_list_is_read_by_the_one_that_was_asked_for() -> None:
    rows = leads([9.0] * 101)
    first, last = listing(rows[:100], total=101), listing(rows[100:], page=2, total=101)
    script = [Said(changed(page, 0, "meta", "per_page")) for page in (first, last)]
    done = await read(STREAM, "live", Scripted(script), SINCE_NOON)
    assert (done.error, done.sizes) == (None, [100, 1])


async def test_a_404_is_an_error_even_where_this_token_was_answered() -> None:
    done = await read(STREAM, "live", Scripted([Said({"error": "not_found"}, status=404)], known={LEADS}))
    assert isinstance(done.error, Unexpected)


CURSORS = [
    [{"has_more": True, "cursor": "a"}, {"has_more": True, "cursor": "b"}, {"has_more": False, "cursor": None}],
    [{"has_more": True, "cursor": "a"}, {"has_more": True, "cursor": "b"}, {"has_more": False, "cursor": "c"}],
    [{"has_more": True, "cursor": "a", "total": 3}, {"has_more": True, "cursor": "b"}, {"has_more": False}],
    [{"cursor": "a"}, {"cursor": "b"}, {"cursor": None}],
]


@pytest.mark.parametrize("metas", CURSORS)
@pytest.mark.covers("flextell", 6)
async def test_cursors_are_followed_where_the_answer_has_them(metas: list[dict[str, Any]]) -> None:
    http = Scripted([Said(continued(leads([9.0 - n], start=n), **meta)) for n, meta in enumerate(metas)])
    done = await read(STREAM, "live", http, SINCE_NOON)
    assert (done.error, done.sizes) == (None, [1, 1, 1])
    assert done.cursors == [None, None, Cursor(NOW - LAG)]
    assert [query.get("cursor") for query in http.queries()] == [None, "a", "b"]
    assert all(query.items() >= ASKED["live"].items() for query in http.queries())
    assert [query.get("page") for query in http.queries()] == ["1", None, None]


@pytest.mark.covers("flextell", 6)
async def test_an_empty_page_with_a_cursor_is_not_the_end() -> None:
    script = [continued(leads([9.0]), has_more=True, cursor="a"), continued([], has_more=True, cursor="b")]
    last = continued(leads([-1.0], start=2), has_more=True, cursor="c")
    done = await read(STREAM, "live", Scripted(map(Said, [*script, last])), SINCE_NOON)
    assert (done.error, done.sizes) == (None, [1, 0, 1])


@pytest.mark.covers("flextell", 6)
async def test_a_cursor_that_comes_again_is_no_way_on() -> None:
    script = [Said(continued(leads([9.0]), has_more=True, cursor=cursor)) for cursor in ("a", 5, "a")]
    done = await read(STREAM, "full", Scripted(script))
    assert isinstance(done.error, Shifted)
    assert (done.sizes, done.cursors) == ([1, 1, 1], [None, None, None])


async def test_page_numbers_amid_cursors_are_not_believed() -> None:
    script = [Said(continued(leads([9.0]), has_more=True, cursor="a")), Said(listing([LEAD]))]
    assert isinstance((await read(STREAM, "full", Scripted(script))).error, Unexpected)


@pytest.mark.parametrize("total", [1, 3])
async def test_with_cursors_too_the_total_has_to_be_met(total: int) -> None:
    script = [
        Said(continued([{"id": 1}], has_more=True, cursor="a", total=total)),
        Said(continued([{"id": 2}], has_more=False, total=total)),
    ]
    assert isinstance((await read(STREAM, "full", Scripted(script))).error, Shifted)


async def test_probe_asks_once_for_one_lead_and_believes_no_more_than_a_sweep() -> None:
    http = Scripted([Said(listing([LEAD], total=3214, per_page=1))])
    assert await ACCOUNT.probe(http) == "answers; 3,214 leads"
    assert http.queries() == [{"sort_by": "created_at", "sort_order": "desc", "per_page": "1", "page": "1"}]
    assert await ACCOUNT.probe(Scripted([Said(continued([LEAD], has_more=False))])) == "answers"
    with pytest.raises(Unexpected):
        await ACCOUNT.probe(Scripted([Said(listing([LEAD], total=3214))]))
