"""`poller check` tells one page of a described list whole."""

from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Unexpected
from poller.plugin import Probed
from poller.sources.rest.survey import NOT_YET
from tests.sources.rest.described import rest, ticket
from tests.sources.rest.test_guards import KNOWN, Remembering, answered
from tests.sources.scripted import NOW, Said, Scripted


async def looked(stream: dict[str, Any], *bodies: object, http: Scripted | None = None) -> Probed:
    http = http or Scripted([body if isinstance(body, Said) else Said(body) for body in bodies])
    found = await rest({"kind": "ticket", "params": {"since": "{start}"}, **stream}).probes(NOW)["tickets"](http)
    assert len(http.asked) == max(len(bodies), 1)
    return found


async def test_rows_identities_times_and_the_next_place_are_told() -> None:
    rows = [ticket(1), ticket(1), ticket(2, "2026-03-13T08:00:00Z")]
    stream = {"params": {"since": "{start}", "c": "{cursor}"}, "paging": {"next": "meta.next", "total": "meta.total"}}
    found = await looked(stream, {"tickets": rows, "meta": {"next": "abc", "total": 1234}})
    assert found.words == (
        "audit (live asks the same): 3 rows at tickets, 2 different identities; "
        "created_at 2026-03-13T08:00:00Z to 2026-03-14T16:00:00Z; "
        "updated_at 2026-03-13T08:00:00Z to 2026-03-14T16:00:00Z; goes on at abc; 1,234 in all; "
        "no {end}: history is one slice, and nothing can be asked for in halves"
    )
    assert found.details["identities"] == 2
    assert found.warnings == ("1 rows without an identity of their own: is `identity` right?",)


@pytest.mark.parametrize(
    ("name", "place"), [("skip", "page"), ("startIndex", "page"), ("$skip", "page"), ("page", "offset")]
)
async def test_a_place_that_is_counted_otherwise_is_told_by_its_name(name: str, place: str) -> None:
    found = await looked({"params": {"since": "{start}", name: f"{{{place}}}"}}, {"tickets": [ticket(1)]})
    (warning,) = found.warnings
    assert warning.startswith(f"{name} counts ")


@pytest.mark.parametrize(("name", "place"), [("skip", "offset"), ("page", "page"), ("p", "page"), ("p", "offset")])
async def test_a_place_that_is_counted_as_its_name_says_is_fine(name: str, place: str) -> None:
    found = await looked({"params": {"since": "{start}", name: f"{{{place}}}"}}, {"tickets": [ticket(1)]})
    assert found.warnings == ()


async def test_rows_outside_of_the_window_are_told() -> None:
    rows = [ticket(1), ticket(2), ticket(3) | {"created_at": "2025-01-01T00:00:00Z"}]
    found = await looked({"window_field": "created_at", "modified": None}, {"tickets": rows})
    told = "it holds records that are not of the window by created_at: is `window_field` what the filter is about?"
    assert found.warnings == (told,)
    assert (await looked({"window_field": "updated_at"}, {"tickets": rows})).warnings == ()


@pytest.mark.parametrize(("hours", "is_told"), [(10, True), (40, False)])
async def test_rows_outside_by_hours_are_a_matter_of_days_or_zones(hours: int, is_told: bool) -> None:
    early = f"{NOW - timedelta(days=3, hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    rows = [ticket(1), ticket(2), ticket(3) | {"updated_at": early}]
    (told,) = (await looked({"window_field": "updated_at"}, {"tickets": rows})).warnings
    assert ("up to 10 h before it: does the filter take days only ({start:%Y-%m-%d}), or read times" in told) == is_told
    assert told.endswith("s `window_field` what the filter is about?")


@pytest.mark.parametrize(
    ("form", "stream", "is_told"),
    [
        ("{start:%Y-%m-%d %H:%M}", {}, True),
        ("{start:%Y-%m-%d %H:%M}", {"timezone": "UTC"}, False),
        ("{start:%Y-%m-%d %H:%M%z}", {}, False),
        ("{start:%Y-%m-%d}", {}, False),
        ("{start}", {}, False),
    ],
)
async def test_a_clock_of_nobody_s_zone_is_told(form: str, stream: dict[str, Any], is_told: bool) -> None:
    found = await looked({"params": {"since": form}, **stream}, {"tickets": [ticket(1)]})
    assert [told[:41] for told in found.warnings] == ["a time is sent as %Y-%m-%d %H:%M, without"] * is_told


async def test_a_place_that_no_request_takes_is_an_error() -> None:
    with pytest.raises(Unexpected, match=r"no query: it is no link, and no \{cursor\} takes it") as error:
        await looked({"paging": {"next": "cursor"}}, {"tickets": [ticket(1)], "cursor": "abc"})
    assert error.value.key == "paging.next"
    await looked({"paging": {"next": "cursor"}}, {"tickets": [ticket(1)], "cursor": "https://x.example/a?c=abc"})


async def test_a_list_that_is_read_by_halves_of_its_time_needs_no_word_of_how_it_goes_on() -> None:
    stream = {"params": {"since": "{start}", "until": "{end}", "limit": 2}, "paging": {"cap": 2, "total": "total"}}
    answer = {"tickets": [ticket(1), ticket(2)], "total": 9, "has_more": True}
    found = await looked(stream, answer)
    assert found.words.endswith("9 in all; the list goes on: a run asks for it in halves of its time")
    found = await looked(stream, answer | {"total": 2})
    assert found.words.endswith("2 in all; the list goes on: a run asks for it in halves of its time")
    done = {**stream, "paging": {"done": "done"}}
    found = await looked(done, {"tickets": answer["tickets"], "done": False, "nextRecordsUrl": "/q-2", "count": 9})
    assert found.words.endswith("; the list goes on: a run asks for it in halves of its time")
    assert found.warnings == ("not described: count",)
    with pytest.raises(Unexpected, match=r"2 of 9 records came"):
        await looked(stream | {"paging": {"total": "total"}}, answer | {"has_more": None})


async def test_no_record_and_a_list_that_goes_on_are_told() -> None:
    stream = {"params": {"since": "{start}", "c": "{cursor}"}, "paging": {"next": "next"}, "empty": ["missing"]}
    found = await looked(stream, {"other": [{"name": "no id"}], "next": "abc"})
    assert "no record at tickets, and the list goes on: is `records` right?" in found.warnings


async def test_a_long_place_is_told_whole_to_machines_only() -> None:
    stream = {"params": {"since": "{start}", "c": "{cursor}"}, "paging": {"next": "next"}}
    found = await looked(stream, {"tickets": [ticket(1)], "next": "x" * 61})
    assert f"goes on at {'x' * 60}…" in found.words
    assert found.details["next"] == "x" * 61


async def test_words_that_are_not_mapped_are_told() -> None:
    rows = [ticket(1, s="Accepted"), ticket(2, s="busy"), ticket(3, s="Fax")]
    stream = {"kind": "call", "fields": {"status": {"path": "s", "values": {"Accepted": "answered"}}}}
    found = await looked(stream, {"tickets": rows})
    assert found.warnings == ("words of status that are not mapped: Fax",)
    assert found.details["unmapped"] == {"status": ["Fax"]}


async def test_what_looks_like_paging_totals_or_errors_and_is_not_described_is_told() -> None:
    body = {"tickets": [], "total": 5, "errors": [], "meta": {"next_page": None, "limit": 5}}
    body |= {"end_of_stream": True, "links": {"last": "/tickets?page=1"}, "done": "2026-03-14T16:00:00Z"}
    found = await looked({}, body)
    assert found.warnings[1:] == ("not described: end_of_stream, errors, meta.next_page, total",)


@pytest.mark.parametrize(
    "beside",
    [{"has_more": True}, {"paging": {"next": "x"}}, {"nextPageToken": "t"}, {"meta": {"next_page_link": "/2"}}],
)
async def test_a_well_known_word_that_says_there_is_more_is_an_error(beside: dict[str, Any]) -> None:
    with pytest.raises(Unexpected, match="the list goes on"):
        await looked({}, {"tickets": [ticket(1)], **beside})


@pytest.mark.parametrize(
    ("stream", "body"),
    [
        ({"params": {"since": "{start}", "per_page": 2}}, {"tickets": [ticket(1), ticket(2)]}),
        ({"paging": {"total": "total"}}, {"tickets": [ticket(1)], "total": 2}),
    ],
)
async def test_a_list_that_is_longer_than_its_page_needs_paging(stream: dict[str, Any], body: dict[str, Any]) -> None:
    with pytest.raises(Unexpected, match=r"the list goes on .*, and the description does not say how: `paging`"):
        await looked(stream, body)
    assert (await looked(stream, {**body, "tickets": [ticket(1)], "total": 1})).words


async def test_a_long_time_of_which_a_list_says_nothing_is_doubtful() -> None:
    (warning,) = (await looked({}, {"tickets": []})).warnings
    assert warning == (
        "nothing since 2026-03-11T16:30Z: is that so, or is the filter spelt otherwise (its name, unit or zone)? "
        "`poller check --deep` finds out"
    )
    assert (await looked({}, {"tickets": [ticket(1)]})).warnings == ()
    days = {"sweeps": {"live": {"lookback": "1d"}}}
    (warning,) = (await looked(days, {"tickets": []})).warnings
    assert warning.startswith("nothing since 2026-03-13T16:30Z: is that so"), "so it is where nothing ever came"
    known = answered({"tickets": []}, known=KNOWN)
    assert (await looked(days, http=known)).warnings == (), "a day may be quiet"
    known = answered({"tickets": []}, known=KNOWN)
    assert len((await looked({}, http=known)).warnings) == 1, "three are doubtful, whatever came before"
    assert (await looked({"params": {}}, {"tickets": []})).warnings == (), "no filter is spelt"


PAGED = {"params": {"since": "{start}", "page": "{page}"}}


@pytest.mark.parametrize(
    ("stream", "rows", "words"),
    [
        (PAGED, [ticket(1)], "goes on at page 2"),
        ({"params": {"since": "{start}", "skip": "{offset}"}}, [ticket(1), ticket(2)], "goes on at offset 2"),
        ({"params": {"since": "{start}", "after": "{last}"}}, [ticket(1), ticket(7)], "goes on at last 7"),
        (PAGED, [], "does not go on"),
        ({**PAGED, "paging": {"total": "total"}}, [ticket(1)], "does not go on"),
    ],
)
async def test_where_a_counted_list_goes_on_is_told(stream: dict[str, Any], rows: list[Any], words: str) -> None:
    assert words in (await looked(stream, {"tickets": rows, "total": len(rows)})).words.split("; ")


RISING = [ticket(n, updated_at=f"2026-03-14T16:0{9 - n}:30Z") for n in (3, 2, 1)]
SAME = [ticket(n, f"2026-03-14T16:0{n}:00Z") for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("stream", "rows", "is_told"),
    [
        (PAGED, RISING, True),
        (PAGED, RISING[::-1], False),
        (PAGED, SAME, False),  # it may as well be sorted by its creation, which no edit changes
        ({**PAGED, "paging": {"total": "total"}}, RISING, False),  # there is no second page
        ({"params": {"since": "{start}", "c": "{cursor}"}, "paging": {"next": "next"}}, RISING, False),
    ],
)
async def test_oldest_first_by_modification_is_told_where_pages_are_counted(
    stream: dict[str, Any], rows: list[Any], is_told: bool
) -> None:
    found = await looked(stream, {"tickets": rows, "next": "abc", "total": 3})
    assert any("oldest first" in warning for warning in found.warnings) is is_told


FALLING = [ticket(n, f"2026-03-1{n}T16:00:00Z", updated_at=f"2026-03-14T16:0{9 - n}:30Z") for n in (1, 2, 3)]
SUM: dict[str, Any] = {**PAGED, "paging": {"total": "total"}}


@pytest.mark.parametrize(
    ("stream", "rows", "is_told"),
    [
        (SUM, FALLING, True),
        ({**SUM, "window_field": "updated_at"}, FALLING, False),
        (PAGED, FALLING, False),
        (SUM, RISING, False),
        (SUM, SAME[::-1], False),  # it may as well be sorted by its creation, which no edit changes
        ({**SUM, "params": {"page": "{page}"}}, FALLING, False),  # no window begins where the cursor is
    ],
)
async def test_a_total_of_a_list_sorted_by_modification_wants_a_window_field(
    stream: dict[str, Any], rows: list[Any], is_told: bool
) -> None:
    found = await looked(stream, {"tickets": rows, "total": 9})
    assert any("set `window_field: updated_at`" in warning for warning in found.warnings) is is_told


async def test_a_list_that_is_elsewhere_is_named() -> None:
    with pytest.raises(
        Unexpected, match=r"no list at tickets; the lists in it are at data\.rows, \"odd-name\": is `rec"
    ):
        await looked({}, {"data": {"rows": []}, "odd-name": [], "total": 1})
    with pytest.raises(Unexpected, match=r"no list at tickets$"):
        await looked({}, {"tickets": None})
    with pytest.raises(Unexpected, match="at @:"):
        await looked({}, [])


async def test_a_time_that_is_elsewhere_is_named() -> None:
    rows = [{"id": n, "made": {"on": "2026-03-14T16:00:00Z"}, "at": 1_773_504_000, "size": 30 + n} for n in (1, 2)]
    words = (
        "no created_at that can be read, and every record would be rejected: those of a record are at made.on, at; "
        "is `time` right, or is it null?"
    )
    for own in ({}, {"created_at": None}, {"created_at": "soon"}):
        with pytest.raises(Unexpected) as caught:
            await looked({"modified": "at"}, {"tickets": [rows[0] | own, rows[1]]})
        assert str(caught.value) == f"audit: not the documented answer: {words}"
        assert caught.value.key == "time"
    on_the_way = [row | {"was": None} for row in rows]
    with pytest.raises(Unexpected, match=r"no was\.made that can be read"):
        await looked({"modified": "at", "time": "was.made"}, {"tickets": on_the_way})
    with pytest.raises(Unexpected, match=r"every record would be rejected: is `time` .*; a record has id, size$"):
        await looked({"modified": None}, {"tickets": [{"id": 1, "size": 30}]})
    assert (await looked({"modified": None, "time": None}, {"tickets": rows})).warnings == ()


async def test_fields_that_no_record_has_are_told_and_such_as_cannot_be_read() -> None:
    fields = {"full_name": "nam", "email": "mails", "first_name": "name", "phones": ["phones[0]", "phones[1]"]}
    rows = [ticket(n, name="Pat", mails=["pat@example.com"]) for n in (1, 2)]
    found = await looked({"kind": "lead", "fields": fields}, {"tickets": rows})
    assert found.warnings == (
        "no record has anything at nam, for full_name",
        "what is at mails cannot be read as email",
        "no record has anything at phones[0] or phones[1], for phones",
    )
    one = [*rows, ticket(3, nam="Kim", mails="kim@example.com", phones=["+13165550100"])]
    assert (await looked({"kind": "lead", "fields": fields}, {"tickets": one})).warnings == ()


async def test_a_field_that_is_empty_in_all_records_is_not_said_to_be_unreadable() -> None:
    fields = {"email": "mail", "full_name": "name"}
    found = await looked(
        {"kind": "lead", "fields": fields}, {"tickets": [ticket(1, mail="", name=""), ticket(2, mail="")]}
    )
    assert found.warnings == (
        "no record has anything at mail, for email",
        "no record has anything at name, for full_name",
    )


async def test_the_number_of_rows_of_a_page_is_not_taken_for_a_total() -> None:
    assert (await looked({}, {"tickets": [ticket(1)], "count": 1})).warnings == ()
    assert (await looked({}, {"tickets": [ticket(1)], "count": 2})).warnings == ("not described: count",)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"after": "a", "isLast": False}, False),
        ({"after": None, "isLast": True, "has_more": False}, False),
        ({"after": "a", "isLast": True}, True),
    ],
)
async def test_a_flag_that_says_what_the_description_says_is_not_missing_there(
    flags: dict[str, object], told: bool
) -> None:
    paged = {"params": {"since": "{start}", "cursor": "{cursor}"}, "paging": {"next": "after"}}
    found = await looked(paged, {"tickets": [ticket(1), ticket(2)], **flags})
    assert [words for words in found.warnings if "isLast" in words] == ["not described: isLast"] * told


async def test_pages_that_are_smaller_than_was_asked_for_are_told() -> None:
    paged = {"params": {"since": "{start}", "per_page": 100, "page": "{page}"}}
    found = await looked(paged, {"tickets": [ticket(1), ticket(2)]})
    assert found.words.startswith(
        "audit (live asks the same): 2 rows of 100 asked for at tickets, 2 different identities; "
    )
    found = await looked({**paged, "paging": {"total": "total"}}, {"tickets": [ticket(1), ticket(2)], "total": 2})
    assert found.words.startswith("audit (live asks the same): 2 rows at tickets, ")


@pytest.mark.parametrize(("before", "told"), [("/tickets?page=0", True), (None, False), ("", False)])
async def test_pages_that_begin_at_another_number_are_told(before: str | None, told: bool) -> None:
    found = await looked(PAGED, {"tickets": [ticket(1)], "links": {"prev": before}})
    words = "a page before the first (links.prev): do pages begin at 0? Then have `paging` follow what is next"
    assert (words in found.warnings) is told


async def test_what_is_left_out_of_comparison_and_is_not_there_is_told() -> None:
    stream = {"volatile": ["seen", "sen.by"], "signed_urls": ["url"]}
    found = await looked(stream, {"tickets": [ticket(1, seen={"by": "x"})]})
    assert found.warnings == (
        "no record has anything at sen.by, for volatile",
        "no record has anything at url, for signed_urls",
    )


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("_links.next.href", {"_links": {"next": {"href": "/tickets?page=2"}}}),
        ('"@odata.nextLink"', {"@odata.nextLink": "/tickets?page=2"}),
        ("pages.next", {"pages": {"next": "/tickets?page=2", "total_pages": 2}, "total_count": 9}),
        ('meta."page.info".next', {"meta": {"page.info": {"next": "/tickets?page=2"}}}),
    ],
)
async def test_what_holds_the_next_place_is_described_by_it(path: str, beside: dict[str, Any]) -> None:
    found = await looked({"paging": {"next": path}}, {"tickets": [ticket(1)], **beside})
    assert found.warnings == ()


SWEEPS: dict[str, Any] = {
    "live": {"every": "1m", "lookback": "10m"},
    "ended": {"every": "1m", "lookback": "10m", "params": {"since": None, "ended": "{start}"}},
    "full": {"every": "6h", "params": {"since": None}},
}


async def test_each_list_that_the_sweeps_ask_for_is_told_with_its_sweep() -> None:
    audit = {"audit": {"every": "24h", "lookback": "3d"}}
    stream = {"sweeps": {**SWEEPS, **audit}, "fields": {"subject": "about"}}
    bodies = [{"tickets": [ticket(n) for n in range(n)], "total": 9} for n in (3, 1)]
    found = await looked(stream, *bodies, {"tickets": [ticket(1, about="x")], "errors": 1})
    assert [words.split(" rows")[0] for words in found.words.split("; ") if " rows" in words] == [
        "audit (live asks the same): 3",
        "ended: 1",
        "full: 1",
    ]
    assert (found.details["sweep"], found.details["rows"]) == ("audit", 3)
    assert {name: (seen["rows"], seen["same"]) for name, seen in found.details["sweeps"].items()} == {
        "audit": (3, ["live"]),
        "ended": (1, []),
        "full": (1, []),
    }
    assert found.warnings == (
        "no record has anything at about, for subject",
        "not described: total",
        "full: its errors says that it failed, beside records: are they all? Then name it in `expect`",
        "full: not described: errors",
    )


async def test_a_sweep_whose_list_is_not_as_described_is_named_beside_what_came_before() -> None:
    with pytest.raises(Unexpected, match=r"^ended: not the documented answer: .* no list at tickets; live: 1 rows"):
        await looked({"sweeps": SWEEPS}, {"tickets": [ticket(1)]}, {"tickets": None})


async def test_a_404_that_is_empty_is_told_until_it_is_believed() -> None:
    stream = {"empty": ["404"]}
    found = await looked(stream, Said({"error": "none"}, 404))
    assert found.words == "audit (live asks the same): no answer yet"
    assert found.warnings == (NOT_YET,)
    known = Remembering([Said({"error": "none"}, 404)])
    known.facts = ("answered /tickets",)
    found = await looked(stream, http=known)
    assert found.words == "audit (live asks the same): nothing there (HTTP 404)"
    assert [words.partition(":")[0] for words in found.warnings] == ["nothing since 2026-03-11T16"]
    assert found.details["rows"] == 0
    with pytest.raises(Unexpected, match="HTTP 404"):
        await looked({}, Said({"error": "none"}, 404))


async def test_another_refusal_is_not_taken_for_the_404_before_it() -> None:
    with pytest.raises(Unexpected, match=r"^ended: HTTP 400; live: no answer yet"):
        await looked({"empty": ["404"], "sweeps": SWEEPS}, Said({}, 404), Said({}, 400))


async def test_what_one_sweep_was_answered_is_believed_for_the_others() -> None:
    found = await looked({"empty": ["404"], "sweeps": SWEEPS}, {"tickets": []}, Said({}, 404), Said({}, 404))
    assert [words.partition(":")[0] for words in found.warnings] == ["nothing since 2026-03-13T16"]
    assert "ended: nothing there (HTTP 404); full: nothing there" in found.words


@pytest.mark.parametrize(
    ("paging", "key", "words"),
    [
        ({"pages": "meta.pages"}, "paging.pages", "it has no meta.pages; its meta has count, last_page"),
        ({"total": "total"}, "paging.total", "it has no total; the answer has meta, tickets"),
        ({"total": "meta.last_page.n"}, "paging.total", "it has no meta.last_page.n; its last_page has no fields"),
        ({"total": "headers.x-total"}, "paging.total", "it has no header x-total"),
        ({"total": "meta.count"}, "paging.total", "its meta.count is no whole number"),
        ({"more": "more"}, "paging.more", "it has no more; the answer has meta, tickets"),
        ({"done": "meta.count"}, "paging.done", "its meta.count is neither true nor false"),
    ],
)
async def test_a_key_that_the_answer_has_not_is_told_with_those_that_it_has(
    paging: dict[str, str], key: str, words: str
) -> None:
    body = {"tickets": [], "meta": {"last_page": 3, "count": "many", "pat@example.com": 1}}
    with pytest.raises(Unexpected) as caught:
        await looked({**PAGED, "paging": paging}, body)
    assert str(caught.value) == f"audit: not the documented answer: {words}"
    assert caught.value.key == key


FULL: dict[str, Any] = {"params": {"since": "{start}", "limit": 3, "c": "{cursor}"}, "paging": {"next": "meta.next"}}
ENDED: dict[str, Any] = {**FULL, "params": {**FULL["params"], "until": "{end}"}}
ROWS = [ticket(1), ticket(2), ticket(3)]


@pytest.mark.parametrize(
    ("paging", "beside", "why"),
    [
        ({}, {"next_cursor": "b"}, r"the list goes on \(next_cursor\), and paging.next leads nowhere"),
        ({}, {"total": 7}, r"the list goes on \(total is 7\), and paging.next leads nowhere"),
        ({}, {"meta": {"total_pages": 2}}, r"the list goes on \(meta.total_pages is 2\), and paging.next"),
        ({"total": "total"}, {"total": 7}, r"3 of 7 records came\), and paging.next leads nowhere"),
    ],
)
async def test_a_next_that_leads_nowhere_is_wrong_where_the_list_is_known_to_go_on(
    paging: dict[str, str], beside: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unexpected, match=why) as caught:
        await looked({**FULL, "paging": FULL["paging"] | paging}, {"tickets": ROWS, **beside})
    assert caught.value.key == "paging.next"


async def test_a_full_page_without_a_next_one_is_told_with_what_a_run_would_do() -> None:
    found = await looked(FULL, {"tickets": ROWS})
    (warning,) = found.warnings
    assert warning == (
        "3 rows, and paging.next leads nowhere, so a run would deliver it, and hold back the cursor in doubt of it, "
        "if there is more: it has no meta.next; the answer has tickets"
    )
    found = await looked(FULL, {"tickets": ROWS, "total": 3, "pages": 1})
    assert any("in doubt of it" in warning for warning in found.warnings), "no more than these, and no proof of an end"
    found = await looked({**FULL, "paging": FULL["paging"] | {"total": "total"}}, {"tickets": ROWS, "total": 2})
    assert any("in doubt of it" in warning for warning in found.warnings)
    (warning,) = (await looked(FULL, {"tickets": ROWS, "meta": {"next": None}})).warnings
    assert "so a run would take this page for all there is, if there is more: nothing is at meta.next" in warning
    (warning,) = (await looked(ENDED, {"tickets": ROWS})).warnings
    assert "so a run would take it for cut, and ask again in halves of its time, if there is more: it has" in warning
    ten = {"tickets": [ticket(n) for n in range(10)]}
    for asked, fate in (({}, "take this page for all there is"), ({"until": "{end}"}, "take it for cut")):
        unsized = {"params": {"since": "{start}", "c": "{cursor}", **asked}, "paging": {"next": "next"}}
        (warning,) = (await looked(unsized, ten)).warnings
        assert f"10 rows, and paging.next leads nowhere, so a run would {fate}" in warning


@pytest.mark.parametrize("paging", [{"more": "more"}, {"more": "more", "next": "next"}])
async def test_a_list_that_goes_on_and_says_nowhere_is_wrong_where_a_run_cannot_ask_for_less(
    paging: dict[str, str],
) -> None:
    body = {"tickets": ROWS, "more": True}
    with pytest.raises(Unexpected, match=r"goes on \(more says so\), and nothing says where; nor is there an \{end\}"):
        await looked({"params": {"since": "{start}", "limit": 3}, "paging": paging}, body)
    halved = {"params": {"since": "{start}", "until": "{end}", "limit": 3}, "paging": paging}
    assert (await looked(halved, body)).warnings == ()


@pytest.mark.parametrize(
    ("paging", "body"),
    [
        ({}, {"tickets": ROWS[:2]}),
        ({}, {"tickets": ROWS, "meta": {"next": "b"}}),
        ({"total": "total"}, {"tickets": ROWS, "total": 3}),
        ({"more": "more"}, {"tickets": ROWS, "more": False}),
        ({}, {"tickets": ROWS[:2], "count": 2}),
    ],
)
async def test_a_list_that_ends_is_no_mistake(paging: dict[str, str], body: dict[str, Any]) -> None:
    assert (await looked({**FULL, "paging": FULL["paging"] | paging}, body)).warnings == ()


@pytest.mark.parametrize(("start", "asked"), [("all", "1999-12-31"), ("30d", "2026-02-12"), ("1h", "2026-03-11")])
async def test_a_list_is_first_asked_as_a_first_poll_would(start: str, asked: str) -> None:
    http = answered({"tickets": []}, {"tickets": []})
    source = rest({"kind": "ticket", "params": {"since": "{start}"}}, start=start)
    await source.probes(NOW)["tickets"](http)
    http.facts = ("answered /tickets",)
    await source.probes(NOW)["tickets"](http)
    assert [str(query["since"])[:10] for _, query in http.asked] == [asked, "2026-03-11"]
