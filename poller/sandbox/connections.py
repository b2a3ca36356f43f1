"""Trouble with the connections that requests come on: silence, cuts, answers that come twice."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import anyio
import httpx
from starlette.types import Receive, Send


class Connections:
    """The connections that a request has come on."""

    def __init__(self) -> None:
        self._used: WeakSet[asyncio.Transport] = WeakSet()

    def used(self, send: Send) -> bool:
        """Return True if this request's connection had one before, and remember the connection; False in process."""
        transport = _transport(send)
        if transport is None or transport in self._used:
            return transport is not None
        self._used.add(transport)
        return False


async def silence(receive: Receive, seconds: float) -> None:
    """Send nothing for this many seconds, or until the client gives up."""
    with anyio.move_on_after(seconds):
        await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def hang_up(receive: Receive, send: Send, *, reset: bool) -> None:
    """Close this request's connection, by a reset or in order. Raises httpx.ReadError in process."""
    transport = _transport(send)
    if transport is None:
        raise httpx.ReadError("the sandbox cut the connection off")
    if reset and (sock := transport.get_extra_info("socket")) is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.close()
    await _disconnected(receive)


def send_again(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, send: Send) -> None:
    """Write the whole answer to the connection once more; in process, write nothing."""
    if (transport := _transport(send)) is None:
        return
    head = b"".join(b"%s: %s\r\n" % pair for pair in headers)
    transport.write(b"HTTP/1.1 %d OK\r\n%s\r\n%s" % (status, head, body))


def _transport(send: Send) -> Any:
    """Return the connection, or None in process: ASGI has no word for it, but uvicorn's `send` is a method of it."""
    return getattr(getattr(send, "__self__", None), "transport", None)
