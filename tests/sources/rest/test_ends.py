"""A list that ends by its description, where the answer says elsewhere that there is more: it does not end in silence.

Killed: a wrong `more`, `done`, `next` or total believed against what stands beside it; what a record, an outer list or
the way back says taken for a word about the list; a body decoded for nothing at the end of each poll.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from poller.errors import Shifted, Unexpected
from poller.plugin import Response
from poller.sources.rest.beside import Beside
from tests.sources.rest.described import stream_of, ticket
from tests.sources.rest.test_guards import KNOWN, answered, listed, passed
from tests.sources.rest.test_survey import looked
from tests.sources.scripted import NOW

ASKED = {"since": "{start}", "until": "{end}", "after": "{cursor}"}
GRAPHQL = {
    "path": "/graphql",
    "records": "data.issues.nodes",
    "body": {"query": "query($since: String) { issues { nodes { id } } }", "variables": ASKED},
    "params": {},
}


def issues(*numbers: int, rows: Sequence[Any] = (), **info: Any) -> dict[str, Any]:
    return {"data": {"issues": {"nodes": rows or listed(*numbers)["tickets"], "pageInfo": info}}}


CURSOR: dict[str, Any] = {"params": ASKED}
FORWARD: dict[str, Any] = {"hasPreviousPage": False, "hasNextPage": True, "endCursor": "x"}
INFO = "data.issues.pageInfo"
PREVIOUS = {"next": f"{INFO}.endCursor", "more": f"{INFO}.hasPreviousPage"}
NEXT = {"next": f"{INFO}.endCursor", "more": f"{INFO}.hasNextPage"}
WRONG = [
    (
        GRAPHQL | {"paging": PREVIOUS},
        issues(1, 2, **FORWARD),
        f"{INFO}.hasPreviousPage is false, and {INFO}.hasNextPage is true: is paging.more right?",
    ),
    (
        CURSOR | {"paging": {"next": "next", "done": "filtered"}},
        listed(1, filtered=True, has_more=True, next="b"),
        "filtered is true, and has_more is true: is paging.done right?",
    ),
    (
        CURSOR | {"paging": {"next": "next", "done": "meta.hasMore"}},
        listed(1, meta={"hasMore": True}, next="b"),
        "meta.hasMore is true, and by its name there is more: is paging.done right?",
    ),
    (
        CURSOR | {"paging": {"next": "next", "more": "isLast"}},
        listed(1, isLast=False, next="b"),
        "isLast is false, and by its name there is more: is paging.more right?",
    ),
    (
        CURSOR | {"paging": {"next": "after_cursor", "more": "end_of_stream"}},
        listed(1, 2, end_of_stream=False, after_cursor="b"),
        "end_of_stream is false, and by its name there is more: is paging.more right?",
    ),
    (
        {"params": {"since": "{start}", "until": "{end}"}, "paging": {"more": "done"}},
        listed(1, 2, done=False, totalSize=9),
        "done is false, and by its name there is more: is paging.more right?",
    ),
    (
        CURSOR | {"paging": {"next": "nxt"}},
        listed(1, next="b", page={"last": False}),
        "nothing is at nxt, and page.last is false: is paging.next right?",
    ),
    (
        {"params": {"since": "{start}", "page": "{page}"}, "paging": {"total": "count"}},
        listed(1, 2, count=2, has_more=True),
        "the list is over by count, and has_more is true: is paging.total right?",
    ),
    (
        {"params": {"since": "{start}"}, "paging": {"total": "count"}},
        listed(1, 2, count=2, has_more=True),
        "count is 2, and has_more is true: is paging.total right?",
    ),
    (
        {"params": {"since": "{start}", "page": "{page}"}},
        listed(has_more=True),
        "a page is empty, and has_more is true: `paging: {more: has_more}` would go on",
    ),
]


@pytest.mark.parametrize(("stream", "body", "words"), WRONG)
async def test_a_list_that_is_over_and_says_that_there_is_more_is_doubted(
    stream: dict[str, Any], body: dict[str, Any], words: str
) -> None:
    """What came is delivered, and the cursor stays; a list that once went on by `next` is no better."""
    rows = body["tickets"] if "tickets" in body else body["data"]["issues"]["nodes"]
    done = await passed(stream_of({"kind": "ticket"} | stream), answered(*[body] * 3, known=KNOWN))
    assert isinstance(done.error, Shifted)
    assert str(done.error) == words
    assert ({row["id"] for row in done.records()}, done.cursors[-1]) == ({row["id"] for row in rows}, None)
    assert done.pages[0].notice == words


@pytest.mark.parametrize(("stream", "body", "words"), WRONG)
async def test_check_names_the_key_that_ends_such_a_list(
    stream: dict[str, Any], body: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unexpected) as caught:
        await looked(stream, body)
    assert str(caught.value) == f"audit: not the documented answer: {words}"
    assert (caught.value.key or "").startswith("paging")


BACK = {"next": f"{INFO}.startCursor", "more": f"{INFO}.hasPreviousPage"}
INNER = "data.repos.nodes[0].issues"
WITHIN: dict[str, Any] = GRAPHQL | {
    "records": f"{INNER}.nodes",
    "paging": {"next": f"{INNER}.pageInfo.endCursor", "more": f"{INNER}.pageInfo.hasNextPage"},
}
NESTED = listed(1)["tickets"][0] | {"comments": {"pageInfo": {"hasNextPage": True}}, "has_more": True}


@pytest.mark.parametrize(
    ("stream", "bodies"),
    [
        (
            GRAPHQL | {"paging": NEXT},
            [issues(1, **FORWARD), issues(2, hasPreviousPage=True, hasNextPage=False, endCursor="y")],
        ),
        (
            GRAPHQL | {"paging": BACK},
            [
                issues(2, hasPreviousPage=True, hasNextPage=False, startCursor="a"),
                issues(1, hasPreviousPage=False, hasNextPage=True, startCursor="b"),
            ],
        ),
        (
            GRAPHQL | {"paging": NEXT},
            [issues(rows=[NESTED], hasNextPage=False)],
        ),
        (
            WITHIN,
            [{"data": {"repos": {"nodes": [issues(1, hasNextPage=False)["data"]], "pageInfo": {"hasNextPage": True}}}}],
        ),
        (CURSOR | {"paging": {"next": "links.next"}}, [listed(1, links={"next": False, "last": False})]),
        (CURSOR | {"paging": {"next": "n", "done": "done"}}, [listed(1, done=False, n="b"), listed(2, done=True)]),
        (CURSOR | {"paging": {"next": "n"}}, [listed(1, end_of_stream=True, completed=None)]),
    ],
)
async def test_a_list_that_is_described_as_it_is_ends_with_its_last_page(
    stream: dict[str, Any], bodies: list[dict[str, Any]]
) -> None:
    done = await passed(stream_of({"kind": "ticket"} | stream), answered(*bodies))
    assert (done.error, len(done.pages)) == (None, len(bodies))
    assert done.cursors[-1] is not None
    assert (await looked(stream, bodies[0])).words


@pytest.mark.parametrize("paging", [{}, {"paging": {"next": "nxt"}}])
@pytest.mark.parametrize(
    ("minutes", "beside", "doubt"),
    [
        ((5, 30), {}, "2 rows came, as many as were asked for"),
        ((70, 30), {}, "2 rows came, as many as were asked for"),
        ((30,), {"has_more": True}, "has_more is true"),
        ((30,), {"done": False, "nextRecordsUrl": "/q-2"}, "done is false"),
        ((30, 70), {"has_more": True}, None),
        ((30, 70), {}, None),
        ((30,), {}, None),
    ],
)
async def test_a_list_read_back_by_its_order_is_all_where_its_last_page_goes_back_far_enough(
    minutes: tuple[int, ...], beside: dict[str, Any], paging: dict[str, Any], doubt: str | None
) -> None:
    """Its full only page, all of it within the window, was taken for all there is."""
    stamps = [f"{NOW - timedelta(minutes=ago):%Y-%m-%dT%H:%M:%SZ}" for ago in minutes]
    rows = [ticket(number, stamp) for number, stamp in enumerate(stamps)]
    stream = {"kind": "ticket", "params": {"limit": 2}, "window_field": "updated_at", **paging}
    done = await passed(stream_of(stream), answered({"tickets": rows, **beside}))
    assert len(done.records()) == len(rows)
    assert (done.error is None) if doubt is None else (doubt in str(done.error))


UNDESCRIBED = [
    ({"nextPageToken": "CAE"}, 1, "something is at nextPageToken"),
    ({"next_page": "https://x.example/2"}, 1, "something is at next_page"),
    ({"links": {"next": {"href": "/2"}}}, 1, "something is at links.next"),
    ({"meta": {"next": 2}}, 1, "something is at meta.next"),
    ({"@odata.nextLink": "https://x.example/x?$skip=1"}, 1, "something is at @odata.nextLink"),
    ({"__next": "https://x.example/x?$skip=1"}, 1, "something is at __next"),
    ({"pages": {"page": 1, "next": {"starting_after": "x"}}}, 1, "something is at pages.next"),
    ({"meta": {"pagination": {"next_start": 1}}}, 1, "something is at meta.pagination.next_start"),
    (
        {"additional_data": {"pagination": {"more_items_in_collection": True}}},
        1,
        "additional_data.pagination.more_items_in_collection is true",
    ),
    ({"totalSize": 9}, 5, "5 rows came, totalSize is 9"),
    ({"meta": {"total_pages": 2}}, 5, "5 rows came, meta.total_pages is 2"),
    ({"totalSize": 9, "done": False, "nextRecordsUrl": "/q-2"}, 5, "done is false"),
]
ENDED: dict[str, Any] = {"kind": "ticket", "params": {"since": "{start}", "until": "{end}"}}


@pytest.mark.parametrize(("beside", "rows", "said"), UNDESCRIBED)
async def test_an_only_page_that_names_a_next_one_or_counts_more_is_not_all(
    beside: dict[str, Any], rows: int, said: str
) -> None:
    """check called it an error, and a run took it for all there is."""
    words = f"{said}, and nothing says how the list goes on: `paging`"
    body = listed(*range(rows), **beside)
    stream = {"kind": "ticket", "params": {"since": "{start}"}}
    done = await passed(stream_of(stream), answered(*[body] * 3))
    assert (str(done.error), len(done.records()), done.cursors[-1]) == (words, rows, None)
    for asked in (stream, ENDED):
        with pytest.raises(Unexpected) as caught:
            await looked(asked, body)
        assert (str(caught.value), caught.value.key) == (f"audit: not the documented answer: {words}", "paging")
    http = answered(body, listed(8), listed(9))
    done = await passed(stream_of(ENDED), http)
    assert (done.error, len(http.asked), {row["id"] for row in done.records()} >= {8, 9}) == (None, 3, True)


@pytest.mark.parametrize(
    ("paging", "beside", "rows"),
    [
        ({"done": "over"}, {"over": True, "nextRecordsUrl": "/q-2", "totalSize": 9}, 5),
        ({"next": "nxt"}, {"nxt": None, "next": "b", "count": 9}, 3),
        ({}, {"next": "b", "total": 9}, 0),
        ({}, {"next": None, "next_page": "", "_links": {"next": {"href": None}}, "nextPageToken": 0}, 1),
        ({}, {"total": 9}, 3),
        ({}, {"next_start": 0, "@odata.nextLink": "", "pages": {"next": None}, "user": {"next": "b"}}, 1),
        ({}, {"total": 5, "pages": 1, "count": 5}, 5),
    ],
)
async def test_an_only_page_is_all_where_the_description_says_so_or_nothing_says_otherwise(
    paging: dict[str, str], beside: dict[str, Any], rows: int
) -> None:
    done = await passed(stream_of({**ENDED, "paging": paging}), answered(listed(*range(rows), **beside)))
    assert (done.error, len(done.records()), done.cursors[-1] is not None) == (None, rows, True)


SOQL = "SELECT Id FROM Lead WHERE x >= {start} AND x < {end} LIMIT 2"
NO_END: dict[str, Any] = {"kind": "ticket", "params": {"q": SOQL.replace(" AND x < {end}", "")}}
LIMITED: dict[str, Any] = {"kind": "ticket", "params": {"q": SOQL}}
IN_BODY: dict[str, Any] = {"kind": "ticket", "params": {}, "body": {"variables": {"query": f"{SOQL.lower()};"}}}


@pytest.mark.parametrize("stream", [LIMITED, IN_BODY])
@pytest.mark.parametrize("paging", [{}, {"done": "done"}, {"total": "total"}, {"done": "done", "next": "nxt"}])
async def test_a_list_of_as_many_rows_as_its_query_lets_come_is_read_in_halves(
    stream: dict[str, Any], paging: dict[str, str]
) -> None:
    """`done` and the total are about what the query lets come, and a run lost all that lies behind it."""
    described, full = {**stream, "paging": paging}, listed(1, 2, done=True, total=2)
    http = answered(full, listed(1, done=True, total=1), listed(3, done=True, total=1))
    done = await passed(stream_of(described), http)
    assert (done.error, len(http.asked), {row["id"] for row in done.records()} >= {1, 3}) == (None, 3, True)
    found = await looked(described, full)
    words = "2 rows came, as many as LIMIT 2 in the request lets come, and nothing asks for the rest"
    assert f"{words}: a run asks for it in halves of its time" in found.warnings


async def test_a_limited_list_that_takes_no_end_is_doubted_also_on_its_last_page() -> None:
    described = {**NO_END, "paging": {"next": "nxt"}}
    done = await passed(stream_of(described), answered(*[listed(1, nxt="/q?c=b"), listed(2)] * 3))
    assert "as many as LIMIT 2 in the request lets come" in str(done.error)
    assert ({row["id"] for row in done.records()}, done.cursors[-1]) == ({1, 2}, None)
    with pytest.raises(Unexpected, match="as many as LIMIT 2 in the request lets come"):
        await looked({**NO_END, "paging": {"done": "done"}}, listed(1, 2, done=True))


async def test_a_limit_that_is_not_reached_or_is_one_of_a_page_is_no_end() -> None:
    done = await passed(stream_of(NO_END), answered(listed(1)))
    assert (done.error, done.cursors[-1] is not None) == (None, True)
    paged = {**NO_END, "params": {"q": f"{NO_END['params']['q']} OFFSET {{offset}}"}}
    done = await passed(stream_of(paged), answered(listed(1, 2), listed()))
    assert (done.error, done.cursors[-1] is not None) == (None, True)


def mended(_: bytes) -> bytes:
    raise AssertionError("the body is looked at whole, though nothing beside its records says that there is more")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("rows", [[], [{"id": 1}], [{"id": 1}, {"id": 1}], [{"id": 1}, {"id": 2}, {"has_more": True}]])
@pytest.mark.parametrize("beside", [{}, {"user": {"id": 1}}, {"users": [{"id": 1}, {"id": 2}], "next": None}])
def test_no_word_beside_the_records_is_overlooked_and_those_in_them_cost_nothing(
    beside: dict[str, Any], rows: list[Any], indent: int | None
) -> None:
    before = {**beside, "has_more": True, "rows": rows}
    behind = {"rows": rows, **beside, "hasNextPage": True}
    for body, path in ((before, "has_more"), (behind, "hasNextPage")):
        sent = json.dumps(body, indent=indent).encode()
        raws = msgspec.json.decode(msgspec.json.decode(sent, type=dict[str, Raw])["rows"], type=list[Raw])
        assert Beside(Response(200, sent, None), "rows", raws).says_more() == (path, True)
        none = Response(200, sent.replace(b'"%b": true' % path.encode(), b'"limit": 10', 1), None, mend=mended)
        if body is behind or {"has_more": True} not in rows:
            assert Beside(none, "rows", raws).says_more() is None


@pytest.mark.parametrize(
    ("beside", "path"),
    [
        ({"@odata.nextLink": "https://x.example/x?$skip=2"}, "@odata.nextLink"),
        ({"meta": {"next_page": 2}}, "meta.next_page"),
        ({"@odata.nextLink": "https://x.example/x?$skip=2", "nxt": None}, None),
        ({"cursor": "the one that was asked by"}, None),
        ({}, None),
    ],
)
async def test_a_next_place_that_is_not_there_is_doubted_where_another_leads_on(
    beside: dict[str, Any], path: str | None
) -> None:
    """A snapshot that followed the link to its next round instead of that to the next page took one page for all."""
    stream = {"kind": "ticket", "params": {"since": "{start}"}, "paging": {"next": "nxt"}}
    done = await passed(stream_of(stream), answered(listed(1, 2, 3, **beside)))
    words = path and f"nothing is at nxt, and something is at {path}: is paging.next right?"
    assert (done.error and str(done.error), len(done.records())) == (words, 3)


UNSAID = "100 rows came, and nothing says how the list goes on: `paging`"


async def test_a_round_number_of_rows_is_not_taken_for_all_where_nothing_says_how_a_list_goes_on() -> None:
    """A vendor of pages of a hundred, of which neither the request nor the answer says anything."""
    params = {"since": "{start}", "until": "{end}"}
    http = answered(listed(*range(100)), listed(*range(51)), listed(*range(51, 107)))
    done = await passed(stream_of({"kind": "ticket", "params": params}), http)
    assert (done.error, len({record["id"] for record in done.records()})) == (None, 107)
    no_end = await passed(stream_of({"kind": "ticket", "params": {"since": "{start}"}}), answered(listed(*range(100))))
    assert (no_end.error, no_end.pages[-1].notice) == (None, UNSAID)
    found = await looked({"params": params}, listed(*range(100)))
    assert found.warnings == (f"{UNSAID}: a run asks for it in halves of its time",)
    assert (await looked({"params": params}, listed(*range(99)))).warnings == ()
