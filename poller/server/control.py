"""The control socket: what a running poller is asked to do by a command beside it."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import anyio
import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poller.errors import ConfigError
from poller.polling.progress.backfill import Order
from poller.server.pauses import with_pauses
from poller.state.checkpoint import Backfill
from poller.telemetry.status import StreamStatus

BACKFILL, STREAMS = "/backfill", "/streams"
_SOON = 2.0
"""Seconds that a poller has to say how its streams stand; it need not wait for a page."""


class BackfillRequest(msgspec.Struct, frozen=True):
    """An order to read the history of a stream; without `order`, the question how far an earlier one is."""

    source: str
    stream: str
    order: Order | None = None


class Refusal(msgspec.Struct, frozen=True):
    """An answer that says why something is not done, and the remedy: one line each."""

    problems: list[str]


TakeOrder: TypeAlias = Callable[[BackfillRequest], Awaitable[Backfill | None]]
"""Takes an order in, and returns how far it is, None where there is none. Raises ConfigError where it is refused."""


def control_client(path: Path, timeout: float) -> httpx.AsyncClient:
    """Return a client for the poller that listens at a path; `timeout` in seconds."""
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)  # a list of authorities takes long to read
    return httpx.AsyncClient(transport=transport, base_url="http://poller", timeout=timeout)


async def running_statuses(path: Path | None) -> list[StreamStatus]:
    """Return the status of every stream of the poller that listens at a path; none where none answers."""
    if path is None:
        return []
    try:
        async with control_client(path, _SOON) as http:
            answer = await http.get(STREAMS)
            return msgspec.json.decode(answer.content, type=list[StreamStatus])
    except (httpx.HTTPError, msgspec.MsgspecError):  # it ends just now, or is of another version
        return []


def application(take: TakeOrder, statuses: Callable[[], Iterable[StreamStatus]]) -> Starlette:
    """Return what the control socket answers: POST a BackfillRequest, GET the status of every stream."""

    async def backfill(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=BackfillRequest)
            progress = await take(order)
        except msgspec.MsgspecError as error:
            return _response(Refusal([f"another version's command: {error}"]), 400)
        except ConfigError as error:
            return _response(Refusal(error.problems), 409)
        return _response(progress, 200)

    async def streams(_: Request) -> Response:
        return _response(await anyio.to_thread.run_sync(lambda: list(with_pauses(statuses()))), 200)

    routes = [Route(BACKFILL, backfill, methods=["POST"]), Route(STREAMS, streams, methods=["GET"])]
    return Starlette(routes=routes)


def _response(body: Backfill | Refusal | list[StreamStatus] | None, status: int) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
