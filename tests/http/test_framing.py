"""Where an answer begins and ends on its connection, and that the connection ends with it.

Killed: an interim answer taken for the answer; a body that ends with the connection not read; a connection that stays
open, after an answer or after a request that was given up at any point, through a proxy too; a body cut off that is
taken for whole, with TLS too, where its end comes together with what there is of it.
"""

import asyncio
import gc
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
import trustme

from poller.errors import Unavailable
from tests.http.wire import Asked, Script, answer, certified, reset, saying, session, vendor

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
FRAMES = {
    "an interim answer before it": INTERIM + answer(body=b"[1]"),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1;x=y\r\n]\r\n0\r\nTrailer: x\r\n\r\n"
    ),
    "in chunks, with a length besides": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n"
    ),
    "its length told twice": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n[1]",
    "lines that end as in Unix": b"HTTP/1.1 200 OK\nContent-Length: 3\n\n[1]",
    "a head of 80 KB": answer(body=b"[1]", Content_Security_Policy="x" * 80_000),
}


async def bit_by_bit(whole: bytes, writer: asyncio.StreamWriter) -> None:
    for at in range(0, len(whole), 1 + len(whole) // 100):
        writer.write(whole[at : at + 1 + len(whole) // 100])
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize("frame", FRAMES)
async def test_an_answer_is_read_whole_however_it_is_framed_and_cut(frame: str) -> None:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await bit_by_bit(FRAMES[frame], writer)

    async with vendor(script) as server, session(server.url) as ours:
        assert (await ours.ask("/calls", {})).body == b"[1]"


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
async def test_a_body_may_end_with_its_connection(version: bytes) -> None:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await bit_by_bit(version + b" 200 OK\r\n\r\n[1, 2]", writer)
        writer.close()

    async with vendor(script) as server, session(server.url) as ours:
        assert (await ours.ask("/calls", {})).body == b"[1, 2]"


@pytest.mark.parametrize("cut", [b"[1, 2", b""])
async def test_a_body_that_ends_before_its_length_is_none(cut: bytes) -> None:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await bit_by_bit(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + cut, writer)
        writer.close()

    async with vendor(script) as server, session(server.url) as ours:
        with pytest.raises(Unavailable, match="the connection failed"):
            await ours.ask("/calls", {})


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n"
ENDS: dict[str, Callable[[asyncio.StreamWriter], None]] = {
    "with a closing alert": lambda writer: writer.close(),
    "without one": lambda writer: writer.get_extra_info("socket").shutdown(socket.SHUT_WR),
    "with a reset": reset,
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("whole", [answer(body=b"[1]"), CHUNKED], ids=["length", "chunks"])
async def test_over_tls_too(whole: bytes, end: str, authority: trustme.CA, ca_file: Path) -> None:
    """All of its bytes, or nothing, however the connection ends (RFC 9112 §9.8)."""
    sent = [whole, whole[:-1], whole[:-4], whole[:20]]

    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(sent.pop())
        ENDS[end](writer)

    async with (
        vendor(script, certified(authority, "localhost")) as server,
        session(f"https://localhost:{server.port}", ca_file=ca_file) as ours,
    ):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await ours.ask("/calls", {})
        with suppress(*[Unavailable] * (end == "with a reset")):  # which may overtake what was sent before
            assert (await ours.ask("/calls", {})).body == b"[1]"


async def test_an_answer_that_has_no_body_is_there_at_once_though_it_tells_a_length() -> None:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n")
        await asyncio.sleep(10)

    async with vendor(script) as server, session(server.url) as ours:
        with anyio.fail_after(5):
            assert (await ours.ask("/calls", {}, accept=(304,))).status == 304


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", answer(Nonsense="x" * 200_000)],
    ids=["another protocol", "a head without end"],
)
async def test_what_is_no_answer_is_none(said: bytes) -> None:
    async with vendor(saying(said)) as server, session(server.url, patience=1) as ours:
        with pytest.raises(Unavailable):
            await ours.ask("/calls", {})


async def test_a_connection_ends_with_its_answer() -> None:
    """Whether or not the vendor does as it was told, and ends it."""
    ended = asyncio.Event()

    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=b"[]"))

    async with vendor(watching(script, ended)) as server, session(server.url) as ours:
        await ours.ask("/calls", {})
        await asyncio.wait_for(ended.wait(), 2)


async def test_a_connection_ends_where_its_request_is_given_up() -> None:
    ended, asked = asyncio.Event(), asyncio.Event()

    async def script(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=b"[1, 2, 3]")[:-4])
        asked.set()

    async with vendor(watching(script, ended)) as server, session(server.url) as ours:
        asking = asyncio.create_task(ours.ask("/calls", {}))
        await asked.wait()
        asking.cancel()
        await asyncio.wait_for(ended.wait(), 2)


@pytest.mark.parametrize("through", ["no proxy", "a proxy"])
@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "in time"])
@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("http", b""),
        ("http", b"HTTP/1.1 200 O"),
        ("http", answer(body=b"[1, 2, 3]")[:-4]),
        ("http", CHUNKED[:-3]),
        ("https", b""),
        ("https", b"HTTP/1.1 200 Connection established\r\n\r\n"),  # and then no handshake
    ],
)
async def test_nothing_is_left_of_a_request_that_is_given_up(
    through: str, scheme: str, said: bytes, *, cancelled: bool
) -> None:
    """Neither a connection nor a task."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(1)
            writer.write(said)
            asked.set()
            while await reader.read(1 << 16):
                pass
        ended.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    url, proxy = (f"{scheme}://{at}", None) if through == "no proxy" else (f"{scheme}://vendor.test", f"http://{at}")
    async with server, session(url, proxy=proxy, patience=5 if cancelled else 0.1) as ours:
        asking = asyncio.create_task(ours.ask("/calls", {}))
        await asked.wait()
        if cancelled:
            await asyncio.sleep(0.01)
            asking.cancel()
        with suppress(asyncio.CancelledError, Unavailable):
            await asking
        await asyncio.wait_for(ended.wait(), 2)
        assert asyncio.all_tasks() - {asyncio.current_task()} <= {asking}
    gc.collect()


def watching(script: Script, ended: asyncio.Event) -> Script:
    """Set `ended` once the connection of the request is gone."""

    async def watched(asked: Asked, writer: asyncio.StreamWriter) -> None:
        def end(_: asyncio.Task[None]) -> None:
            closing.exception()
            ended.set()

        closing = asyncio.create_task(writer.wait_closed())
        closing.add_done_callback(end)
        await script(asked, writer)

    return watched
