"""Bodies as vendors and what stands between us really send them: repaired where that is plain, else refused.

Killed: NaN replaced within a text; one byte that spoils the encoding of all; a number beyond a double that hides an
answer; a repair that makes JSON of what is none.
"""

import codecs
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.errors import Unexpected
from poller.plugin import Response
from poller.plugin.fields.decoding import decode_response, repair_text, without_no_numbers, without_overflows

ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
TOTAL: msgspec.json.Decoder[dict[str, float | None]] = msgspec.json.Decoder(dict[str, float | None])
MARK = codecs.BOM_UTF8

BODIES: list[tuple[bytes, bytes, tuple[str, ...]]] = [
    (b'{"a": 1}', b'{"a": 1}', ()),
    ('{"a": "Zoé"}'.encode(), '{"a": "Zoé"}'.encode(), ()),
    (MARK + b'{"a": 1}', b'{"a": 1}', ("byte order mark",)),
    ('\ufeff{"a": "é"}'.encode("utf-16-le"), '{"a": "é"}'.encode(), ("byte order mark",)),
    ('\ufeff{"a": "é"}'.encode("utf-16-be"), '{"a": "é"}'.encode(), ("byte order mark",)),
    ('{"a": "Zoé"}'.encode("latin-1"), '{"a": "Zoé"}'.encode(), ("encoding",)),
    ('["Zoé", "'.encode() + b'\xff"]', '["Zoé", "ÿ"]'.encode(), ("encoding",)),
    (b'["\xe2\x82", "\xe2\x82\xac"]', '["\xe2\x82", "€"]'.encode(), ("encoding",)),
    (b"[NaN, Infinity, -Infinity]", b"[null, null, null]", ("not a number",)),
    (b'{"NaN":NaN,"b":"NaN, \\"NaN"}', b'{"NaN":null,"b":"NaN, \\"NaN"}', ("not a number",)),
    (b'["NaN", "-Infinity"]', b'["NaN", "-Infinity"]', ()),
    (MARK + b'["\xe9", NaN]', '["é", null]'.encode(), ("byte order mark", "encoding", "not a number")),
    (b"", b"", ()),
]


@pytest.mark.parametrize(("sent", "read", "repaired"), BODIES)
def test_a_body_is_repaired_where_it_is_plain_what_was_meant(
    sent: bytes, read: bytes, repaired: tuple[str, ...]
) -> None:
    text, names = repair_text(sent)
    body = without_no_numbers(text)
    assert (body, (*names, *(["not a number"] if body != text else []))) == (read, repaired)
    assert repair_text(read) == (read, ())
    assert without_no_numbers(read) == read
    if read:
        assert decode_response(ANY, sent) == json.loads(read)


def test_an_answer_is_looked_through_only_where_it_cannot_be_read_as_it_is() -> None:
    mended: list[bytes] = []

    def mend(body: bytes) -> bytes:
        mended.append(body)
        return without_no_numbers(body)

    assert decode_response(ANY, Response(200, b'{"a": "NaN"}', None, mend=mend)) == {"a": "NaN"}
    assert not mended
    answer = Response(200, b'{"a": NaN}', None, mend=mend)
    assert decode_response(ANY, answer) == {"a": None}
    assert answer.body == b'{"a": null}'
    assert mended == [b'{"a": NaN}'], "once"
    with pytest.raises(Unexpected):
        decode_response(ANY, Response(200, b'["a', None, mend=mend))


@pytest.mark.parametrize("sent", [b"", b"NaNa", b"{NaN: 1}", b'["a', b"<html>NaN</html>", b"[1e999", b"[+1]", b"[01]"])
def test_what_is_no_json_then_stays_refused(sent: bytes) -> None:
    with pytest.raises(Unexpected):
        decode_response(ANY, sent)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000, "1.5E+400"])
def test_a_number_beyond_a_double_is_null(number: str) -> None:
    assert without_overflows(f'{{"a": {number}, "1e999": "1e999"}}'.encode()) == b'{"a": null, "1e999": "1e999"}'
    assert decode_response(TOTAL, f'{{"total": {number}}}'.encode()) == {"total": None}


def test_half_a_character_is_shown_as_what_cannot_be_shown() -> None:
    """As texts end in that are cut at a number of UTF-16 units."""
    sent = rb'["so\ud83d", "\ude00", "\ud83d\ude00", "\\ud83d"]'
    assert decode_response(ANY, sent) == ["so\ufffd", "\ufffd", "\U0001f600", "\\ud83d"]


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, st.booleans())
def test_what_is_json_is_left_alone(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    assert repair_text(body) == (body, ())
    assert without_no_numbers(body) == body
    assert without_overflows(body) == body
