"""A 200 without records is no news only where it says nothing else: a table for all vendors.

Killed: an error beside an empty list, or in its place, taken for no news; a code of 0, an empty error or a success
taken for an error; records in another place than the documented one overlooked; a field that the description expects
judged besides.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from poller.errors import Unavailable, Unexpected
from poller.plugin import Response, Stream, require_no_error
from poller.plugin.fields.decoding import without_no_numbers
from tests.sources import flextell_pages
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import Said, Scripted, json_bytes, read
from tests.sources.test_sloppy import FLEXTELL, LISTS, Listed, holding

ERRORS: list[dict[str, Any]] = [
    {"error": "database is locked"}, {"errors": ["timeout"]}, {"errors": {"base": ["timeout"]}}, {"error": True},
    {"error": {"code": 0, "message": "no database"}}, {"Error": "x"}, {"error_message": "x"}, {"errorMessage": "x"},
    {"fault": {"faultstring": "Spike arrest"}}, {"exception": "x"}, {"success": False}, {"success": "false"},
    {"ok": False}, {"success": 0}, {"code": 500}, {"code": "503"}, {"statusCode": 504}, {"status_code": 429},
]  # fmt: skip
STATUSES: list[dict[str, Any]] = [{"status": "error"}, {"status": "FAILED"}, {"status": 500}, {"status": "fail"}]
NO_ERRORS: list[Any] = [
    {"error": None}, {"error": ""}, {"errors": []}, {"errors": {}}, {"error": False}, {"error": 0}, {"error": "false"},
    {"error": "0"}, {"error": {"code": 0, "message": ""}}, {"errors": [None, {}]}, {"success": True}, {"success": "1"},
    {"success": None}, {"ok": 1}, {"status": "success"}, {"status": "ok"}, {"status": 200}, {"code": 0},
    {"code": "200"},     {"status": "open"}, {"status": {"error": "x"}}, {"message": "no calls"},
    {"items": [], "warning": "deprecated"},
    [], None, {"status": 404.5e9}, {"code": "E500"},
]  # fmt: skip


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS.keys())
async def test_an_error_beside_no_records_is_no_answer(listed: Listed) -> None:
    none, null = holding(listed, [], 0), holding(listed, None, 0)
    absent = {key: value for key, value in none.items() if key != listed.rows}
    for body, error in product((none, null, absent), ERRORS):
        done = await listed.read({**body, **error})
        assert isinstance(done.error, Unexpected | Unavailable), (body, error)
        assert done.pages == []


async def test_nor_is_it_where_the_list_is_described() -> None:
    lists: list[tuple[Stream, dict[str, Any]]] = [(DESCRIBED, {"tickets": []}), (MISSING, {})]
    for (stream, body), error in product(lists, ERRORS + STATUSES):
        done = await read(stream, "live", Scripted([Said({**body, **error})]))
        assert isinstance(done.error, Unexpected), error
        assert f"its {next(iter(error))} says that it failed" in str(done.error)
        assert done.pages == []


@pytest.mark.parametrize("error", ERRORS[:4])
async def test_what_a_description_expects_is_judged_by_that_alone(error: dict[str, Any]) -> None:
    expected = stream_of(PAGES | {"expect": error})
    done = await read(expected, "live", Scripted([Said({"tickets": [], **error})]))
    assert done.error is None


@pytest.mark.parametrize("body", NO_ERRORS)
def test_what_says_that_all_is_well_is_no_error(body: Any) -> None:
    require_no_error(Response(200, json_bytes(body), None))


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": ', b'{"error": 1e999}'])
def test_what_cannot_be_decoded_is_for_others_to_judge(body: bytes) -> None:
    try:
        require_no_error(Response(200, body, None))
    except Unexpected:
        assert body.endswith(b"}")


@pytest.mark.parametrize("place", [("results",), ("Data",), ("result", "data"), ("meta", "data")])
@pytest.mark.parametrize("meta", [{"has_more": False, "cursor": None}, {"cursor": None}])
async def test_leads_in_another_place_are_not_overlooked(meta: dict[str, Any], place: tuple[str, ...]) -> None:
    """Cursors come without a total, so nothing else would contradict."""
    rows: Any = flextell_pages.leads([0.0] * 3)
    for name in reversed(place):
        rows = {name: rows}
    body = {"meta": meta} | rows if place[0] != "meta" else {"meta": meta | rows["meta"]}
    done = await read(FLEXTELL, "live", Scripted([Said(body)]))
    assert isinstance(done.error, Unexpected)
    assert f"records at {'.'.join(place)}" in str(done.error)


@pytest.mark.parametrize("odd", [b"NaN", b"-Infinity", b"1e999", b'"\\ud83d"'])
@pytest.mark.parametrize("beside", [{"error": "none"}, {"results": [ticket(1)]}, {"results": [ticket(1, n="?")]}])
async def test_nor_is_either_overlooked_where_a_serializer_writes_what_is_no_json(
    beside: dict[str, Any], odd: bytes
) -> None:
    """What is beside such a number was not looked at, and an answer that failed was no news."""
    sent = json_bytes({"load": "?", **beside}).replace(b'"?"', odd)
    done = await read(MISSING, "live", Mended([Said(sent)]))
    assert isinstance(done.error, Unexpected)
    assert next(iter(beside)) in str(done.error)
    if "error" not in beside:
        return
    done = await read(DESCRIBED, "live", Mended([Said(sent.replace(b"{", b'{"tickets": [], ', 1))]))
    assert "its error says that it failed" in str(done.error)


class Mended(Scripted):
    """A session whose answers can be mended, as those of a real one are."""

    async def ask(self, path: str, query: Any, **options: Any) -> Response:
        return replace(await super().ask(path, query, **options), mend=without_no_numbers)


@pytest.mark.parametrize("listed", [LISTS[name] for name in ("ipscape activities", "trackdrive calls")])
async def test_records_within_the_metadata_are_not_overlooked(listed: Listed) -> None:
    body = {key: value for key, value in listed.answer.items() if key != listed.rows}
    body["metadata"] = {**body["metadata"], listed.rows: listed.records}
    done = await listed.read(body)
    assert isinstance(done.error, Unexpected)
    assert f"records at metadata.{listed.rows}" in str(done.error)


PAGES: dict[str, Any] = {"kind": "ticket", "params": {"updated_since": "{start}", "page": "{page}"}}
DESCRIBED, MISSING = stream_of(PAGES), stream_of(PAGES | {"empty": ["missing"]})
