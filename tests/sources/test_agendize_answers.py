"""Which of Agendize's answers are believed."""

import json
from typing import Any

import pytest

from poller.errors import Denied, SourceError, Throttled, Unavailable, Unexpected
from poller.plugin.stream import Cursor
from poller.sources.agendize.api import LAG
from tests.sources.agendize_pages import CALL, STREAM, WINDOWED, listing, refused
from tests.sources.scripted import NOW, Said, Scripted, changed, read

ALL = [*WINDOWED, "sync"]
BAD: dict[str, tuple[object, str]] = {
    "html": (b"<!DOCTYPE html><title>Login</title>", "markup"),
    "empty": (b"", "not the documented answer"),
    "blank": (b" \n", "not the documented answer"),
    "null": (b"null", "not the documented answer"),
    "text": (b"upstream error: Login", "not the documented answer"),
    "cut off": (b'{"items": [{"id": "1"', "not the documented answer"),
    "cut off within latin-1": ('{"items": [{"id": "é"'.encode("latin-1"), "not the documented answer"),
    "too deep": (b"[" * 100_000, "not the documented answer"),
    "a list": ([CALL], "not the documented answer"),
    "items null beside something else": ({"items": None, "message": "Login"}, "no items"),
    "items an object that is no call": ({"items": {"message": "Login"}}, "items"),
    "items a string": ({"items": "none"}, "items"),
    "something else": ({"calls": []}, "no items"),
    "something else beside a token": ({"nextSyncToken": "x", "totalItems": 5}, "no items"),
    "a message": ({"message": "Login"}, "no items"),
    "a page token that is none": ({"items": [], "nextPageToken": {"a": 1}}, "nextPageToken"),
    "an error": ({"error": "Login"}, "code none"),
    "an empty error": ({"error": {}}, "code none"),
    "no error, and nothing else": ({"error": None}, "no items"),
    "an error beside items": ({"items": [CALL], "error": {"message": "Login"}}, "code none"),
    "an error with the code 200": ({"error": {"code": 200}}, "code none"),
    "an error with an odd code": ({"error": {"code": "Login"}, "items": []}, "code none"),
    "an error 422": ({"error": {"code": 422, "reason": "Login"}}, "code 422"),
    "a status 422": ({"statusCode": 422, "message": "Login", "fields": ["startDate"]}, "code 422"),
    "a status 418 beside items": ({"items": [], "statusCode": "418"}, "code 418"),
}


@pytest.mark.parametrize("sweep", ALL)
@pytest.mark.parametrize(("body", "says"), BAD.values(), ids=BAD.keys())
@pytest.mark.covers("agendize", 13)
async def test_a_200_that_is_not_the_documented_answer_is_no_answer(body: object, says: str, sweep: str) -> None:
    done = await read(STREAM, sweep, Scripted([Said(body)]))
    assert isinstance(done.error, Unexpected)
    assert says in str(done.error)
    assert "Login" not in str(done.error)
    assert done.pages == []


REFUSALS: list[tuple[int, type[SourceError]]] = [
    (400, Unexpected),
    (401, Denied),
    (403, Denied),
    (404, Unexpected),
    (410, Unexpected),
    (429, Throttled),
    (500, Unavailable),
    (501, Unavailable),
    (503, Unavailable),
]


@pytest.mark.parametrize("sweep", ALL)
@pytest.mark.parametrize(("code", "kind"), REFUSALS)
@pytest.mark.covers("agendize", 13, 14)
async def test_an_error_in_a_body_is_what_its_code_says_also_under_another_status(
    code: int, kind: type[SourceError], sweep: str
) -> None:
    for body in (
        {"error": {"code": code, "reason": "x", "message": "hidden"}},
        {"error": {"code": f"{code}"}, "items": None},
        {"items": [CALL], "error": {"code": code}},
        {"statusCode": code, "message": "hidden", "fields": []},
    ):
        for status in (200, 400, 404, 410):
            done = await read(STREAM, sweep, Scripted([Said(body, status=status)]))
            assert isinstance(done.error, kind)
            assert "hidden" not in str(done.error)
            assert str(code) in str(done.error)
            assert done.pages == []


@pytest.mark.parametrize("sweep", ALL)
@pytest.mark.parametrize("body", [b"<html>", b"", {"items": []}, {"items": [CALL]}, {}, {"statusCode": 200}])
@pytest.mark.parametrize("status", [400, 404, 410])
@pytest.mark.covers("agendize", 13)
async def test_a_refusal_by_status_is_one_whatever_the_body_says(sweep: str, body: object, status: int) -> None:
    done = await read(STREAM, sweep, Scripted([Said(body, status=status)]))
    assert isinstance(done.error, Unexpected)
    assert str(status) in str(done.error)
    assert done.pages == []


@pytest.mark.parametrize("sweep", WINDOWED)
@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {},
        {"nextSyncToken": "x"},
        {"items": None},
        {"items": None, "nextSyncToken": "x"},
        {"items": {}},
        {"nextSyncToken": None, "nextPageToken": None},
        {"items": [], "nextPageToken": ""},
        {"items": [], "error": None, "statusCode": 200, "kind": "calls"},
    ],
)
async def test_an_account_without_calls_is_no_error(sweep: str, body: object) -> None:
    done = await read(STREAM, sweep, Scripted([Said(body)]))
    assert (done.error, done.sizes, done.cursors) == (None, [0], [Cursor(NOW - LAG)])
    assert done.pages[-1].end


async def test_a_page_without_items_does_not_end_the_list() -> None:
    http = Scripted([Said({"nextPageToken": 7}), listing(CALL)])
    assert (await read(STREAM, "live", http)).records() == [CALL]
    assert http.queries()[1]["pageToken"] == "7"


TEXT = "Zoé &#233; Ünal"


@pytest.mark.parametrize("sweep", ALL)
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
async def test_a_body_in_latin_1_is_read_as_such_and_entities_stay_as_they_are(sweep: str, charset: str) -> None:
    call = changed(CALL, TEXT, "externalId")
    body = json.dumps({"items": [call], "nextSyncToken": "x"}, ensure_ascii=False).encode(charset)
    done = await read(STREAM, sweep, Scripted([Said(body)]))
    assert (done.error, done.records()) == (None, [call])
    (record,) = done.pages[0].records
    assert TEXT.encode() in bytes(record)


async def test_a_record_in_latin_1_is_compared_like_the_same_in_utf_8() -> None:
    found: list[Any] = []
    for charset in ("utf-8", "latin-1"):
        body = json.dumps({"items": [changed(CALL, TEXT, "externalId")]}, ensure_ascii=False).encode(charset)
        done = await read(STREAM, "live", Scripted([Said(body)]))
        found += [bytes(record) for record in done.pages[0].records]
    assert found[0] == found[1]


async def test_half_a_character_hides_no_call() -> None:
    done = await read(STREAM, "live", Scripted([Said(b'{"items": [{"id": "1", "externalId": "a\\ud800"}]}')]))
    assert (done.error, done.sizes) == (None, [1])


async def test_what_the_vendor_throttles_in_words_it_does_not_time() -> None:
    done = await read(STREAM, "live", Scripted([refused(429)]))
    assert isinstance(done.error, Throttled)
    assert done.error.retry_after is None
