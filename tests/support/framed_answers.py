"""Answers as vendors, proxies and gateways frame them, right and wrong, for RFC 9112 to judge: Hypothesis strategies.

`Wire` is what goes over the connection; `body` is what it says, where it is framed as the RFC wants, else None.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

_BODIES = st.binary(max_size=40) | st.sampled_from(
    [b"", b"[]", b'{"calls": []}', b"\r\n\r\n", b"0\r\n\r\n", b"x" * 300_000]
)
_INTERIM = st.sampled_from(
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n",
    ]
)
_BEHIND = st.sampled_from([b"", b"", b"\r\n", b"\0", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[9]", b"y" * 70_000])
_PLAIN_FIELDS = st.lists(
    st.sampled_from(
        [
            b"Server: cloudflare",
            b"Set-Cookie: a=b; Path=/",
            b"X-Empty:",
            b"X-Folded: a\r\n b",
            b"X-Latin: caf\xe9",
            b"X-Long: " + b"z" * 5000,
            b"Connection: close",
            b"Keep-Alive: timeout=5",
            b"date: Sat, 14 Mar 2026 12:00:00 GMT",
        ]
    ),
    max_size=3,
)


@dataclass(frozen=True, slots=True)
class Wire:
    """The bytes of one answer, and what may follow; `closes`: the end of the connection ends the body."""

    sent: bytes
    whole: int
    """How many of the bytes sent are the answer's own."""
    status: int
    body: bytes | None
    closes: bool = False


@st.composite
def well_framed(draw: st.DrawFn) -> Wire:
    """An answer whose body is told by one of the ways of RFC 9112 §6.3, and what must not be read behind it."""
    status = draw(st.sampled_from([200, 200, 200, 204, 206, 304, 404, 503]))
    body = b"" if status in {204, 304} else draw(_BODIES)
    told, sent = draw(_framing(body) if status not in {204, 304} else _framing_of_nothing())
    fields = draw(st.permutations([*draw(_PLAIN_FIELDS), *told]))
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.0"]))
    line = version + b" %d" % status + draw(st.sampled_from([b" OK", b" ", b" Not OK at all"]))
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n"]))
    head = end.join([line, *fields]) + end * 2
    whole = b"".join(draw(st.lists(_INTERIM, max_size=2))) + head + sent
    closes = status not in {204, 304} and not told
    return Wire(whole + (b"" if closes else draw(_BEHIND)), len(whole), status, body, closes)


@st.composite
def _framing(draw: st.DrawFn, body: bytes) -> tuple[list[bytes], bytes]:
    """The fields that tell where this body ends, and its bytes on the wire."""
    length = b"Content-Length: %d" % len(body)
    way = draw(st.sampled_from(["length", "length", "twice", "list", "zeros", "chunks", "both", "close"]))
    told = {
        "length": [draw(st.sampled_from([length, length.lower(), length.replace(b" ", b"\t ") + b" "]))],
        "twice": [length, length.upper()],
        "list": [length + b", %d" % len(body)],
        "zeros": [length.replace(b": ", b": 00")],
        "chunks": [draw(st.sampled_from([b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked"]))],
        "both": [b"Content-Length: %d" % draw(st.integers(0, 99)), b"Transfer-Encoding: chunked"],
        "close": [],
    }[way]
    return told, draw(_chunked(body)) if way in {"chunks", "both"} else body


def _framing_of_nothing() -> st.SearchStrategy[tuple[list[bytes], bytes]]:
    """What is said of a body that a 204 or 304 has not (RFC 9110 §8.6, §15.4.5)."""
    told = [[], [b"Content-Length: 0"], [b"Content-Length: 500"], [b"Transfer-Encoding: chunked"]]
    return st.tuples(st.sampled_from(told), st.just(b""))


@st.composite
def _chunked(draw: st.DrawFn, body: bytes) -> bytes:
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True) if a < b]
    size = draw(st.sampled_from([b"%x", b"%X", b"000%x", b"%x;name=value", b'%x;q="a b"']))
    last = draw(st.sampled_from([b"0\r\n\r\n", b"000\r\n\r\n", b"0;x\r\nTrailer: a\r\nContent-Length: 1\r\n\r\n"]))
    return b"".join((size % len(part)) + b"\r\n" + part + b"\r\n" for part in parts) + last


_VICIOUS = [
    b"Content-Length: +5", b"Content-Length: -5", b"Content-Length: 5.0", b"Content-Length: 0x5", b"Content-Length:",
    b"Content-Length: 5, 6", b"Content-Length: 5,", b"Content-Length: 5 5", b"Content-Length: \xb2",
    b"Content-Length: 5_0",
    b"Content-Length: " + b"9" * 19, b"Content-Length: " + b"9" * 5000, b"Content-Length : 5", b"Content-Length\t: 5",
    b" Content-Length: 5", b"Content-Length: 5\r\n 0", b"Content-Length: 5\x00", b"Content-Length: 5\r",
    b"Content_Length: 5",
    b"Content-Length: 5\r\nContent-Length: 4", b"Content-Length: 5\r\nContent-Length: 05", b"Content-Length: 0",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked\r\n ",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding:",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: identity\r\nContent-Length: 5", b"Transfer_Encoding: chunked\r\nContent-Length: 5", b":", b"x",
    b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"Content-Encoding: gzip\r\nContent-Length: 5",
]  # fmt: skip
_VICIOUS_BODIES = [
    b"hello", b"hello world", b"he", b"", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n", b"5\r\nhello\r\n",
    b"5\r\nhelloXX0\r\n\r\n", b"5\nhello\n0\n\n", b"-5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"5\r\nhello world\r\n0\r\n\r\n",
    b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"f" * 30 + b"\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
]  # fmt: skip
_VICIOUS_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.1 20 OK",
    b"HTTP/1.1 2000 OK", b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"200 OK", b"", b"HTTP/1.1 600 Odd",
    b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 100 Continue", b"HTTP/1.1 099 Low", b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 -20 OK", b"HTTP/1.1 200 OK\x00", b"\r\nHTTP/1.1 200 OK",
    b"\xef\xbb\xbfHTTP/1.1 200 OK",
]  # fmt: skip


@st.composite
def ill_framed(draw: st.DrawFn) -> bytes:
    """What may be an answer, and whose body may end anywhere: only another reader can say."""
    line = draw(st.sampled_from([_VICIOUS_LINES[0]] * 9 + _VICIOUS_LINES))
    fields = [*draw(_PLAIN_FIELDS), draw(st.sampled_from(_VICIOUS))]
    head = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n"])).join([line, *fields, b"", b""])
    return b"".join(draw(st.lists(_INTERIM, max_size=1))) + head + draw(st.sampled_from(_VICIOUS_BODIES))
