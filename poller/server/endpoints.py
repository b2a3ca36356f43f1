"""The HTTP endpoints of a running poller: health, metrics, its streams as JSON, and a page for people."""

import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import anyio
import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from poller.server.access import Token, TokenRequired
from poller.server.overview import Overview, TelemetryLookup, catch_up_json, output_json, overview_of, stream_json
from poller.server.page import POLICY, page
from poller.server.pauses import with_pauses
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
"""The paths that Kubernetes and Docker ask for, which know no token."""

_AT_ONCE = 256 << 10
"""Bytes of metrics that are sent at once."""

T = TypeVar("T")


def application(
    telemetry: Telemetry,
    ready: Callable[[], list[str]],
    statuses: Callable[[], Iterable[StreamStatus]],
    token: Token = lambda: None,
) -> Starlette:
    """Return the endpoints as an ASGI application.

    `ready` gives the reasons why nothing can be delivered, none where it can; a vendor is never one. It is called in
    the event loop, `statuses` in a worker thread, so it copies what the loop may change. `token` is asked for by all
    endpoints but /livez and /readyz.
    """
    answers = _Endpoints(telemetry, ready, statuses, token)
    probes = {"/livez": answers.livez, "/readyz": answers.readyz, "/metrics": answers.metrics}
    views = {"/api/streams": answers.streams, "/api/status": answers.status, "/": answers.page}
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in (probes | views).items()]
    return Starlette(routes=routes, middleware=[Middleware(TokenRequired, token=token, free=_FREE)])


class _Endpoints:
    """The endpoints over what a running poller knows of itself."""

    def __init__(
        self,
        telemetry: Telemetry,
        ready: Callable[[], list[str]],
        statuses: Callable[[], Iterable[StreamStatus]],
        token: Token,
    ) -> None:
        self._telemetry, self._ready, self._statuses, self._token = telemetry, ready, statuses, token
        self._one_at_a_time = anyio.CapacityLimiter(1)  # hasty scrapers must not take the threads that commits need

    async def livez(self, _: Request) -> Response:
        return _response(b"ok\n", "text/plain")

    async def readyz(self, _: Request) -> Response:
        reasons = self._ready()
        body = orjson.dumps({"ready": not reasons, "reasons": reasons})
        return _response(body, "application/json", 503 if reasons else 200)

    async def metrics(self, request: Request) -> Response:
        pieces, packer = with_pauses(self._telemetry.exposition()), _packer(request)
        first = await self._in_worker(lambda: _some_of(pieces))  # before there is a 200
        headers = _HEADERS | {"vary": "accept-encoding"} | ({"content-encoding": "gzip"} if packer else {})
        return StreamingResponse(self._in_steps(first, pieces, packer), 200, headers, EXPOSITION)

    async def streams(self, _: Request) -> Response:
        return await self._overview(_streams, "application/json")

    async def status(self, _: Request) -> Response:
        return await self._overview(_status, "application/json")

    async def page(self, _: Request) -> Response:
        return await self._overview(partial(page, guarded=self._token() is not None), "text/html")

    async def _overview(self, show: Callable[[Overview], bytes], media_type: str) -> Response:
        reasons, now = self._ready(), datetime.now(UTC)
        lookup = TelemetryLookup(self._telemetry.failures, self._telemetry.events_per_minute)

        def rendered() -> bytes:
            outputs = self._telemetry.output_statuses()
            return show(overview_of(with_pauses(self._statuses()), outputs, reasons, lookup, now))

        return _response(await self._in_worker(rendered), media_type)

    async def _in_steps(
        self, some: bytes | None, pieces: Iterator[bytes], packer: "zlib._Compress | None"
    ) -> AsyncIterator[bytes]:
        """Have a worker thread make some pieces, and again once they are sent."""
        while some is not None:
            if sent := packer.compress(some) if packer else some:
                yield sent
            some = await self._in_worker(lambda: _some_of(pieces))
        if packer:
            yield packer.flush()

    async def _in_worker(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time)


def _packer(request: Request) -> "zlib._Compress | None":
    """Return what packs an answer for somebody who takes gzip; metrics shrink to a twentieth, in no time at all."""
    taken = request.headers.get("accept-encoding", "").lower().replace(" ", "").split(",")
    return zlib.compressobj(1, wbits=31) if {"gzip", "gzip;q=1", "gzip;q=1.0"} & {*taken} else None


def _some_of(pieces: Iterator[bytes]) -> bytes | None:
    """Return the next pieces as one, of a size that is worth the while; None where there is none."""
    some, size = list[bytes](), 0
    for piece in pieces:
        some.append(piece)
        size += len(piece)
        if size >= _AT_ONCE:
            break
    return b"".join(some) if some else None


def _streams(overview: Overview) -> bytes:
    return b"[%s]" % b",".join(orjson.dumps(stream_json(stream)) for stream in with_pauses(overview.streams))


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
