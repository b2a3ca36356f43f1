"""Serves the sandbox over HTTP on loopback, inside an event loop that belongs to somebody else."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from poller.sandbox.app import sandbox
from poller.sandbox.world.vices import Vices
from poller.sandbox.world.world import World


def listen(port: int) -> socket.socket:
    """Return a listening socket on 127.0.0.1; port 0 takes any port (`getsockname()[1]` says which)."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock


async def serve(
    sock: socket.socket, world: World, vices: Vices | None = None, *, stop: anyio.Event | None = None
) -> None:
    """Answer as the vendors of this world until `stop` is set, or for ever; the socket is closed in the end."""
    await serve_app(sock, sandbox(world, vices), stop=stop)


async def serve_app(sock: socket.socket, app: ASGIApp, *, stop: anyio.Event | None = None) -> None:
    """Answer on this socket until `stop` is set, or for ever; the socket is closed in the end."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(_to_its_end, server, sock)
        try:
            await (anyio.sleep_forever() if stop is None else stop.wait())
        finally:
            server.should_exit = True


async def _to_its_end(server: uvicorn.Server, sock: socket.socket) -> None:
    with anyio.CancelScope(shield=True), sock:  # cancelled half way, uvicorn would leave its connections open
        await server.serve([sock])


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the host's business
