"""A recording, served over HTTP: each request gets the answer that was recorded for one like it."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from poller.recording.file import Exchange
from poller.recording.matching import Tape


class Replay:
    """An ASGI application over a tape. `token_path` gives out access tokens to everybody.

    A request that is like none that was recorded is told to `unlike`, and answered with a 421: of all refusals the one
    that no vendor's list means anything by.
    """

    def __init__(self, tape: Tape, base_path: str, token_path: str, unlike: Callable[[str], None]) -> None:
        self._tape, self._base_path, self._token_path, self._unlike = tape, base_path, token_path, unlike

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
        sent = (await request.body()).decode("utf-8", "replace") if request.method != "GET" else None
        if path == self._token_path:
            return JSONResponse({"access_token": "replay", "token_type": "bearer", "expires_in": 86_400})
        query = request.url.query
        below = path.removeprefix(self._base_path) if path.startswith(self._base_path) else path
        found = self._tape.answer(request.method, below, query, sent)
        if found is None:
            asked = f"{request.method} {path}{query and '?'}{query}"
            self._unlike(asked)
            return JSONResponse({"error": f"nothing like this was recorded: {asked}"}, 421)
        return _as_recorded(found)


def _as_recorded(exchange: Exchange) -> Response:
    """Return an answer with its headers as they were, `Date` among them: the vendor's clock stands where it stood."""
    answer = Response(exchange.content, exchange.status)
    answer.raw_headers += [(name.encode("ascii"), value.encode()) for name, value in exchange.headers.items()]
    return answer
