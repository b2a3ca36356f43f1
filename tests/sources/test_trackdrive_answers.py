"""Which of TrackDrive's answers are believed."""

from typing import Any

import pytest

from poller.errors import Denied, SourceError, Throttled, Unavailable, Unexpected
from poller.plugin.stream import Stream
from tests.sources.scripted import Said, Scripted, changed, read, without
from tests.sources.trackdrive_pages import CALLS, LEAD, LEADS, NEW_CALL, NEW_LEAD, listing

SWEEPS = [(stream, sweep.name) for stream in (LEADS, CALLS) for sweep in stream.sweeps]
KEYS = {"changes": "change_logs"}


def key(stream: Stream, sweep: str) -> str:
    return KEYS.get(sweep, stream.name)


BAD: dict[str, tuple[Any, str]] = {
    "html": (b"<!DOCTYPE html><title>Login</title>", "markup"),
    "empty": (b"", "not the documented answer"),
    "cut off": (b'{"status": 200, "leads": [{"uuid": "u1"', "not the documented answer"),
    "no utf-8": (b'{"status": 200, "checksum": "\xff', "not the documented answer"),
    "a bare list": (lambda good, name: good[name], "not the documented answer"),
    "no metadata": (lambda good, _: without(good, "metadata"), "metadata"),
    "metadata null": (lambda good, _: {**good, "metadata": None}, "metadata"),
    "a page that holds an error": (lambda good, name: {**good, name: {"error": "Login"}}, "no record"),
    "metadata a list": (lambda good, _: {**good, "metadata": []}, "metadata"),
    "no rows": (without, "it holds no "),
    "rows null, and a total": (lambda good, name: {**good, name: None}, "it holds no "),
    "rows an object": (lambda good, name: {**good, name: {"u1": {}}}, "not the documented answer"),
    "rows a string": (lambda good, name: {**good, name: "none"}, "not the documented answer"),
    "rows of another list": (lambda good, name: {**without(good, name), "offers": good[name]}, "it holds no "),
    "total a word": (lambda good, _: changed(good, "three", "metadata", "total_count"), "total_count"),
    "total negative": (lambda good, _: changed(good, -1, "metadata", "total_count"), "total_count"),
    "cursor an object": (lambda good, _: changed(good, {"a": 1}, "metadata", "next_cursor"), "next_cursor"),
    "status null": (lambda good, _: {**good, "status": None}, "status"),
    "status a word": (lambda good, _: {**good, "status": "ok"}, "status"),
    "errors": (lambda good, _: {**good, "errors": {"time_zone": "is not included in the list"}}, "errors"),
    "an error": (lambda good, _: {**good, "errors": "no such column"}, "errors"),
}


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
@pytest.mark.parametrize(("bad", "says"), BAD.values(), ids=BAD.keys())
@pytest.mark.covers("trackdrive", 8)
async def test_a_200_that_is_not_the_documented_answer_is_no_answer(
    bad: Any, says: str, stream: Stream, sweep: str
) -> None:
    name = key(stream, sweep)
    body = bad if isinstance(bad, bytes) else bad(listing(name, [LEAD], next_cursor=0, total_count=1), name)
    done = await read(stream, sweep, Scripted([Said(body)]))
    assert type(done.error) is Unexpected
    assert says in str(done.error)
    assert "Login" not in str(done.error)
    assert "Pat" not in str(done.error)
    assert "time_zone" not in str(done.error)
    assert done.pages == []


REFUSALS = [(401, Denied), (403, Denied), (429, Throttled), (500, Unavailable), (503, Unavailable), (422, Unexpected)]


@pytest.mark.parametrize(("stream", "sweep"), SWEEPS)
@pytest.mark.parametrize(("status", "error"), REFUSALS)
@pytest.mark.covers("trackdrive", 8)
async def test_a_200_whose_body_says_otherwise_is_what_the_body_says(
    status: int, error: type[SourceError], stream: Stream, sweep: str
) -> None:
    for body in ({**listing(key(stream, sweep), []), "status": status}, {"status": status, "errors": {"a": "b"}}):
        done = await read(stream, sweep, Scripted([Said(body)]))
        assert type(done.error) is error
        assert str(status) in str(done.error)
        assert done.pages == []


@pytest.mark.parametrize("errors", [None, [], {}, ""])
async def test_no_errors_are_none(errors: object) -> None:
    for stream, record in ((LEADS, NEW_LEAD), (CALLS, NEW_CALL)):
        body = {**listing(stream.name, [record], next_cursor=0), "errors": errors}
        empty = Said(listing(stream.name, []))
        done = await read(stream, "live", Scripted([Said(body), empty]))
        assert (done.error, done.records()) == (None, [record])


async def test_a_404_is_an_error() -> None:
    for stream in (LEADS, CALLS):
        done = await read(stream, "live", Scripted([Said({"status": 404}, status=404)], known={"/api/v1/leads"}))
        assert type(done.error) is Unexpected
