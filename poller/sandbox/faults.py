"""The sandbox's front door: it dates and logs every answer, and fails the way networks and gateways do."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from math import ceil
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poller.sandbox.connections import Connections, hang_up, send_again, silence
from poller.sandbox.registry import VENDORS
from poller.sandbox.sloppy.envelope import ENVELOPES
from poller.sandbox.sloppy.kinds import apply_kinds
from poller.sandbox.sloppy.reply import Reply
from poller.sandbox.world.world import World

Refusal = Callable[[int, str], Response]
"""Builds an error answer of a status and a text; with status 200, an error that only the body tells of."""

SECRETS = frozenset({"apikey", "api_key", "token", "auth_token", "access_token"})
REFUSALS: Mapping[str, Refusal] = {vendor.name: vendor.refusal for vendor in VENDORS}
LOGIN = "<!doctype html><html><head><title>Sign in</title></head><body><form action='/login'></form></body></html>"
GATEWAY = "<html><head><title>Bad gateway</title></head><body><h1>Something went wrong</h1></body></html>"


def _server_error(refusal: Refusal, rng: Random) -> Response:
    status = rng.choice((500, 502, 503))
    return HTMLResponse(GATEWAY, status) if status == 502 else refusal(status, "Something went wrong")


INSTEAD: Mapping[str, Callable[[Refusal, Random], Response]] = {
    "throttle": lambda refusal, rng: refusal(429, "Too many requests"),
    "retry_after_a_year": lambda refusal, rng: refusal(429, "Too many requests"),
    "server_error": _server_error,
    "unauthorized": lambda refusal, rng: refusal(401, "Your credential is invalid"),
    "forbidden": lambda refusal, rng: refusal(403, "You may not see this"),
    "html_200": lambda refusal, rng: HTMLResponse(rng.choice((LOGIN, GATEWAY))),
    "error_in_body": lambda refusal, rng: refusal(200, "Something went wrong"),
}
FAULTS = (*INSTEAD, "stall", "reset", "short_body")
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Asked:
    """A remembered request, without headers, body and secrets. `status` is None where the connection was cut off."""

    n: int
    time: datetime
    method: str
    path: str
    query: str
    status: int | None
    vice: str | None


class Log:
    """A log of the last requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Asked] = deque(maxlen=10_000)
        self._last = 0

    def add(self, at: datetime, scope: Scope, status: int | None, vice: str | None) -> None:
        """Remember a request with the status of its answer and the vice that struck it."""
        self._last += 1
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = urlencode([(name, "***" if name.lower() in SECRETS else value) for name, value in pairs])
        self._entries.append(Asked(self._last, at, scope["method"], scope["path"], query, status, vice))

    def since(self, n: int) -> dict[str, Any]:
        """Return the requests after number n, and the number of the last one."""
        return {"last": self._last, "requests": [asdict(entry) for entry in self._entries if entry.n > n]}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, held back until the sandbox has decided what to do with it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Front:
    """An ASGI wrapper that fails. To cut off, it closes uvicorn's transport; in process it raises httpx.ReadError.

    A request that changes something (a token refresh) is never cut off after it took effect. `refusals` are those of
    the vendors that fail, each under a path of its own; a single vendor has all paths.
    """

    def __init__(self, app: ASGIApp, world: World, log: Log, refusals: Mapping[str, Refusal] = REFUSALS) -> None:
        self._app, self._world, self._log = app, world, log
        self._refusals = refusals
        self._connections = Connections()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to do so."""
        if scope["type"] != "http":
            raise RuntimeError(f"the sandbox speaks only HTTP, not {scope['type']}")
        vendor = scope["path"].split("/")[1] if len(self._refusals) > 1 else next(iter(self._refusals))
        self._world.advance(vendor if vendor in self._refusals else None)
        used = self._connections.used(send)
        if used and scope["method"] == "GET" and self._strikes(vendor, "closed_when_reused"):
            await hang_up(receive, send, reset=False)
            return
        vice = self._vice(vendor, scope["method"])
        coin = self._world.vices.rng.random() < 0.5 if vice else False
        early = vice in {"stall", "reset"} and (coin or scope["method"] != "GET")
        answer = None if early else await self._answer(vendor, vice, scope, receive)
        cut = early or vice in {"stall", "reset"} or (vice == "short_body" and coin)
        self._log.add(self._world.now(), scope, answer.status if answer and not cut else None, vice)
        if answer and vice == "short_body" and not cut:
            answer = _shortened(answer)
        if answer:
            await _send(answer, send, whole=not cut)
            if not cut and self._strikes(vendor, "answer_twice"):
                send_again(answer.status, answer.headers, answer.body, send)
        if vice == "stall":
            await silence(receive, self._world.vices.amount(vendor, "stall_seconds"))
        if cut:
            await hang_up(receive, send, reset=vice == "reset")

    def _strikes(self, vendor: str, vice: str) -> bool:
        return vendor in self._refusals and self._world.vices.strikes(vendor, vice)

    def _vice(self, vendor: str, method: str) -> str | None:
        if vendor not in self._refusals:
            return None
        vice = next((vice for vice in FAULTS if self._world.vices.strikes(vendor, vice)), None)
        return None if vice == "short_body" and method != "GET" else vice

    async def _answer(self, vendor: str, vice: str | None, scope: Scope, receive: Receive) -> Answer:
        now = self._world.now()
        app: ASGIApp = self._app
        if vice and vice in INSTEAD:
            app = INSTEAD[vice](self._refusals[vendor], self._world.vices.rng)
        answer = await _held_back(app, scope, receive)
        if vice == "throttle" or (vice == "server_error" and self._world.vices.rng.random() < 0.5):
            answer.headers.append((b"retry-after", self._retry_after(vendor, now).encode()))
        if vice == "retry_after_a_year":
            answer.headers.append((b"retry-after", b"%d" % YEAR.total_seconds()))
        answer.headers.append((b"date", _http_date(now).encode()))
        return answer if vice in INSTEAD or vendor not in ENVELOPES else self._sloppy(vendor, scope, answer)

    def _sloppy(self, vendor: str, scope: Scope, answer: Answer) -> Answer:
        """Return the answer as the sloppy kinds that strike leave it; they change good answers to GET alone."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        vices = self._world.vices
        if not vices or (scope["method"], answer.status) != ("GET", 200) or not _is_json(headers):
            return answer
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        now, rng, document = self._world.now(), vices.rng, _decoded(answer.body)
        reply = Reply(ENVELOPES[vendor], scope["path"], query, now, rng, document, headers, answer.body)
        if not apply_kinds(reply, lambda name: vices.strikes(vendor, name)):
            return answer
        reply.headers["content-length"] = f"{len(reply.body)}"
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
        return Answer(answer.status, pairs, reply.body)

    def _retry_after(self, vendor: str, now: datetime) -> str:
        wait = ceil(self._world.vices.amount(vendor, "retry_seconds"))
        return f"{wait}" if self._world.vices.rng.random() < 0.5 else _http_date(now + timedelta(seconds=wait))


async def _held_back(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    return Answer(sent[0]["status"], list(sent[0]["headers"]), b"".join(part.get("body", b"") for part in sent[1:]))


def _shortened(answer: Answer) -> Answer:
    """Return half the body under headers that agree with it: only a client that parses the body can tell."""
    half = answer.body[: len(answer.body) // 2]
    headers = [pair for pair in answer.headers if pair[0] != b"content-length"]
    return Answer(answer.status, [*headers, (b"content-length", b"%d" % len(half))], half)


async def _send(answer: Answer, send: Send, *, whole: bool) -> None:
    body = answer.body if whole else answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": body, "more_body": not whole})


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # the vice `latin1`
        return orjson.loads(body.decode("latin-1"))


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith("application/json")


def _http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)
