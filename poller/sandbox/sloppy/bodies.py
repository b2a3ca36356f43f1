"""Sloppy kinds that change an answer's bytes and headers: encodings, compression, white space, the Date."""

import gzip
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime

from poller.sandbox.sloppy.reply import Reply

Change = Callable[[Reply], None]


def _escaped(text: str, most: int) -> str:
    """Return the JSON text with every character beyond `most` as a \\u escape."""

    def escape(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be")
        return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))

    return re.sub(f"[^\x00-{chr(most)}]", escape, text)


def _written(change: Callable[[bytes], bytes], *, charset: str = "", encoding: str = "") -> Change:
    def apply(reply: Reply) -> None:
        reply.body = change(reply.body)
        if charset:
            reply.headers["content-type"] = f"application/json; charset={charset}"
        if encoding:
            reply.headers["content-encoding"] = encoding

    return apply


def _latin1(body: bytes) -> bytes:
    return _escaped(body.decode(errors="replace"), 255).encode("latin-1")


def _members(body: bytes) -> bytes:
    half = len(body) // 2
    return gzip.compress(body[:half]) + gzip.compress(body[half:])


BODIES: Mapping[str, tuple[str, Change]] = {
    "byte_order_mark": ("the body begins with a byte order mark", _written(lambda body: b"\xef\xbb\xbf" + body)),
    "declared_latin1": ("the body is in ISO-8859-1, and says so", _written(_latin1, charset="ISO-8859-1")),
    "declared_utf16": (
        "the body is in UTF-16, and says so",
        _written(lambda body: body.decode(errors="replace").encode("utf-16"), charset="utf-16"),
    ),
    "unicode_escapes": (
        "all letters but ASCII's are escapes",
        _written(lambda body: _escaped(body.decode(errors="replace"), 127).encode()),
    ),
    "escaped_slashes": ("slashes are escaped, as PHP does", _written(lambda body: body.replace(b"/", b"\\/"))),
    "trailing_space": ("white space and an empty line after the body", _written(lambda body: body + b" \r\n\r\n")),
    "encoding_utf8": ("Content-Encoding: utf-8", _written(bytes, encoding="utf-8")),
    "encoding_none": ("Content-Encoding: none", _written(bytes, encoding="none")),
    "encoding_identity": ("Content-Encoding: identity", _written(bytes, encoding="identity")),
    "gzip_with_tail": (
        "bytes after the end of the gzip stream",
        _written(lambda body: gzip.compress(body) + bytes(16) + b"tail", encoding="gzip"),
    ),
    "gzip_in_two": ("the gzip stream has two members (RFC 1952)", _written(_members, encoding="gzip")),
}
"""Of each kind: its line, and the change it makes; only one of them strikes an answer."""


def _dated(ahead: timedelta) -> Change:
    def change(reply: Reply) -> None:
        reply.headers["date"] = format_datetime(reply.now + ahead, usegmt=True)

    return change


def _date(text: str) -> Change:
    def change(reply: Reply) -> None:
        reply.headers["date"] = text

    return change


def _undated(reply: Reply) -> None:
    reply.headers.pop("date", None)


DATES: Mapping[str, tuple[str, Change]] = {
    "date_of_1970": ("the Date is that of 1970", _date("Thu, 01 Jan 1970 00:00:00 GMT")),
    "date_ahead": ("the Date runs two hours ahead of the vendor's stamps", _dated(timedelta(hours=2))),
    "date_missing": ("there is no Date", _undated),
    "date_unreadable": ("the Date is no date", _date("Sat Mar 14 2026 at noon")),
}
"""Of each kind: its line, and the change it makes; only one of them strikes an answer."""
