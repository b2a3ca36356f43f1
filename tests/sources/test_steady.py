"""Rows without what is volatile: what is equal then differs in nothing else, whatever the rows are like."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import product
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.seen import BASELINE, Seen, key_of
from poller.events.transform import transform
from poller.plugin import column_of, steady_rows
from poller.plugin.fields.columns import PageRows, Rows
from poller.plugin.stream import Stream, Window
from tests.simulation import callcap
from tests.sources.rest.described import stream_of
from tests.sources.scripted import NOW

PATHS = ("url", "at", "in.url")
VALUES = ('"p?q"', '"p?r"', '"p"', '"p\\u003fq"', "1", "null")
FIELDS = [f'"{name}":{value}' for name in ("url", "at", "a") for value in VALUES]
WITHIN = [f'"in":{{{field}}}' for field in FIELDS] + [
    f'"in":"{text}"' for text in ("", '\\"at\\":1', '\\"url\\":\\"p?q')
]


def steady_of(rows: Rows) -> Callable[[int], bytes]:
    urls = [("url", column_of(path, str, *PATHS)) for path in ("url", "in.url")]
    return steady_rows(volatile=[("at", column_of("at", str, *PATHS))], signed_urls=urls)(rows)


def all_rows() -> Iterable[bytes]:
    """All small rows, also such as name a field twice."""
    for count in range(4):
        yield from (f"{{{','.join(fields)}}}".encode() for fields in product([*FIELDS, *WITHIN], repeat=count))


def content(row: bytes) -> Any:
    """All of a row but what is volatile."""
    found = msgspec.json.decode(row)
    found["at"] = None
    for holder in (found, found.get("in")):
        if isinstance(holder, dict) and isinstance(holder.get("url"), str):
            holder["url"] = holder["url"].partition("?")[0]
    return found


def test_rows_that_are_equal_then_have_equal_contents() -> None:
    told: dict[bytes, Any] = {}
    rows = list(all_rows())
    steady = steady_of(rows)
    for number, row in enumerate(rows):
        assert told.setdefault(steady(number), content(row)) == content(row)


def without(row: bytes) -> bytes:
    return steady_of([row])(0)


def test_a_page_is_decoded_once() -> None:
    rows = [b'{"url":"p?q","at":5,"in":{"url":"a?b"}}', b'{"at":null,"a":"?"}', b"{}"]
    page = PageRows([msgspec.Raw(row) for row in rows])
    assert list(map(steady_of(page), range(3))) == list(map(without, rows))
    assert len(page.decoded) == 1


def test_what_is_volatile_is_gone() -> None:
    one, other = b'{"a":1,"url":"p?q","at":5,"in":{"url":"a?b"}}', b'{"a":1,"url":"p?r","at":"6","in":{"url":"a?c"}}'
    assert without(one) == without(other)
    assert without(one) != without(one.replace(b'"a":1', b'"a":2'))
    assert without(one) != without(one.replace(b"p?q", b"s?q"))
    between = b'{"b":{"url":"s"},"url":"p?q","c":{"url":"t"}}'
    assert without(between) == without(between.replace(b"p?q", b"p?r"))


@pytest.mark.parametrize("odd", [b"[]", b"null", b'{"a":1}{"a":2}', b"<html>"])
def test_rows_of_another_shape_stay_as_they_are(odd: bytes) -> None:
    steady = steady_of([b'{"url":"p?q"}', odd])
    assert [steady(0), steady(1)] == [b'{"url":"p?q"}', odd]


CALL = b'{"call_id":"c1","recording":"https://c.example/c1.mp3?S=%d","start_datetime":"2026-03-14 09:00:00","rings":%d}'
CALLS = {"kind": "call", "identity": "call_id", "time": "start_datetime", "modified": None}


def described(**compared: list[str]) -> Stream:
    return stream_of(CALLS | compared, "calls", timezone="US/Arizona")


class Known:
    """A stream of which one call is known; `decoded` is how many records were decoded."""

    def __init__(self, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream, self.seen, self.decoded = stream, Seen(None), 0
        decode = type(stream.records.decoder).decode

        def counted(decoder: Any, raw: bytes) -> Any:
            self.decoded += 1
            return decode(decoder, raw)

        monkeypatch.setattr(type(stream.records.decoder), "decode", counted)
        self.show(1)

    def show(self, *signed: int, rings: int = 1, **context: Any) -> Batch:
        """Read a page that has the call with these signatures, one after another, and remember it."""
        info = StreamInfo("acme", "callcap", "calls", "call")
        page = [CALL % (number, rings) for number in signed]
        batch = transform(self.stream, info, page, self.seen, PageContext(NOW, **context))
        self.seen.put(batch.seen.touched | batch.seen.entries)
        return batch

    def change(self, **values: int) -> None:
        """Change what is remembered of the call."""
        entry = self.seen.get(key_of("c1"), NOW.timestamp())
        assert entry
        self.seen.put({key_of("c1"): replace(entry, **values)})


STREAMS = {
    "built in": callcap().built_streams[0],
    "signed_urls": described(signed_urls=["recording"]),
    "volatile": described(volatile=["recording"]),
}


@pytest.fixture(params=STREAMS)
def known(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Known:
    return Known(STREAMS[request.param], monkeypatch)


def test_a_url_that_is_signed_anew_costs_no_decoding_from_the_second_time_on(known: Known) -> None:
    assert (known.show(2).counts.duplicates, known.decoded) == (1, 2)
    assert (known.show(3, 4).counts.duplicates, known.decoded) == (2, 2)


def test_a_change_beside_it_is_seen(known: Known) -> None:
    known.show(2)
    assert len(known.show(3, rings=2).messages) == 1
    assert len(known.show(4, 5, rings=1).messages) == 1
    assert not known.show(6, 1, rings=1).messages


def test_what_went_before_in_the_page_counts(known: Known) -> None:
    """A content that is back within a page is news, though the entry of seen says that it is known."""
    known.show(2)
    info = StreamInfo("acme", "callcap", "calls", "call")
    page = [CALL % (3, 2), CALL % (4, 1)]
    assert len(transform(known.stream, info, page, known.seen, PageContext(NOW)).messages) == 2


def test_a_record_in_doubt_is_told_again(known: Known) -> None:
    known.show(2)
    assert len(known.show(3, doubts={key_of("c1")}).messages) == 1


def test_what_was_noted_in_silence_is_told_by_a_backfill(known: Known) -> None:
    known.show(2)
    known.change(flags=BASELINE)
    assert len(known.show(3, history=Window(NOW - timedelta(days=900), NOW)).messages) == 1


def test_what_another_projection_left_out_is_compared_by_content(known: Known) -> None:
    known.show(2)
    known.change(projection=1)
    before = known.decoded
    known.show(3)
    assert known.decoded == before + 1
