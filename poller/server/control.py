"""The control socket: what a running poller is asked to do by a command beside it."""

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poller.errors import ConfigError
from poller.polling.progress.backfill import Order
from poller.state.checkpoint import Backfill
from poller.telemetry.status import StreamStatus

BACKFILL, STREAMS = "/backfill", "/streams"
_SOON = 2.0
"""Seconds that a poller has to say how its streams stand; it need not wait for a page."""


class BackfillRequest(msgspec.Struct, frozen=True):
    """The history of a stream that is to be read; without an order, how far it is."""

    source: str
    stream: str
    order: Order | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why something is not done, and the remedy: one line each."""

    problems: list[str]


Take: TypeAlias = Callable[[BackfillRequest], Awaitable[Backfill | None]]
"""Have it done. Raises ConfigError."""


def listen(path: Path) -> socket.socket:
    """A socket there that only its owner can use; one that a dead process left is replaced. Raises ConfigError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead(path)
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        sock.listen()
    except OSError as error:
        sock.close()
        raise ConfigError(
            f"server.control: no socket can be made at {path}: {error.strerror or error}; name another path there"
        ) from None
    return sock


def _remove_dead(path: Path) -> None:
    """Raises OSError where somebody listens, or where it is no socket."""
    if not path.is_socket():
        return  # what else is there makes binding fail
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def caller(path: Path, timeout: float) -> httpx.AsyncClient:
    """Who asks the poller that listens there."""
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://poller", timeout=timeout
    )


async def statuses(path: Path | None) -> list[StreamStatus]:
    """How the streams of the poller that listens there stand, as it knows itself; none where none answers."""
    if path is None:
        return []
    try:
        async with caller(path, _SOON) as http:
            answer = await http.get(STREAMS)
            return msgspec.json.decode(answer.content, type=list[StreamStatus])
    except (httpx.HTTPError, msgspec.MsgspecError):  # it ends just now, or is of another version
        return []


def application(take: Take, statuses: Callable[[], list[StreamStatus]]) -> Starlette:
    """POST an Asked; GET how every stream stands."""

    async def backfill(request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=BackfillRequest)
            found = await take(asked)
        except msgspec.MsgspecError as error:
            return _answer(Refusal([f"another version's command: {error}"]), 400)
        except ConfigError as error:
            return _answer(Refusal(error.problems), 409)
        return _answer(found, 200)

    async def streams(_: Request) -> Response:
        return _answer(statuses(), 200)

    routes = [Route(BACKFILL, backfill, methods=["POST"]), Route(STREAMS, streams, methods=["GET"])]
    return Starlette(routes=routes)


def _answer(said: Backfill | Refusal | list[StreamStatus] | None, status: int) -> Response:
    return Response(msgspec.json.encode(said), status, media_type="application/json")
