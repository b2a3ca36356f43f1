"""An answer's body: unpacked where it is compressed, and in UTF-8 where its charset says that it is not.

Headers about the body are often wrong. Tomcat declares ISO-8859-1 for JSON in UTF-8, PHP sends `Content-Encoding:
utf-8`, a gateway pads a compressed stream. What can be read for certain is read; what is no JSON then, is refused by
the vendor's own file.
"""

import codecs
import re
import zlib

from poller.errors import TooLarge, Unexpected

_CODINGS = {
    "aes128gcm", "br", "bzip2", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "lz4", "lzma", "pack200-gzip",
    "snappy", "xz", "zstd",
}  # fmt: skip
"""The content codings there are: those of the IANA registry, and what else servers compress by. All else is none."""

_GZIP = b"\x1f\x8b\x08"


class Body:
    """A body as it arrives: unpacked, where it is gzip, the one compression that is asked for; `limit` bytes at most.

    Raises Unexpected where it cannot be unpacked, and TooLarge where it is longer. No more than the limit is ever
    held: a body of a few kilobytes can unpack to gigabytes.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        codings = _codings(encoding)
        if codings not in ([], ["gzip"]):
            raise Unexpected("the body's compression is none that was asked for")
        self._packed = bool(codings)
        self._gzip = zlib.decompressobj(wbits=31)
        self._limit = limit
        self._begun = self._ended = False
        self._between = b""
        self._parts: list[bytes] = []
        self._size = 0

    def take(self, part: bytes) -> None:
        """Add what came next. What follows the end of a gzip stream, and is not another one, is left out."""
        if not self._packed:
            self._add(part)
        while part and self._packed and not self._ended:
            if self._gzip.eof:
                part = self._next_member(self._between + part)
                continue
            self._begun = True
            self._add(self._unpacked(part))
            part = self._gzip.unused_data

    def whole(self) -> bytes:
        """Return all of it."""
        if self._packed and self._begun and not self._gzip.eof:
            raise Unexpected("the body's compression ends early")
        return b"".join(self._parts)

    def _next_member(self, part: bytes) -> bytes:
        """Return what to unpack after the end of a member (RFC 1952 §2.2): nothing, unless it is one more."""
        whole = len(part) >= len(_GZIP)
        self._between = b"" if whole else part
        self._ended = not part.startswith(_GZIP[: len(part)])
        if not whole or self._ended:
            return b""
        self._gzip = zlib.decompressobj(wbits=31)
        return part

    def _add(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._limit:
            raise TooLarge(f"the body is larger than {self._limit >> 20} MiB")

    def _unpacked(self, part: bytes) -> bytes:
        try:
            return self._gzip.decompress(part, self._limit + 1 - self._size)
        except zlib.error:
            raise Unexpected("the body's compression is broken") from None


def _codings(header: str) -> list[str]:
    """Read a Content-Encoding. What is no coding (`utf-8`, `none`, `identity`) has changed nothing and is left out."""
    names = [name.strip(' "').removeprefix("x-") for name in header.lower().split(",")]
    return [name for name in names if name in _CODINGS]


_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.ASCII | re.IGNORECASE)
_UNICODE = frozenset(f"utf-{bits}{order}" for bits in (16, 32) for order in ("", "-le", "-be"))
_MULTIBYTE = {
    "big5": "big5", "big5hkscs": "big5hkscs", "cp932": "cp932", "cp949": "cp949", "cp950": "cp950", "euc_jp": "euc_jp",
    "euc_kr": "cp949", "gb18030": "gb18030", "gb2312": "gb18030", "gbk": "gb18030", "iso2022_jp": "iso2022_jp",
    "shift_jis": "cp932",
}  # fmt: skip
"""A charset of several bytes a character -> the one that holds all of it, and is meant by it."""
_SINGLE_BYTE = re.compile(r"iso8859-\d+|cp(125\d|437|850|852|855|866|874)|koi8-[rut]|mac-roman|tis-620")


def to_utf8(body: bytes, content_type: str) -> bytes:
    """Return the body in UTF-8, decoded by the charset that its Content-Type declares, where that is a known one.

    JSON is UTF-8 whatever is declared (RFC 8259 §8.1), so of a charset of one byte a character only those bytes are
    taken that are no UTF-8: servers declare ISO-8859-1 without meaning it. (It means Windows-1252, as in browsers:
    https://encoding.spec.whatwg.org/#names-and-labels.)
    """
    codec = _declared_codec(content_type)
    if codec in _UNICODE and b"\0" in body:
        return body.decode(_with_order(codec, body), "replace").encode()
    if _SINGLE_BYTE.fullmatch(codec):
        return body if body.isascii() else body.decode("utf-8", _fallback(codec)).encode()
    try:
        return body.decode(_MULTIBYTE[codec]).encode() if codec in _MULTIBYTE else body
    except UnicodeDecodeError:
        return body


def _declared_codec(content_type: str) -> str:
    """Return Python's name of the declared charset; nothing where none is declared, or an unknown one."""
    declared = _CHARSET.search(content_type)
    try:
        return codecs.lookup(declared[1]).name if declared else ""
    except LookupError:
        return ""


def _with_order(codec: str, body: bytes) -> str:
    """Name the order of the bytes, where neither the charset nor a mark does: JSON begins with ASCII."""
    if codec not in {"utf-16", "utf-32"} or body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codec
    return f"{codec}-be" if body.startswith(b"\0") else f"{codec}-le"


def _fallback(codec: str) -> str:
    """Return the name of an error handler that decodes by this charset what is no UTF-8."""
    charset = "cp1252" if codec == "iso8859-1" else codec

    def decode(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):  # of encoding or translating, for which this is not registered
            raise error
        return error.object[error.start : error.end].decode(charset, "replace"), error.end

    codecs.register_error(name := f"poller.{charset}", decode)
    return name
