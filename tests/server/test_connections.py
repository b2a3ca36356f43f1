"""A caller that never finishes its request, or never reads its answer, is let go; and they are not too many.

Killed: no deadline for the rest of a request; one that each byte pushes on; none for a body; none for an answer that
nobody reads; no limit on connections; the newest caller refused in the place of the one that waits longest; a body
that waits for its head to be acknowledged.
"""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poller.server import connections
from poller.server.listener import serve
from poller.server.port import listen
from tests.server.conftest import House, running

HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.4)
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.8)


@contextmanager
def calling(port: int, said: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.setblocking(False)
        caller.send(said)
        yield caller


async def until_closed(caller: socket.socket, *, drip: bytes = b"", seconds: float = 10.0) -> float:
    """Wait until the other side closed the connection, saying a byte now and then; the seconds it took."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        try:
            if drip:
                caller.send(drip)
            if caller.recv(1 << 16) == b"":
                return time.monotonic() - began
        except BlockingIOError:
            await anyio.sleep(0.02)
        except ConnectionError:
            return time.monotonic() - began
    raise AssertionError("it stays open")


@pytest.mark.parametrize(
    ("said", "drip"),
    [
        (b"", b""),
        (HALF, b""),
        (HALF, b"x"),
        (b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b""),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + HALF, b""),
    ],
)
async def test_a_request_that_does_not_end_is_let_go(house: House, said: bytes, drip: bytes) -> None:
    async with running(house) as client:
        with calling(client.base_url.port or 0, said) as caller:
            await until_closed(caller, drip=drip)


async def test_who_waits_between_two_requests_is_not_cut_off(house: House) -> None:
    async with running(house) as client:
        assert (await client.get("/livez")).status_code == 200
        await anyio.sleep(0.6)
        assert (await client.get("/livez")).status_code == 200


async def test_no_answer_waits_for_an_acknowledgement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Head and body are two writes, and the second one would wait 40 ms on a connection that is kept."""
    made, options = connections.BoundedConnection.connection_made, list[int]()

    def watched(self: connections.BoundedConnection, transport: asyncio.Transport) -> None:
        made(self, transport)
        ours: socket.socket = transport.get_extra_info("socket")
        options.append(ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(connections.BoundedConnection, "connection_made", watched)
    async with running(house) as client:
        await client.get("/livez")
    assert options
    assert all(options)


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async def big(_: Request) -> Response:
        return Response(b"x" * (32 << 20))

    listening = listen("127.0.0.1", 0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, listening, Starlette(routes=[Route("/", big)]))
        with calling(listening.getsockname()[1], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as caller:
            await anyio.sleep(1.5)
            got = await everything(caller)
        tasks.cancel_scope.cancel()
    assert 0 < sum(map(len, got)) < 32 << 20


async def test_an_answer_may_take_longer_than_a_request() -> None:
    async def slow(_: Request) -> Response:
        await anyio.sleep(0.6)
        return Response(b"at last")

    listening = listen("127.0.0.1", 0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, listening, Starlette(routes=[Route("/", slow)]))
        with calling(listening.getsockname()[1], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as caller:
            assert b"".join(await everything(caller)).endswith(b"at last")
        tasks.cancel_scope.cancel()


async def everything(caller: socket.socket) -> list[bytes]:
    """All that still comes until the connection ends."""
    parts = list[bytes]()
    with anyio.fail_after(20):
        while True:
            try:
                parts.append(caller.recv(1 << 20))
            except BlockingIOError:
                await anyio.sleep(0.01)
            except ConnectionError:
                return parts
            if parts[-1:] == [b""]:
                return parts


async def test_too_many_callers_take_nobody_elses_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 20)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 60.0)
    async with running(house) as client:
        with ExitStack() as stack:
            callers = [stack.enter_context(calling(client.base_url.port or 0, HALF)) for _ in range(60)]
            for _ in range(3):
                assert (await client.get("/livez")).status_code == 200
            await until_closed(callers[0])
            open_still = [caller for caller in callers if not is_closed(caller)]
            assert 10 < len(open_still) <= 20
            assert open_still == callers[-len(open_still) :], "those that came last"


def is_closed(caller: socket.socket) -> bool:
    try:
        return caller.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
