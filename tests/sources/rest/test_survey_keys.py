"""`poller check` tells which key of a description is wrong where the answer looks right, and a run would go wrong.

Killed: "ok" where a run delivers nothing, a list that goes on said to be over and the other way round, an error of
GraphQL taken for a list.
"""

from typing import Any

import pytest

from poller.errors import Unexpected
from tests.sources.rest.described import ticket
from tests.sources.rest.test_survey import looked
from tests.sources.scripted import Said


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"ticketId": 1, "made": {"uuid": "a"}, "paid": 1}, "what looks like one is at ticketId, made.uuid;"),
        ({"ticket_id": 1, "KEY": "x", "valid": 3}, "what looks like one is at ticket_id, KEY;"),
        ({"ticketId": None, "subject": "x"}, "a record has ticketId, subject;"),
        ({"id": [1]}, "a record has id;"),
        ({}, "a record has no fields;"),
    ],
)
async def test_an_identity_that_no_record_has_is_wrong(row: dict[str, Any], words: str) -> None:
    with pytest.raises(Unexpected) as caught:
        await looked({}, {"tickets": [row]})
    assert str(caught.value) == (
        f"audit: not the documented answer: no record of the page has an identity: {words} is `identity` right?"
    )
    assert caught.value.key == "identity"


async def test_what_names_several_records_is_no_identity() -> None:
    rows = [{"nr": n, "owner_id": 7, "ref": f"r{n}"} for n in (1, 2)]
    with pytest.raises(Unexpected, match="looks like one is at ref;"):
        await looked({}, {"tickets": rows})


async def test_one_record_with_an_identity_is_enough() -> None:
    found = await looked({}, {"tickets": [ticket(1), {"created_at": "2026-03-14T16:00:00Z", "nr": 5, "uid": "u"}]})
    told = "1 of 2 rows have no id that can be an identity, and would be rejected: what looks like one is at uid; "
    assert found.warnings == (f"{told}is `identity` right?",)


def _owned(owners: str) -> list[dict[str, Any]]:
    return [ticket(number) | {"owner": owner, "at": None} for number, owner in enumerate(owners)]


async def test_an_identity_that_most_rows_share_with_another_is_wrong() -> None:
    for few in ("aab", "aabcd", "aaabbbcdefgh"):
        found = await looked({"identity": "owner"}, {"tickets": _owned(few)})
        assert found.warnings == (
            f"{len(few) - len({*few})} rows without an identity of their own: is `identity` right?",
        )
    with pytest.raises(Unexpected) as caught:
        await looked({"identity": "owner"}, {"tickets": _owned("aabbc")})
    assert str(caught.value) == (
        "audit: not the documented answer: 4 of 5 rows share their identity with another, and would be taken for "
        "revisions of it: what looks like one is at id; is `identity` right?"
    )
    assert caught.value.key == "identity"


async def test_rows_that_would_be_rejected_for_their_time_are_counted() -> None:
    rows = [
        row | {"at": "2026-03-14T16:00:00Z" if number < 9 else "soon"} for number, row in enumerate(_owned("a" * 10))
    ]
    stream = {"time": "at", "params": {"since": "{start}", "limit": 50}}
    assert (await looked(stream, {"tickets": rows})).warnings == ()
    rows[0]["at"] = None
    (told,) = (await looked(stream, {"tickets": rows})).warnings
    assert told == (
        "2 of 10 rows have no at that can be read, and would be rejected: those of such a row are at created_at, "
        "updated_at; is `time` right, or is it null?"
    )


CURSOR: dict[str, Any] = {"params": {"since": "{start}", "c": "{cursor}"}}
LINKED = Said({"tickets": [ticket(1)]}, headers={"link": '</tickets?page=2>; rel="next"'})


@pytest.mark.parametrize(
    ("stream", "body", "key"),
    [
        ({"expect": {"status": "success"}}, {"tickets": [], "status": "failure"}, "expect"),
        ({"records": "items"}, {"tickets": 5}, "records"),
        (CURSOR | {"paging": {"next": "next"}}, {"tickets": [ticket(1)], "next": {"page": 2}}, "paging.next"),
        ({}, LINKED, "paging"),
    ],
)
async def test_the_key_that_an_answer_contradicts_is_named(stream: dict[str, Any], body: object, key: str) -> None:
    with pytest.raises(Unexpected) as caught:
        await looked(stream, body)
    assert caught.value.key == key


@pytest.mark.parametrize("header", ["headers.link", "headers.Link"])
async def test_a_link_header_is_one_however_its_name_is_spelt(header: str) -> None:
    found = await looked({"paging": {"next": header}}, LINKED)
    assert found.details["next"] == "/tickets?page=2"


@pytest.mark.parametrize(
    ("paging", "says"),
    [
        ({"done": "info.hasNextPage"}, "goes on: is it `more`?"),
        ({"more": "info.isLast"}, "is over: is it `done`?"),
        ({"more": "info.end_of_stream"}, "is over: is it `done`?"),
        ({"more": "info.hasNextPage"}, None),
        ({"done": "info.isLast"}, None),
        ({"done": "info.stop"}, None),
        ({"more": "info.stop"}, None),
    ],
)
async def test_more_and_done_the_wrong_way_round_are_wrong_on_a_last_page_too(
    paging: dict[str, str], says: str | None
) -> None:
    ((key, path),) = paging.items()
    info = {path.removeprefix("info."): says is not None and key == "more", "at": "abc"}
    info |= {"at": None} if says is None and key == "more" else {}
    stream, body = {**CURSOR, "paging": {"next": "info.at", **paging}}, {"tickets": [ticket(1)], "info": info}
    if says is None:
        assert (await looked(stream, body)).warnings == ()
        return
    with pytest.raises(Unexpected) as caught:
        await looked(stream, body)
    assert str(caught.value) == f"audit: paging.{key} is {path}, and by its name that says that the list {says}"
    assert caught.value.key == f"paging.{key}"


@pytest.mark.parametrize(("more", "words"), [(True, "goes on at abc"), (False, "does not go on")])
async def test_a_cursor_leads_nowhere_where_the_list_is_over(more: bool, words: str) -> None:
    stream = {**CURSOR, "paging": {"next": "next", "more": "more"}}
    found = await looked(stream, {"tickets": [ticket(1)], "next": "abc", "more": more})
    assert words in found.words.split("; ")
    assert found.details["next"] == ("abc" if more else None)
    found = await looked(stream, {"tickets": [], "next": "abc", "more": more})
    assert any("and the list goes on" in warning for warning in found.warnings) is more


@pytest.mark.parametrize(
    ("end", "ahead", "is_told"),
    [
        ("{end:%Y-%m-%d}", "0s", True),
        ("{end:%Y-%m-%d}", None, False),
        ("{end:%Y-%m-%d}", "1d", False),
        ("{end:%Y-%m-%d %H}", "0s", False),
        ("{end}", "0s", False),
        ("{end:%Y-%m-%d}T23:59:59Z", "0s", False),
        ("none", "0s", False),
    ],
)
async def test_an_end_of_today_that_may_leave_today_out_is_told(end: str, ahead: str | None, is_told: bool) -> None:
    stream = {"params": {"since": "{start:%Y-%m-%d}", "until": end}, "timezone": "UTC"}
    stream |= {"ahead": ahead} if ahead else {}
    found = await looked(stream, {"tickets": [ticket(1)]})
    told = (
        "`ahead` is 0s, and {end} names a day: what is of this day may not be asked for until tomorrow, if the "
        "vendor's bound is exclusive or means midnight; leave `ahead` out where the vendor takes a later day"
    )
    assert found.warnings == ((told,) if is_told else ())


ERRORS = {"data": {"tickets": None}, "errors": [{"message": "Field 'nam' doesn't exist on type 'Ticket'"}, {}]}


@pytest.mark.parametrize(
    ("stream", "body", "words"),
    [
        ({"expect": {"errors": None}}, ERRORS, "its errors is not None"),
        ({}, ERRORS, "it holds no list at data.tickets"),
        ({"empty": ["missing"]}, ERRORS, "it holds no records, and its errors says that it failed"),
        ({}, ERRORS | {"data": {"tickets": []}}, "it holds no records, and its errors says that it failed"),
    ],
)
async def test_an_error_of_graphql_is_quoted_and_not_taken_for_a_list(
    stream: dict[str, Any], body: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unexpected) as caught:
        await looked({"records": "data.tickets", **stream}, body)
    assert str(caught.value) == f"audit: not the documented answer: {words}"
    assert caught.value.said == "Field 'nam' doesn't exist on type 'Ticket'"


@pytest.mark.parametrize("errors", [[{}], [], {"message": "no"}, [{"message": 5}]])
async def test_other_errors_are_not_quoted(errors: object) -> None:
    with pytest.raises(Unexpected) as caught:
        await looked({}, {"data": None, "errors": errors})
    assert caught.value.said == ""
