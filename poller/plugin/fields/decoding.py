"""Bytes as a vendor sent them, decoded: what counts as text, what is repaired, what is refused."""

import re
from typing import TypeVar

import msgspec

from poller.errors import Unexpected

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a vendor's bytes can raise."""


def utf8(body: bytes) -> bytes:
    """A body in UTF-8; one that is not is taken for Latin-1, which old servers speak."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1").encode()
    return body


T = TypeVar("T")


def decode_response(decoder: "msgspec.json.Decoder[T]", body: bytes | msgspec.Raw) -> T:
    """Decode an answer. Raises Unexpected where it is not of the documented shape."""
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        if (mended := _paired(bytes(body))) != body:
            return decode_response(decoder, mended)
        why = "markup where JSON was asked for" if bytes(body).lstrip()[:1] == b"<" else str(error)
        raise Unexpected(f"not the documented answer: {why}") from None


def _paired(body: bytes) -> bytes:
    """Half a character (a lone surrogate escape, as cut texts end in) is no JSON: show it as what cannot be shown."""
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"


_ESCAPES = re.compile(rb"%b%b|(%b|%b)|\\." % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL)
