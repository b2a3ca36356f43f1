"""What a vendor's double answered to one pass, kept, and answered again with one answer or another changed."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from random import Random

import httpx

from tests.fuzz.mutation import change_bytes, mutated
from tests.fuzz.oddities import DATES, NUMBERS, TEXTS

Headers = list[tuple[str, str]]
MOST_REQUESTS = 60
"""After so many requests the vendor is away, which ends every pass."""
_STATUSES = [200, 201, 204, 206, 299, 301, 304, 400, 401, 403, 404, 407, 408, 410, 422, 425, 429, 500, 503, 599, 999]
_DATE_HEADERS = [
    "Sat, 14 Mar 2026 16:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "yesterday", "",
    "Sat, 14 Mar 2026 16:00:00 +9999", "Mon, 01 Jan 0001 00:00:00 +1400", "Sat, 14 Mar 2026 99:00:00 GMT", "0",
]  # fmt: skip
_CHARSETS = ["utf-16", "utf-7", "latin-1", "cp932", "x", "rot13", "a" * 500, "\udce9"]
_ODD_HEADERS = {
    "date": _DATE_HEADERS,
    "age": ["0", "-1", "9" * 30, "1e9", "²", "99999999", "x"],
    "retry-after": ["0", "-1", "9" * 400, "1.5", "²", "soon", *_DATE_HEADERS],
    "content-encoding": ["gzip", "br", "zstd", "deflate", "gzip, gzip", "utf-8", "identity", "x" * 9000],
    "content-type": [f"text/html; charset={name}" for name in _CHARSETS],
    "link": ["<>; rel=next", '<http://other.example/?page=2>; rel="next"', "<?page=>;rel=next", "<" * 50_000],
    "x-ratelimit-remaining": ["0", "-1", "x", "9" * 400],
    "x-ratelimit-reset": ["0", "-1", "9" * 30, "1e400", "²", "soon", *_DATE_HEADERS],
}  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """An answer of the vendor's."""

    status: int
    headers: Headers
    body: bytes

    def document(self) -> bytes:
        """Return it for a person to read."""
        head = {"status": self.status, "headers": self.headers}
        return json.dumps(head).encode() + b"\n" + self.body


@dataclass
class Conversation:
    """The answers to the requests of one pass, by address and body; other requests get those of their path, in turn."""

    answers: dict[str, Kept] = field(default_factory=dict)

    def recorder(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Return a transport that asks, and keeps what comes."""

        async def ask(request: httpx.Request) -> httpx.Response:
            response = await inner.handle_async_request(request)
            kept = Kept(response.status_code, response.headers.multi_items(), await response.aread())
            self.answers[_name_of(request)] = kept
            return _response(kept)

        return _Transport(ask)

    def of(self, request: httpx.Request, in_turn: Counter[str] | None = None) -> Kept:
        """Return the answer to a request; `in_turn` counts those of a path that were never asked before."""
        if found := self.answers.get(_name_of(request)):
            return found
        path = request.url.path
        alike = [kept for name, kept in self.answers.items() if f"{path} " in name] or [*self.answers.values()]
        at = in_turn[path] if in_turn is not None else 0
        if in_turn is not None:
            in_turn[path] += 1
        return alike[at % len(alike)]

    def changed(self, rng: Random) -> "Changed":
        """Return a vendor that answers so again, but for some answers."""
        return Changed(self, rng)


class Changed:
    """A vendor for one pass: the answer to one request, or to all, is another one; `documents` are those."""

    def __init__(self, kept: Conversation, rng: Random) -> None:
        self._kept, self._rng = kept, rng
        self._at = rng.choice([0, 0, 0, 1, 1, 2, 3])
        self._same = rng.random() < 0.2  # whatever is asked, the changed answer comes
        self._asked = 0
        self._in_turn: Counter[str] = Counter()
        self.documents: list[bytes] = []
        self._last: Kept | None = None

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return the way to it."""
        return _Transport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self._asked += 1
        if self._asked > MOST_REQUESTS:
            raise httpx.ReadError("no more")
        if self._same and self._last:
            return _response(self._last)
        answer = self._kept.of(request, self._in_turn)
        if self._asked == self._at + 1:
            answer = self._last = change_answer(answer, self._rng)
            self.documents.append(answer.document())
        return _response(answer)


def change_answer(answer: Kept, rng: Random) -> Kept:
    """Change an answer: most often its body, else its status, a header, or the way it is packed."""
    if rng.random() < 0.1:
        answer = replace(answer, status=rng.choice(_STATUSES))
    if rng.random() < 0.15:
        name = rng.choice([*_ODD_HEADERS])
        values = [*_ODD_HEADERS[name], json.loads(rng.choice(DATES)), rng.choice(NUMBERS).decode()]
        kept = [pair for pair in answer.headers if pair[0] != name]
        answer = replace(answer, headers=[*kept, *[(name, rng.choice(values))] * rng.choice([0, 1, 1, 2])])
    if rng.random() < 0.9:
        answer = replace(answer, body=mutated(answer.body, rng))
    if rng.random() < 0.03:
        answer = replace(
            answer, body=rng.choice([b"", b"null", b"0", b"{}", b"[]", change_bytes(rng.choice(TEXTS), rng)])
        )
    return answer


def _response(answer: Kept) -> httpx.Response:
    headers = [(name.encode(), text.encode("utf-8", "surrogateescape")) for name, text in answer.headers]
    return httpx.Response(answer.status, headers=headers, stream=_Body(answer.body))


class _Body(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._body


def transport_of(ask: Callable[[httpx.Request], Awaitable[Kept]]) -> httpx.AsyncBaseTransport:
    """Return a transport that answers so."""

    async def answer(request: httpx.Request) -> httpx.Response:
        return _response(await ask(request))

    return _Transport(answer)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, ask: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._ask = ask

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._ask(request)


def _name_of(request: httpx.Request) -> str:
    return f"{request.url.path} {request.url.query.decode()} {request.content.decode()}"
