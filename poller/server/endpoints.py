"""What a running poller answers over HTTP: is it alive, is it ready, its metrics, its streams, a page for people."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import anyio
import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poller.server.access import Token, TokenRequired
from poller.server.overview import Overview, TelemetryLookup, output_json, overview_of, stream_json
from poller.server.page import POLICY, page
from poller.server.verdict import verdict_json
from poller.telemetry import EXPOSITION, Telemetry
from poller.telemetry.status import StreamStatus

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

_FREE = frozenset({"/livez", "/readyz"})
"""What Kubernetes and Docker ask, which know no token."""

T = TypeVar("T")


def application(
    telemetry: Telemetry,
    ready: Callable[[], list[str]],
    statuses: Callable[[], list[StreamStatus]],
    token: Token = lambda: None,
) -> Starlette:
    """Return the endpoints as an ASGI application.

    `ready` gives the reasons why nothing can be delivered, none where it can; a vendor is never one. It is called in
    the event loop, `statuses` in a worker thread, so it copies what the loop may change. `token` is asked for by all
    endpoints but /livez and /readyz.
    """
    one_at_a_time = anyio.CapacityLimiter(1)  # many hasty scrapers must not take the threads that commits need

    async def aside(work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=one_at_a_time)

    async def livez(_: Request) -> Response:
        return _answer(b"ok\n", "text/plain")

    async def readyz(_: Request) -> Response:
        reasons = ready()
        body = orjson.dumps({"ready": not reasons, "reasons": reasons})
        return _answer(body, "application/json", 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        return _answer(await aside(telemetry.render), EXPOSITION)

    async def looked(show: Callable[[Overview], bytes], media_type: str) -> Response:
        reasons, now = ready(), datetime.now(UTC)
        asked = TelemetryLookup(telemetry.failures, telemetry.events_per_minute)
        return _answer(
            await aside(lambda: show(overview_of(statuses(), telemetry.output_statuses(), reasons, asked, now))),
            media_type,
        )

    async def streams(_: Request) -> Response:
        return await looked(_streams, "application/json")

    async def status(_: Request) -> Response:
        return await looked(_status, "application/json")

    async def people(_: Request) -> Response:
        return await looked(page, "text/html")

    probes = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
    looks = {"/api/streams": streams, "/api/status": status, "/": people}
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in (probes | looks).items()]
    return Starlette(routes=routes, middleware=[Middleware(TokenRequired, token=token, free=_FREE)])


def _streams(of: Overview) -> bytes:
    return orjson.dumps([stream_json(stream) for stream in of.streams])


def _status(of: Overview) -> bytes:
    outputs = [output_json(output) for output in of.outputs]
    return orjson.dumps({"verdict": verdict_json(of), "reasons": list(of.reasons), "outputs": outputs})


def _answer(body: bytes, media_type: str, status: int = 200) -> Response:
    return Response(body, status, _HEADERS, media_type)
