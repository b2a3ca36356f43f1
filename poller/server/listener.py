"""The answers to what comes in on a socket."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import uvicorn
from starlette.applications import Starlette

from poller.server.connections import BoundedConnection

_GRACE = 1
"""Seconds that answers under way get at the end."""


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
