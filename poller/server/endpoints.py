"""The HTTP endpoints of a running poller: health, metrics, its streams as JSON, and a page for people."""

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
from poller.server.overview import Overview, TelemetryLookup, catch_up_json, output_json, overview_of, stream_json
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

    async def in_worker(work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=one_at_a_time)

    async def livez(_: Request) -> Response:
        return _response(b"ok\n", "text/plain")

    async def readyz(_: Request) -> Response:
        reasons = ready()
        body = orjson.dumps({"ready": not reasons, "reasons": reasons})
        return _response(body, "application/json", 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        return _response(await in_worker(telemetry.render), EXPOSITION)

    async def overview_response(show: Callable[[Overview], bytes], media_type: str) -> Response:
        reasons, now = ready(), datetime.now(UTC)
        lookup = TelemetryLookup(telemetry.failures, telemetry.events_per_minute)
        return _response(
            await in_worker(lambda: show(overview_of(statuses(), telemetry.output_statuses(), reasons, lookup, now))),
            media_type,
        )

    async def streams(_: Request) -> Response:
        return await overview_response(_streams, "application/json")

    async def status(_: Request) -> Response:
        return await overview_response(_status, "application/json")

    async def status_page(_: Request) -> Response:
        return await overview_response(page, "text/html")

    probes = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
    views = {"/api/streams": streams, "/api/status": status, "/": status_page}
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in (probes | views).items()]
    return Starlette(routes=routes, middleware=[Middleware(TokenRequired, token=token, free=_FREE)])


def _streams(overview: Overview) -> bytes:
    return orjson.dumps([stream_json(stream) for stream in overview.streams])


def _status(overview: Overview) -> bytes:
    told = {
        "verdict": verdict_json(overview),
        "reasons": list(overview.reasons),
        "outputs": [output_json(output) for output in overview.outputs],
        "catching_up": [catch_up_json(catch_up) for catch_up in overview.catch_ups()],
    }
    return orjson.dumps(told)


def _response(body: bytes, media_type: str, status: int = 200) -> Response:
    return Response(body, status, _HEADERS, media_type)
