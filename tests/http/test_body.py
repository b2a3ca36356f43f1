"""A body is read for what it is, whatever the headers about it say.

Killed: a Content-Encoding that is no coding refused, or one that is a coding taken for none; what follows a compressed
stream unpacked, or its second member left out; a declared charset that spoils UTF-8; one odd byte that changes every
text of the body.
"""

import gzip
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poller.errors import Unexpected
from poller.http.body import Body, to_utf8
from tests.http.wire import answer, saying, session, vendor

TEXT = '{"name": "Zoë Müller", "city": "Łódź", "note": "naïve “quotes”"}'
LATIN = '{"name": "Zoë Müller", "note": "über"}'
JSON = b'{"calls": [1, 2, 3]}'
PACKED = gzip.compress(JSON)


def read(encoding: str, body: bytes, size: int = 1 << 20) -> bytes:
    taken = Body(encoding, 1 << 20)
    for at in range(0, len(body), size):
        taken.take(body[at : at + size])
    return taken.whole()


async def received(body: bytes, **headers: str) -> bytes:
    async with vendor(saying(answer(200, body, **headers))) as server, session(server.url) as ours:
        return (await ours.get("/calls", {})).body


NO_CODINGS = [
    "",
    "identity",
    "none",
    "utf-8",
    "UTF8",
    "8bit",
    "binary",
    "iso-8859-1",
    "application/json",
    "chunked",
    ",",
]


@pytest.mark.parametrize("encoding", NO_CODINGS)
async def test_what_is_no_coding_has_changed_nothing(encoding: str) -> None:
    assert await received(JSON, Content_Encoding=encoding) == JSON


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", "gzip, utf-8", "identity,gzip", '"gzip"'])
async def test_gzip_is_gzip_however_it_is_spelt(encoding: str) -> None:
    assert await received(PACKED, Content_Encoding=encoding) == JSON


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "x-compress", "gzip, br", "gzip, gzip", "utf-8, br"])
def test_a_compression_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(Unexpected, match="compression is none that was asked for"):
        read(encoding, JSON)


BEHIND = [b"\0" * 512, b"\r\n", b"\x1f", b"\x1f\x8b", b"<!-- served by node 7 -->", b"\x1f\x1f\x8b\x08", JSON]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("behind", BEHIND)
def test_what_follows_a_compressed_stream_is_left_out(behind: bytes, size: int) -> None:
    assert read("gzip", PACKED + behind, size) == JSON


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_a_second_member_is_no_such_thing(size: int) -> None:
    assert read("gzip", gzip.compress(JSON[:9]) + gzip.compress(JSON[9:]) + b"\0", size) == JSON
    with pytest.raises(Unexpected, match="early"):
        read("gzip", gzip.compress(JSON[:9]) + gzip.compress(JSON[9:])[:-9], size)


async def test_what_follows_is_left_out_on_the_wire_too() -> None:
    assert await received(PACKED + b"\0\0", Content_Encoding="gzip") == JSON


DECLARED = {
    "iso-8859-1": LATIN, "ISO-8859-15": LATIN + "€", "latin1": LATIN, "windows-1252": LATIN + "“”", "koi8-r": "Привет",
    "iso-8859-2": "Łódź", "cp437": "Zoë", "utf-16": TEXT, "utf-16le": TEXT, "utf-16be": TEXT, "utf-32": TEXT,
    "shift_jis": "日本語", "euc-jp": "日本語", "iso-2022-jp": "日本語", "gb2312": "联通", "gbk": "中文", "big5": "中文",
    "euc-kr": "한국어", "utf-8": TEXT,
}  # fmt: skip


@pytest.mark.parametrize("charset", DECLARED)
async def test_a_declared_charset_is_read(charset: str) -> None:
    text = f'["{DECLARED[charset]}"]' if DECLARED[charset][0] != "{" else DECLARED[charset]
    declared = f"application/json; charset={charset}"
    assert (await received(text.encode(charset), Content_Type=declared)).decode() == text


@pytest.mark.parametrize(
    "form", ['application/json;Charset="ISO-8859-1"', "charset = iso-8859-1 ; q=1", "x;charset='latin-1'"]
)
def test_however_it_is_declared(form: str) -> None:
    assert to_utf8(LATIN.encode("latin-1"), form).decode() == LATIN


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_the_order_of_bytes_is_seen_where_nothing_says_it(codec: str) -> None:
    assert to_utf8(TEXT.encode(codec), f"application/json; charset={codec[:6]}").decode() == TEXT


def test_browsers_read_latin_1_as_windows_1252() -> None:
    assert to_utf8(b'["\x93so\x94"]', "text/json; charset=iso-8859-1").decode() == '["“so”"]'


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-16", "us-ascii", "koi8-r"])
def test_utf8_stays_whatever_is_declared(charset: str) -> None:
    assert to_utf8(TEXT.encode(), f"application/json; charset={charset}") == TEXT.encode()


def test_one_odd_byte_changes_no_other_text() -> None:
    body = TEXT.encode() + b' "\xe9"'
    assert to_utf8(body, "application/json; charset=iso-8859-1").decode() == TEXT + ' "é"'


@pytest.mark.parametrize(
    "charset", ["", "x-unknown", "base64", "rot13", "hex", "zlib", "idna", "unicode_escape", "utf-7"]
)
def test_an_unknown_charset_changes_nothing(charset: str) -> None:
    body = b'["\xe9+AGE-eyJhIjoxfQ=="]'
    assert to_utf8(body, f"application/json; charset={charset}") == body


def test_what_its_charset_cannot_be_stays_for_others_to_refuse() -> None:
    assert to_utf8(b'["\xff\xff"]', "application/json; charset=euc-kr") == b'["\xff\xff"]'


@given(st.binary(max_size=60), st.text(st.characters(max_codepoint=255), max_size=40))
@example(b"\0", "charset=utf-16")
@example(b"\xff", "charset=utf-32")
@example(b"\xff", "charset=a..b")
def test_no_header_breaks_the_reading_of_a_body(body: bytes, text: str) -> None:
    for header in (text, f"charset={text}"):
        to_utf8(body, header)
    with suppress(Unexpected):
        read(text, body)
