"""The port that a running poller listens on: taken, waited for, or only looked at."""

import socket
from collections.abc import Awaitable, Callable
from errno import EACCES, EADDRINUSE

import anyio

from poller.errors import ConfigError
from poller.telemetry import Telemetry

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
