"""Decode bytes as a vendor sent them: what is text, what is repaired, what is refused.

A body comes in three qualities. What is JSON in UTF-8 stays as it is. What many serializers wrongly print is repaired:
a byte order mark and bytes in Latin-1 before anything reads it (`repair_text`), NaN and Infinity where it cannot be
decoded as it is (`without_no_numbers`). What cannot be decoded then is tried once more (`decode_response`) without its
halves of characters and its numbers beyond a double, which are JSON by its grammar and so stay in the record as sent.
All else is refused.
"""

import codecs
import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from poller.errors import Unexpected
from poller.plugin.stream import Response

DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The exceptions that decoding a vendor's bytes can raise."""

T = TypeVar("T")

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NO_NUMBERS = re.compile(_STRING + rb"|(-?\b(?:NaN|Infinity)\b)", re.DOTALL)
_NUMBERS = re.compile(_STRING + rb"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.DOTALL)
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"%b%b|(%b|%b)|\\." % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL)
_skip = msgspec.json.Decoder(msgspec.Raw).decode
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def repair_text(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a body in UTF-8 and without a byte order mark, and the names of what was repaired.

    Bytes that are no UTF-8 are each taken for Latin-1, so that one of them spoils no other text.
    """
    repaired = []
    for name, step in (("byte order mark", _without_mark), ("encoding", utf8)):
        before, body = body, step(body)
        if body != before:
            repaired.append(name)
    return body, tuple(repaired)


def _without_mark(body: bytes) -> bytes:
    """Remove a byte order mark (RFC 8259 §8.1 lets a reader ignore one); UTF-16 that has one becomes UTF-8."""
    if encoding := _MARKS.get(body[:2]):
        return body.decode(encoding, "replace").encode()
    return body.removeprefix(codecs.BOM_UTF8)


def utf8(body: bytes) -> bytes:
    """Return a body in UTF-8: each byte that is not is taken for Latin-1, which old servers speak."""
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", _AS_LATIN_1).encode()
    return body


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):  # of encoding or translating, for which this is not registered
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


_AS_LATIN_1 = "poller.latin-1"
codecs.register_error(_AS_LATIN_1, _latin_1)


def without_no_numbers(body: bytes) -> bytes:
    """Return a body in which NaN and Infinity, which are no JSON, are null."""
    try:
        _skip(body)  # what is JSON has none, and skipping it is faster than looking for their names in its texts
    except DECODE_ERRORS:
        return _without(_NO_NUMBERS, lambda _: True, body)
    return body


def without_overflows(text: bytes) -> bytes:
    """Return JSON in which the numbers beyond a double (`1e999`) are null: readers would get none, or infinity."""
    return _without(_NUMBERS, lambda number: abs(float(number)) == float("inf"), text)


def _without(tokens: re.Pattern[bytes], unwanted: Callable[[bytes], bool], text: bytes) -> bytes:
    """Put null for tokens outside of strings."""
    return tokens.sub(lambda found: b"null" if found[1] and unwanted(found[1]) else found[0], text)


def decode_response(decoder: "msgspec.json.Decoder[T]", answer: Response | bytes | msgspec.Raw) -> T:
    """Decode an answer, or a part of one. Raises Unexpected where it is not of the documented shape."""
    try:
        return decoder.decode(answer.sent if isinstance(answer, Response) else answer)
    except DECODE_ERRORS as error:
        sent = bytes(answer.body if isinstance(answer, Response) else answer)
        if isinstance(answer, Response):
            return decode_response(decoder, sent)
        for mend in (_repaired, _paired, without_overflows):
            if (mended := mend(sent)) != sent:
                return decode_response(decoder, mended)
        why = "markup where JSON was asked for" if sent.lstrip()[:1] == b"<" else str(error)
        raise Unexpected(f"not the documented answer: {why}") from None


def _repaired(body: bytes) -> bytes:
    return without_no_numbers(repair_text(body)[0])


def _paired(body: bytes) -> bytes:
    """Half a character (a lone surrogate escape, as cut texts end in) is no JSON: show it as what cannot be shown."""
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
