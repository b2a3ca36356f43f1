"""What the sandbox does to a connection, seen from its other end."""

import anyio
import anyio.abc
import pytest

from .test_serve import LIST, served

REQUEST = f"GET {LIST} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer sandbox-callcap-key\r\n\r\n".encode()


async def exchange(port: int, times: int = 1) -> bytes:
    """What comes on one connection, on which so many requests were sent one after another, until it is silent."""
    heard = b""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        for _ in range(times):
            await stream.send(REQUEST)
            heard += await silent(stream)
    return heard


async def silent(stream: anyio.abc.SocketStream) -> bytes:
    heard = b""
    while True:
        with anyio.move_on_after(1):
            try:
                heard += await stream.receive()
                continue
            except anyio.EndOfStream:
                pass
        return heard


@pytest.mark.parametrize(("vice", "answers"), [("answer_twice", 2), ("encoding_none", 1)])
async def test_an_answer_comes_twice_on_its_connection(vice: str, answers: int) -> None:
    async with served() as (world, client):
        world.vices.set({"callcap": {vice: 1.0}})
        heard = await exchange(client.base_url.port or 0)
    parts = heard.split(b"HTTP/1.1 200 OK")
    assert len(parts) == answers + 1
    assert len(set(parts[1:])) == 1


async def test_a_connection_is_closed_when_the_next_request_comes_on_it() -> None:
    async with served() as (world, client):
        world.vices.set({"callcap": {"closed_when_reused": 1.0}})
        port = client.base_url.port or 0
        first = [await exchange(port) for _ in range(2)]
        heard = await exchange(port, 2)
        assert all(one.count(b"HTTP/1.1 200 OK") == 1 for one in [*first, heard])
        world.vices.clear()
        assert (await exchange(port, 2)).count(b"HTTP/1.1 200 OK") == 2
