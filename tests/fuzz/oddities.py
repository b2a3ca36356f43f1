"""Values that readers of JSON, of times and of names have stumbled over, as they are spelt in JSON."""

# ruff: noqa: E501, RUF001 -- characters that look like others are what this is for, and rows of them are long

import json
from collections.abc import Sequence

NUMBERS: Sequence[bytes] = [
    b"0", b"-0", b"-1", b"1.0", b"1.5", b"1e2", b"1E+2", b"1e400", b"-1e999", b"1e-400", b"0.1e1", b"1" * 400,
    b"-" + b"9" * 5000, b"0." + b"3" * 400, b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"18446744073709551615", b"18446744073709551616", b"253402300800", b"253402300799000", b"-62135596801", b"2147483648",
    b"1e18", b"1773505840", b"1773505840000", b"1773505840000000", b"4294967296", b"1e308", b"86400.000000001",
    b"NaN", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x10", b"1_000", b"--1", b"1e", b"True", b"nul", b"undefined",
]  # fmt: skip

_DATES = [
    "0000-00-00 00:00:00", "0000-00-00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "+292278994-08-17T07:12:55Z",
    "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-14T24:00:00Z",
    "2026-03-14T25:00:00Z", "2026-03-14T16:00:60Z", "2026-06-30T23:59:60Z", "2026-03-14T16:00:00.1234567890123Z",
    "2026-03-14T16:00:00+99:99", "2026-03-14T16:00:00+24:00", "2026-03-14T16:00:00-00:00", "2026-03-14T16:00:00 PST",
    "2026-03-14T16:00:00[Europe/Berlin]", "2026-03-08 02:30:00", "2026-11-01 01:30:00", "2026-03-29T02:30:00",
    "2026-W11-6", "2026-074", "20260314T160000Z", "14/03/2026 16:00", "03/14/26 4:00 PM", "Sat, 14 Mar 2026 16:00:00 GMT",
    "Mar 14, 2026 4:00:00 PM", "/Date(1773505840000)/", "1773505840", "1773505840.5", "1e300", "now", "today", "infinity",
    "２０２６-０３-１４T16:00:00Z", "٢٠٢٦-٠٣-١٤", "2026–03–14", "2026-03-14T16:00:00\u00a0Z", " 2026-03-14T16:00:00Z ",
    "2026-03-14T16:00:00Z\x00", "²026-03-14", "00:00:00", "-1:00", "99:99:99", "1:2:3:4", "PT5M", "12:34", "9" * 400,
]  # fmt: skip

_TEXTS = [
    "", " ", "\t\n\r", "\0", "a\0b", "\x1b[31mred", "\u2028", "\u0085", "\ufeff", "\u202eabc", "\u200b", "e\u0301" * 40,
    "😀", "👨‍👩‍👧", "Z̷̢̛" * 30, "ß", "İ", "ı", "ﬁ", "٣", "Ⅷ", "½", "﷽", "null", "NaN", "None", "true", "no", "0", "-0", "NF",
    "../../etc/passwd", "a/b|c\\d", "%s%n%x", "{source}", "${HOME}", "<script>alert(1)</script>", "'; DROP TABLE x; --",
    "http://other.example/next?page=2", "//other.example", "?page=2&page=3", "page=%ff%00", "a" * 20_000, "\x7f" * 3,
    "+1 (212) 555-01 01 x9", "+", "tel:+", "sip:a@b", "00000000000", "+999999999999999999999", "１２１２５５５０１０１",
]  # fmt: skip

_HALVES = [rb'"\ud800"', rb'"\udfff\ud800"', rb'"a\ud83d"', rb'"\u0000"', b'"\xff\xfe"', b'"\xe9"', b'"a\nb"', rb'"\x"']
"""Halves of characters, and what is no text at all."""


def _nested(depth: int, begin: bytes = b"[", end: bytes = b"]") -> bytes:
    return begin * depth + b"1" + end * depth


CONTAINERS: Sequence[bytes] = [
    b"[]", b"{}", b"[[]]", b"[null]", b"[{}]", b'{"":1}', b'{"a":1,"a":2}', b'{"0":{},"1":{}}', b"[" + b"1," * 999 + b"1]",
    _nested(30), _nested(600), _nested(2_000, b'{"a":', b"}"), _nested(20_000), _nested(300, b'[{"":', b"}]"),
    b"[" * 500,
]  # fmt: skip

DATES = [json.dumps(text, ensure_ascii=False).encode() for text in _DATES]
TEXTS = [json.dumps(text).encode() for text in _TEXTS] + _HALVES
ODD: Sequence[Sequence[bytes]] = [NUMBERS, DATES, TEXTS, CONTAINERS, [b"null", b"true", b"false"]]
