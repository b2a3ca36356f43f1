"""Which of ipSCAPE's answers are believed."""

from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Cursor
from poller.sources.ipscape.api import LAG
from tests.sources.ipscape_pages import CAMPAIGN, INBOUND, ITEMIZED, SWEEPS, answer, listed, streams
from tests.sources.scripted import NOW, Said, Scripted, changed, read, without

STREAMS = streams()

NOWHERE: dict[str, object] = {
    "html": b"<!DOCTYPE html><title>Login</title>",
    "empty": b"",
    "cut off": b'{"metadata": {"nextUri": null}, "items": [{"id": 1',
    "null": None,
    "a list": [INBOUND],
    "of the older API": {"resultCode": "success", "result": {"data": []}},
    "an error": {"error": "invalid_token"},
}
GOOD = answer("activities", [INBOUND])
ITEMS: dict[str, object] = {
    "campaigns'": answer("campaigns", []),
    "no items, but something else": {**without(GOOD, "items"), "message": "Login"},
    "items an object that is no record": {**GOOD, "items": {"message": "Login"}},
    "items a string": {**GOOD, "items": "none"},
    "no metadata": without(GOOD, "metadata"),
    "metadata null": {**GOOD, "metadata": None},
    "metadata a list": {**GOOD, "metadata": []},
    "a link that is a number": changed(GOOD, 7, "metadata", "nextUri"),
    "a link that is an object": changed(GOOD, {"cursor": "a"}, "metadata", "nextUri"),
    "two cursors": changed(GOOD, "/v3.0/x?cursor=a&cursor=b", "metadata", "nextUri"),
}
PAGE = answer("campaigns", [CAMPAIGN])
DATA: dict[str, object] = {
    "the others'": answer("users", []),
    "no data of one": without(PAGE, "data"),
    "data null of one": {**PAGE, "data": None},
    "no pageNo": without(PAGE, "pageNo"),
    "no inPage": without(PAGE, "inPage"),
    "no perPage": without(PAGE, "perPage"),
    "a negative page": {**PAGE, "pageNo": -1},
    "a word for a number": {**PAGE, "perPage": "many"},
}


async def refused(stream: str, sweep: str, body: object) -> None:
    done = await read(STREAMS[stream], sweep, Scripted([Said(body)]))
    assert isinstance(done.error, Unexpected)
    assert "Login" not in str(done.error)
    assert done.pages == []


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
@pytest.mark.parametrize("body", NOWHERE.values(), ids=NOWHERE.keys())
async def test_a_200_that_is_not_the_documented_answer_is_no_answer(stream: str, sweep: str, body: object) -> None:
    await refused(stream, sweep, body)


@pytest.mark.parametrize(("stream", "sweep"), ITEMIZED)
@pytest.mark.parametrize("body", ITEMS.values(), ids=ITEMS.keys())
async def test_items_come_in_their_envelope(stream: str, sweep: str, body: object) -> None:
    await refused(stream, sweep, body)


@pytest.mark.parametrize("body", DATA.values(), ids=DATA.keys())
async def test_campaigns_come_in_another(body: object) -> None:
    await refused("campaigns", "snapshot", body)


def campaigns(count: int, following: object = None, *, per_page: int = 2) -> Said:
    rows: list[Any] = [{**CAMPAIGN, "campaignId": number} for number in range(count)]
    return Said({**answer("campaigns", rows, following), "perPage": per_page})


async def test_a_full_page_of_campaigns_is_delivered_but_is_not_the_whole_list() -> None:
    done = await read(STREAMS["campaigns"], "snapshot", Scripted([campaigns(2)]))
    assert isinstance(done.error, Shifted)
    assert (done.sizes, done.cursors) == ([2], [None])


@pytest.mark.parametrize("odd", [{"inPage": 0}, {"inPage": 2}, {"perPage": 0}])
async def test_campaigns_that_are_not_as_many_as_they_say_are_delivered_and_move_no_cursor(odd: dict[str, int]) -> None:
    done = await read(STREAMS["campaigns"], "snapshot", Scripted([Said({**PAGE, **odd})]))
    assert isinstance(done.error, Shifted)
    assert (done.sizes, done.cursors) == ([1], [None])


async def test_campaigns_go_on_at_a_cursor_where_there_is_one() -> None:
    http = Scripted([campaigns(2, "a"), campaigns(1)])
    done = await read(STREAMS["campaigns"], "snapshot", http)
    assert (done.error, done.sizes, done.cursors[-1]) == (None, [2, 1], Cursor(NOW - LAG))
    assert http.queries() == [{}, {"cursor": "a"}]
    half = await read(STREAMS["campaigns"], "snapshot", Scripted([campaigns(2, "a"), campaigns(2)]))
    assert isinstance(half.error, Shifted)


@pytest.mark.parametrize("per_page", [0, 50])
async def test_no_campaigns_at_all_are_all_of_them(per_page: int) -> None:
    done = await read(STREAMS["campaigns"], "snapshot", Scripted([campaigns(0, per_page=per_page)]))
    assert (done.error, bool(done.pages[-1].end)) == (None, True)


@pytest.mark.parametrize(("stream", "sweep"), [pair for pair in SWEEPS if pair[1] != "touched"])
async def test_records_come_as_they_were_sent_and_in_their_order(stream: str, sweep: str) -> None:
    row = listed(stream, sweep)
    rows = [{**row, "new": number} for number in (3, 1, 2)]
    done = await read(STREAMS[stream], sweep, Scripted([Said(answer(stream, rows))]))
    assert done.records() == rows
