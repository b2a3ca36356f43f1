"""The sockets that a running poller listens on."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from errno import EACCES, EADDRINUSE

import anyio
import uvicorn
from starlette.applications import Starlette

from poller.errors import ConfigError
from poller.server.connections import BoundedConnection
from poller.telemetry import Telemetry

_GRACE = 1
"""Seconds that answers under way get at the end."""
_ENDING = 30.0
"""Seconds that whoever listens on the port is waited for: a predecessor that was killed may take a while to be gone."""
_LOOK_AGAIN = 0.2
"""Seconds between two tries to take the port."""


class PortTaken(ConfigError):
    """A port that somebody else listens on."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port (0: any that is free). Raises PortTaken, or ConfigError where the host is none of ours."""
    problem = OSError("it has no address")
    for family, address in _addresses(host, port):
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        try:
            return socket.create_server(address, family=family, dualstack_ipv6=both)
        except OSError as error:
            problem = error
    raise _cannot_listen(host, port, problem)


def could_listen(host: str, port: int) -> None:
    """Return where `listen` would take the port; nothing is ever heard on it here. Raises what `listen` raises."""
    problem = OSError("it has no address")
    for family, address in _addresses(host, port):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as `listen` does
                return sock.bind(address)
        except OSError as error:
            problem = error
    raise _cannot_listen(host, port, problem)


async def listen_once_free(
    host: str, port: int, telemetry: Telemetry, pause: Callable[[float], Awaitable[None]] = anyio.sleep
) -> socket.socket:
    """Take the port; loudly wait for whoever has it, 30 seconds at most. Raises what `listen` raises.

    `pause` lets seconds pass meanwhile.
    """
    since, told = anyio.current_time(), False
    while True:
        try:
            return listen(host, port)
        except PortTaken as taken:
            if anyio.current_time() - since >= _ENDING:
                raise
            if not told:
                telemetry.notice("port.awaited", reason=str(taken))
            told = True
        await pause(_LOOK_AGAIN)


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise _no_host(host) from None
    return [(family, (str(address[0]), port)) for family, _, _, _, address in found]


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == EADDRINUSE:
        return PortTaken(f"server.port: {port} on {host} is taken: stop what listens there, or set another port")
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
            http=BoundedConnection,
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
