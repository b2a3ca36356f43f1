"""What of an answer is believed, and what is not: nothing that ends a list in silence, and no wrong description."""

from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Stream
from poller.sources.rest.answer import link_next
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted, read

PAGES = {"kind": "ticket", "params": {"since": "{start}", "page": "{page}"}}
CURSOR = {
    "kind": "ticket",
    "params": {"since": "{start}", "until": "{end}", "cursor": "{cursor}"},
    "paging": {"next": "meta.next"},
}
OFFSET = {"kind": "ticket", "params": {"since": "{start}", "skip": "{offset}"}}
TOTAL = PAGES | {"paging": {"total": "total"}}
KNOWN = ("answered /tickets", "identified", "next led on by meta.next", "next led on by meta.nxt")


class Remembering(Scripted):
    """A session whose stream knows these facts."""

    facts: tuple[str, ...] = ()

    def knows(self, fact: str) -> bool:
        return fact in self.facts


def answered(*bodies: object, known: tuple[str, ...] = ()) -> Remembering:
    http = Remembering([body if isinstance(body, Said) else Said(body) for body in bodies])
    http.facts = known
    return http


def listed(*numbers: int, **beside: Any) -> dict[str, Any]:
    at = f"{NOW - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
    return {"tickets": [ticket(number, at) for number in numbers], **beside}


async def passed(stream: Stream, http: Scripted) -> Pass:
    return await read(stream, "live", http)


def refused(done: Pass, why: str) -> bool:
    return isinstance(done.error, Unexpected) and why in str(done.error) and not done.records()


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"null", {"tickets": None}, {"tickets": "none"}, {"error": "no"}, {"tickets": {"a": 1}}]
)
async def test_what_holds_no_list_is_no_answer(body: object) -> None:
    assert refused(await passed(stream_of(PAGES), answered(body)), "not the documented answer")


@pytest.mark.parametrize("paging", [{}, {"total": "meta.total", "pages": "meta.pages"}, {"total": "headers.x-total"}])
async def test_a_missing_list_is_nothing_where_that_is_said(paging: dict[str, str]) -> None:
    done = await passed(stream_of(PAGES | {"empty": ["missing"], "paging": paging}), answered({"page": 1}))
    assert done.error is None
    assert done.records() == []


@pytest.mark.parametrize("body", [{"tickets": [ticket(1)]}, {"meta": {"total": "none"}}])
async def test_a_total_is_not_missing_where_it_or_its_list_is_there(body: object) -> None:
    stream = stream_of(PAGES | {"empty": ["missing"], "paging": {"total": "meta.total"}})
    assert refused(await passed(stream, answered(body)), "not the documented answer: it")


@pytest.mark.parametrize("body", [{"orders": [ticket(1)]}, {"_embedded": {"orders": [ticket(1)]}}])
async def test_a_list_in_another_place_is_not_missing(body: object) -> None:
    done = await passed(stream_of(PAGES | {"empty": ["missing"]}), answered(body))
    assert refused(done, "not the documented answer: it holds no list at tickets, and records at ")


@pytest.mark.parametrize(
    "body",
    [
        {"orders": []},
        {"curies": [{"name": "x"}]},
        {"facets": [{"id": 1, "name": "open"}]},
        {"ids": [1, 2]},
        {"a": {"b": "c"}},
    ],
)
async def test_what_is_no_record_elsewhere_proves_nothing(body: object) -> None:
    assert (await passed(stream_of(PAGES | {"empty": ["missing"]}), answered(body))).error is None


@pytest.mark.parametrize(
    ("expect", "body", "holds"),
    [
        ({"status": "success"}, {"status": "success"}, True),
        ({"status": "success"}, {"status": "failure"}, False),
        ({"status": "success"}, {}, False),
        ({"ok": True}, {"ok": True}, True),
        ({"ok": True}, {"ok": 1}, False),
        ({"errors": None}, {"errors": None}, True),
        ({"errors": None}, {}, True),
        ({"errors": None}, {"errors": ["one"]}, False),
        ({"meta.page": "{page}"}, {"meta": {"page": 1}}, True),
        ({"meta.page": "{page}"}, {"meta": {"page": "1"}}, True),
        ({"meta.page": "{page}"}, {"meta": {"page": 2}}, False),
        ({"per_page": 100}, {"per_page": 50}, False),
    ],
)
async def test_what_is_expected_has_to_hold(expect: dict[str, Any], body: dict[str, Any], holds: bool) -> None:
    done = await passed(stream_of(PAGES | {"expect": expect}), answered({"tickets": [], **body}))
    assert (done.error is None) is holds
    assert holds or refused(done, f"its {next(iter(expect))} is not")


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize(
    ("error", "expect", "name"),
    [
        ({"error": {"message": "maximum execution time exceeded"}, "status": "failure"}, {}, "error"),
        ({"errors": ["one shard did not answer"]}, {}, "errors"),
        ({"success": False}, {}, "success"),
        ({"statusCode": "503"}, {}, "statusCode"),
        ({"error": "deprecated"}, {"error": "deprecated"}, None),
        ({"error": {}, "errors": [], "fault": None, "success": True, "status": 200, "code": 0}, {}, None),
        ({"included": [{"error": "of another list"}], "warning": "error"}, {}, None),
    ],
)
async def test_an_error_beside_records_holds_back_the_cursor_and_not_the_records(
    error: dict[str, Any], expect: dict[str, Any], name: str | None, is_last: bool
) -> None:
    """A server that ran out of time sends what it has until then, with a 200."""
    rows = [ticket(number, f"{NOW - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}", error="ours") for number in (1, 2)]
    body = {"tickets": rows, **error} if is_last else {**error, "tickets": rows}
    done = await passed(stream_of(PAGES | {"expect": expect}), answered(body, {"tickets": [], **expect}))
    assert len(done.records()) == 2
    assert (None if done.error is None else str(done.error)) == (
        name and f"its {name} says that it failed, beside records: are they all? Then name it in `expect`"
    )
    assert isinstance(done.error, Shifted) is (name is not None)


async def test_a_404_says_that_there_is_nothing_only_once_the_list_has_answered() -> None:
    stream = stream_of(PAGES | {"empty": [404]})
    assert refused(await passed(stream, answered(Said({}, status=404))), "a wrong path")
    done = await passed(stream, answered(Said({}, status=404), known=KNOWN))
    assert (done.error, done.records()) == (None, [])


async def test_a_204_is_nothing_where_that_is_said() -> None:
    done = await passed(stream_of(PAGES | {"empty": ["204"]}), answered(Said(b"", status=204)))
    assert (done.error, done.records()) == (None, [])


async def test_no_record_with_an_identity_is_told_instead_of_rejects() -> None:
    stream = stream_of(PAGES | {"identity": "uuid"})
    assert refused(await passed(stream, answered(listed(1, 2), listed())), "is `identity` right?")
    done = await passed(stream, answered(listed(1, 2), listed(), known=KNOWN))
    assert len(done.pages[0].records) == 2, "later, they are rejects"
    dateless = await passed(stream_of(PAGES | {"time": "begun"}), answered(listed(1, 2), listed()))
    assert (dateless.error, len(dateless.pages[0].records)) == (None, 2), "rejects at once, where no time can be read"


async def test_a_link_to_a_next_page_is_never_overlooked() -> None:
    class Linked(Scripted):
        async def ask(self, path: str, query: Any, **options: Any) -> Any:
            response = await super().ask(path, query, **options)
            response.headers["link"] = '<https://api.example.com/x?page=2>; rel="next"'  # type: ignore[index]
            return response

    single = {"kind": "ticket", "params": {"since": "{start}"}}
    assert refused(await passed(stream_of(single), Linked([Said(listed(1))])), "paging: {next: headers.link}")


@pytest.mark.parametrize(
    ("header", "to"),
    [
        ('<u>; rel="next"', "u"),
        ("<u>;rel=next", "u"),
        ("<u>; rel='next'", "u"),
        ('<u>; title="a, b"; rel="next"', "u"),
        (r'<u>; title="a \", b"; rel="next"', "u"),
        ('<u>; crossorigin; rel="next"', "u"),
        ('<u>; REL = "prev NEXT"', "u"),
        ('<a>; rel="prev", <u>; rel="next", <b>; rel=last', "u"),
        ("<u>; rel='prev'", None),
        ('<u>; rel="nextpage"', None),
        ("<u>; next; rel=prev", None),
        ('<a>; crossorigin, <b>; rel="prev"', None),
        ('<u>; rel="ne', None),
        ("", None),
    ],
)
def test_a_link_is_read_however_it_is_spelt(header: str, to: str | None) -> None:
    """One that is overlooked would be the end of the list."""
    assert link_next(header) == to


async def test_a_total_that_falls_is_doubted_and_what_came_is_delivered() -> None:
    pages = (listed(1, 2, total=5), listed(3, 4, total=4), listed(total=4))
    done = await passed(stream_of(TOTAL), answered(*pages))
    assert isinstance(done.error, Shifted)
    assert len(done.records()) == 4


async def test_rows_may_enter_a_list_and_never_vanish() -> None:
    done = await passed(stream_of(TOTAL), answered(listed(1, 2, total=3), listed(2, 3, total=4), listed(4, total=4)))
    assert done.error is None
    done = await passed(stream_of(TOTAL), answered(listed(1, 2, total=4), listed(2, 3, total=4), listed(total=4)))
    assert isinstance(done.error, Shifted), "one of the four never came"


def edited(*numbers: int, total: int) -> dict[str, Any]:
    """A page of old records, edited so many minutes ago as their numbers say; the record 0 a moment ago."""
    old = f"{NOW - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"
    stamps = {number: f"{NOW - timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}" for number in numbers}
    return {"tickets": [ticket(number, old, updated_at=stamp) for number, stamp in stamps.items()], "total": total}


@pytest.mark.parametrize("params", [PAGES["params"], {"since": "{start}", "until": "{end}", "page": "{page}"}])
@pytest.mark.parametrize(
    ("field", "total", "asked", "whole"), [("updated_at", 5, 4, True), (None, 5, 3, False), ("updated_at", 6, 6, False)]
)
async def test_what_was_edited_meanwhile_is_found_at_the_front_of_a_list_sorted_so(
    params: dict[str, str], field: str | None, total: int, asked: int, *, whole: bool
) -> None:
    stream = TOTAL | {"window_field": field, "params": params}
    numbers = [(1, 2), (2, 3), (4,), *[()] * (total - 5), (0, 1), (0, 1)]
    http = answered(*[edited(*page, total=total) for page in numbers])
    done = await passed(stream_of(stream), http)
    assert (len(http.asked), done.error is None, bool(done.cursors[-1])) == (asked, whole, whole)
    assert (0 in {record["id"] for record in done.records()}) is bool(field)


async def test_a_total_that_is_one_too_low_where_the_last_page_is_full_hides_no_record() -> None:
    http = answered(listed(1, 2, total=4), listed(3, 4, total=4), listed(5, total=4))
    done = await passed(stream_of(TOTAL), http)
    assert [record["id"] for record in done.records()] == [1, 2, 3, 4, 5]
    assert isinstance(done.error, Shifted)
    hundred = listed(*range(100), total=100)
    done = await passed(stream_of(TOTAL), answered(hundred, listed(100, total=100)))
    assert (len(done.records()), isinstance(done.error, Shifted)) == (101, True)


async def test_a_number_of_pages_that_is_one_too_low_hides_no_record() -> None:
    stream = stream_of(PAGES | {"paging": {"pages": "pages"}})
    done = await passed(stream, answered(listed(1, 2, pages=2), listed(3, 4, pages=2), listed(5, pages=2)))
    assert [record["id"] for record in done.records()] == [1, 2, 3, 4, 5]
    assert isinstance(done.error, Shifted)


async def test_an_offset_that_is_taken_for_a_number_of_pages_hides_no_record() -> None:
    """Page 2 of 3 was asked for as page 2 rows further on: nothing is there, and the list was over."""
    stream = stream_of(OFFSET | {"paging": {"pages": "pages"}})
    done = await passed(stream, answered(listed(1, 2, pages=3), listed(pages=3)))
    assert len(done.records()) == 2
    assert "the list ends after 1 pages, and says that it has 3" in str(done.error)
    assert (await passed(stream, answered(listed(1, 2, pages=2), listed(3, pages=2), listed(pages=2)))).error is None


@pytest.mark.parametrize(
    "beyond",
    [listed(total=4), listed(3, 4, total=4), listed(1, 2, total=4), Said({}, status=404), Said({}, status=400)],
)
async def test_what_is_beyond_a_full_last_page_and_is_nothing_new_is_the_end(beyond: object) -> None:
    http = answered(listed(1, 2, total=4), listed(3, 4, total=4), beyond)
    done = await passed(stream_of(TOTAL), http)
    assert (done.error, len(http.asked), len({record["id"] for record in done.records()})) == (None, 3, 4)
    assert done.cursors[-1] is not None


async def test_a_last_page_that_is_not_full_is_the_end() -> None:
    http = answered(listed(1, 2, total=3), listed(3, total=3))
    assert ((await passed(stream_of(TOTAL), http)).error, len(http.asked)) == (None, 2)


async def test_a_page_that_brings_nothing_new_ends_the_pass_in_doubt() -> None:
    done = await passed(stream_of(PAGES), answered(listed(1, 2), listed(1, 2)))
    assert isinstance(done.error, Shifted)
    assert len(done.pages) == 2


async def test_a_place_never_comes_twice() -> None:
    one, two = listed(1, meta={"next": "b"}), listed(2, meta={"next": "b"})
    done = await passed(stream_of(CURSOR), answered(one, two))
    assert isinstance(done.error, Shifted)


async def test_a_list_of_empty_pages_that_goes_on_and_on_is_given_up() -> None:
    http = answered(*(listed(meta={"next": f"c{number}"}) for number in range(1002)))
    assert refused(await passed(stream_of(CURSOR), http), "pages in a row are empty")
    assert len(http.asked) == 1001


@pytest.mark.parametrize("nothing", [None, "", False, 0, "0"])
async def test_a_cursor_that_is_nothing_is_the_end(nothing: object) -> None:
    done = await passed(stream_of(CURSOR), answered(listed(1, meta={"next": nothing})))
    assert done.error is None
    assert len(done.pages) == 1


async def test_more_wins_over_a_cursor_that_comes_regardless() -> None:
    stream = stream_of(CURSOR | {"paging": {"next": "meta.next", "more": "meta.more"}})
    done = await passed(stream, answered(listed(1, meta={"next": "b", "more": False})))
    assert (done.error, len(done.pages)) == (None, 1)


async def test_a_list_that_goes_on_and_does_not_say_where_is_cut() -> None:
    cut = CURSOR | {"params": {"since": "{start}"}, "paging": {"done": "done"}}
    assert refused(await passed(stream_of(cut), answered(listed(1, done=False))), "no {end} to ask for less")


async def test_most_rows_outside_of_the_window_mean_that_the_filter_was_lost() -> None:
    old = "2020-01-01T00:00:00Z"
    stream = stream_of(PAGES | {"window_field": "updated_at"})
    rows = {"tickets": [ticket(1, old), ticket(2, old), ticket(3, old)]}
    assert refused(await passed(stream, answered(rows)), "the filter was not applied")
    mixed = {"tickets": [*listed(1, 2, 3)["tickets"], ticket(4, old)]}
    done = await passed(stream, answered(mixed, listed()))
    assert isinstance(done.error, Shifted)
    assert len(done.records()) == 4


async def test_most_rows_outside_by_hours_are_a_matter_of_days_or_zones() -> None:
    early = f"{HOUR.start - timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}"
    rows = {"tickets": [ticket(number, early) for number in (1, 2, 3)]}
    done = await passed(stream_of(PAGES | {"window_field": "updated_at"}), answered(rows))
    assert refused(done, "updated_at, up to 8 h before it: does the filter take days only")


async def test_what_lies_outside_of_the_window_by_what_its_start_is_spelt_in_is_inside() -> None:
    days = {"kind": "ticket", "params": {"since": "{start:%Y-%m-%d}", "page": "{page}"}, "window_field": "updated_at"}
    rows = [ticket(number, f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}") for number, hours in ((1, 30), (2, 0))]
    done = await passed(stream_of(days), answered({"tickets": rows}, listed()))
    assert (done.error, len(done.records())) == (None, 2)


async def test_a_round_number_of_rows_and_no_next_is_taken_for_cut() -> None:
    """The hour is asked for again in halves, and each of these in halves while its answer is as round."""
    full = listed(*range(1, 101))
    http = answered(full, listed(*range(1, 60)), listed(*range(60, 101)))
    done = await passed(stream_of(CURSOR), http)
    assert done.error is None
    assert len(http.asked) == 3
    halves = [(query["since"], query["until"]) for query in http.queries()[1:]]
    middle = HOUR.start + (HOUR.end - HOUR.start) / 2
    assert halves[0][0] < f"{middle:%Y-%m-%dT%H:%M:%SZ}" < halves[0][1] or halves[0][0] <= halves[1][1]
    assert any("is paging.next right?" in (page.notice or "") for page in done.pages)
    led_on = answered(full, known=KNOWN)
    assert (await passed(stream_of(CURSOR), led_on)).error is None
    assert len(led_on.asked) == 1, "a list that ever went on by next is believed"
    stream = stream_of(CURSOR | {"paging": {"next": "meta.other"}})
    other = answered(full, listed(*range(1, 60)), listed(*range(60, 101)), known=KNOWN)
    assert (await passed(stream, other)).error is None
    assert len(other.asked) == 3, "by what was described before, it did not"


@pytest.mark.parametrize("beside", [{"more": False}, {"total": 100}])
async def test_a_round_number_of_rows_is_all_where_the_answer_says_so(beside: dict[str, Any]) -> None:
    named = {name: name for name in beside}
    stream = stream_of(CURSOR | {"paging": {"next": "meta.next", **named}})
    http = answered(listed(*range(1, 101), **beside))
    assert (await passed(stream, http)).error is None
    assert len(http.asked) == 1


async def test_a_part_that_shifts_is_read_again_by_itself() -> None:
    stream = stream_of(CURSOR | {"paging": {"next": "next", "total": "total", "cap": 4}})
    whole = listed(1, 2, total=5)
    older, newer = listed(1, 2, total=2), (listed(3, 4, total=3), listed(3, 4, 5, total=3))
    done = await passed(stream, answered(whole, newer[0], newer[1], older))
    assert done.error is None
    assert done.cursors[-1] is not None
    done = await passed(stream, answered(whole, newer[0], newer[0], newer[0], older))
    assert isinstance(done.error, Shifted), "three times is enough"
    assert {record["id"] for record in done.records()} == {1, 2, 3, 4}


async def test_a_page_as_long_as_was_asked_for_is_not_taken_for_all_where_no_paging_is_described() -> None:
    no_end = {"kind": "ticket", "params": {"since": "{start}", "per_page": 2}}
    with_end = {"kind": "ticket", "params": {"since": "{start}", "until": "{end}", "per_page": 2}}
    http = answered(listed(1, 2), listed(1), listed(2))
    assert (await passed(stream_of(with_end), http)).error is None
    assert len(http.asked) == 3, "asked for in halves"
    done = await passed(stream_of(no_end), answered(listed(1, 2)))
    assert (len(done.records()), "as many as were asked for" in str(done.error)) == (2, True)
    assert (await passed(stream_of(no_end), answered(listed(1)))).error is None
    total = {**no_end, "paging": {"total": "total"}}
    assert (await passed(stream_of(total), answered(listed(1, 2, total=2)))).error is None


SEARCH = {
    "kind": "ticket",
    "body": {"filter": {"since": "{start}"}, "limit": 2},
}
GRAPHQL = {
    "kind": "ticket",
    "path": "/graphql",
    "records": "data.tickets.nodes",
    "body": {
        "query": "query($since: String) { tickets(first: 50) { nodes { id } } }",
        "variables": {"since": "{start}"},
    },
}


def nodes(*numbers: int, **beside: Any) -> dict[str, Any]:
    page = {"pageInfo": {"hasNextPage": False, "endCursor": "x"}, "nodes": listed(*numbers)["tickets"]}
    return {"data": {"tickets": page}} | beside


@pytest.mark.parametrize("body", [SEARCH["body"], {"variables": {"since": "{start}", "first": 2}}])
async def test_as_many_rows_as_a_body_asks_for_are_not_taken_for_all(body: dict[str, Any]) -> None:
    done = await passed(stream_of(SEARCH | {"body": body}), answered(listed(1, 2)))
    assert (len(done.records()), "as many as were asked for" in str(done.error)) == (2, True)
    assert (await passed(stream_of(SEARCH | {"body": body}), answered(listed(1)))).error is None


async def test_a_page_as_long_as_was_asked_for_is_not_the_last_where_next_never_led_on() -> None:
    """With an end to ask for it is read in halves; without one the records come, and the pass is in doubt."""
    asked = {"since": "{start}", "limit": 37, "cursor": "{cursor}"}
    stream = stream_of({"kind": "ticket", "params": asked, "paging": {"next": "meta.nxt"}})
    done = await passed(stream, answered(listed(*range(37))))
    assert (len(done.records()), "is paging.next right?" in str(done.error)) == (37, True)
    assert (await passed(stream, answered(listed(*range(36))))).error is None
    assert (await passed(stream, answered(listed(*range(37)), known=KNOWN))).error is None
    said = await passed(stream, answered(listed(*range(37), meta={"nxt": None})))
    assert (said.error, [page.notice is None for page in said.pages]) == (None, [False]), "it says that it ends"
    with_end = {"kind": "ticket", "params": asked | {"until": "{end}"}, "paging": {"next": "meta.nxt"}}
    http = answered(listed(*range(37)), listed(1), listed(2))
    assert (await passed(stream_of(with_end), http)).error is None
    assert len(http.asked) == 3


async def test_what_says_that_there_is_more_is_believed_though_no_paging_is_described() -> None:
    plain = {"kind": "ticket", "params": {"since": "{start}"}}
    done = await passed(stream_of(plain), answered(listed(1, 2, has_more=True)))
    assert (len(done.records()), "has_more is true" in str(done.error)) == (2, True)
    assert (await passed(stream_of(plain), answered(listed(1, 2, has_more=False)))).error is None
    there_is_more = nodes(1, 2)
    there_is_more["data"]["tickets"]["pageInfo"]["hasNextPage"] = True
    done = await passed(stream_of(GRAPHQL), answered(there_is_more))
    assert "data.tickets.pageInfo.hasNextPage is true" in str(done.error)
    assert (await passed(stream_of(GRAPHQL), answered(nodes(1, 2)))).error is None


async def test_errors_beside_the_data_of_graphql_are_no_answer() -> None:
    """It sends what it found beside the errors of what it did not find: rows may be missing, and fields null."""
    errors = [{"message": "timed out", "path": ["tickets", "nodes", 1]}]
    assert refused(await passed(stream_of(GRAPHQL), answered(nodes(1, errors=errors))), "its errors is not []")
    assert (await passed(stream_of(GRAPHQL), answered(nodes(1, errors=[])))).error is None
    assert (await passed(stream_of(GRAPHQL), answered(nodes(1, errors=None)))).error is None
    assert (await passed(stream_of(GRAPHQL), answered(nodes(1)))).error is None
    by_code = stream_of(GRAPHQL | {"expect": {"errors[0].code": None}})
    assert (await passed(by_code, answered(nodes(1, errors=[{"message": "deprecated"}])))).error is None


async def test_the_list_may_go_on_by_what_stands_in_a_record() -> None:
    paging = {"paging": {"next": "tickets[1].id", "more": "has_more"}}
    cursor = {"kind": "ticket", "params": {"since": "{start}", "after": "{cursor}"}}
    http = answered(listed(1, 2, has_more=True), listed(3, has_more=False))
    done = await passed(stream_of(cursor | paging), http)
    assert (done.error, [query.get("after") for query in http.queries()]) == (None, [None, "2"])
    assert len(done.records()) == 3
