"""What a running poller answers over HTTP: is it alive, is it ready, its metrics, its streams, a page for people."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import EACCES, EADDRINUSE
from typing import TypeVar

import anyio
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poller.errors import ConfigError
from poller.page import POLICY, page
from poller.page.look import Asked, Look, look, output_json, stream_json
from poller.page.verdict import verdict_json
from poller.telemetry import EXPOSITION, Telemetry
from poller.telemetry.status import StreamStatus

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_GRACE = 1
"""Seconds that answers under way get at the end."""

T = TypeVar("T")


def application(
    telemetry: Telemetry, ready: Callable[[], list[str]], statuses: Callable[[], list[StreamStatus]]
) -> Starlette:
    """The endpoints. `ready` gives the reasons why not; no vendor is one. It is asked in the event loop, `statuses` in
    a worker thread: it copies what the loop may change."""
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

    async def looked(show: Callable[[Look], bytes], media_type: str) -> Response:
        reasons, now = ready(), datetime.now(UTC)
        asked = Asked(telemetry.failures, telemetry.events_per_minute)
        return _answer(
            await aside(lambda: show(look(statuses(), telemetry.output_statuses(), reasons, asked, now))), media_type
        )

    async def streams(_: Request) -> Response:
        return await looked(_streams, "application/json")

    async def status(_: Request) -> Response:
        return await looked(_status, "application/json")

    async def people(_: Request) -> Response:
        return await looked(page, "text/html")

    probes = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
    looks = {"/api/streams": streams, "/api/status": status, "/": people}
    return Starlette(routes=[Route(path, endpoint, methods=["GET"]) for path, endpoint in (probes | looks).items()])


def _streams(of: Look) -> bytes:
    return orjson.dumps([stream_json(stream) for stream in of.streams])


def _status(of: Look) -> bytes:
    outputs = [output_json(output) for output in of.outputs]
    return orjson.dumps({"verdict": verdict_json(of), "reasons": list(of.reasons), "outputs": outputs})


def _answer(body: bytes, media_type: str, status: int = 200) -> Response:
    return Response(body, status, _HEADERS, media_type)


def listen(host: str, port: int) -> socket.socket:
    """Take the port (0: any that is free). Raises ConfigError where it is taken, or the host is none of ours."""
    problem = OSError("it has no address")
    for family, address in _addresses(host, port):
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        try:
            return socket.create_server(address, family=family, dualstack_ipv6=both)
        except OSError as error:
            problem = error
    raise _cannot_listen(host, port, problem)


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise _no_host(host) from None
    return [(family, (str(address[0]), port)) for family, _, _, _, address in found]


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == EADDRINUSE:
        return ConfigError(f"server.port: {port} on {host} is taken: stop what listens there, or set another port")
    if error.errno == EACCES:
        return ConfigError(f"server.port: {port} is not for this user: set one above 1023")
    return _no_host(host)


def _no_host(host: str) -> ConfigError:
    return ConfigError(f"server.host: {host!r} is no address of this machine: set 127.0.0.1 (local only) or 0.0.0.0")


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs the event loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(sock: socket.socket, app: Starlette) -> None:
    """Answer until cancelled; the socket is closed then."""
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
        )
    )
    try:
        await server.serve(sockets=[sock])
    finally:
        with anyio.CancelScope(shield=True):
            if server.started:
                await server.shutdown(sockets=[sock])
        sock.close()
