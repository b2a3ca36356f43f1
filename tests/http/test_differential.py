"""The same bytes on the wire, cut into any segments, are the same answer to our connections as to httpx's.

httpx reads them in one piece. What RFC 9112 says of a well framed answer is known besides, from how it was made: both
have to say that. Killed: a body that is cut short taken for whole; what is behind a body taken for a part of it; an
interim answer taken for the answer; a length that a chunked body has beside it believed; a head or a body that is read
differently where a segment ends in it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import accumulate, pairwise
from typing import TypeAlias

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from poller.http.connections import FreshConnections
from poller.sources.callcap import Callcap
from poller.telemetry import Telemetry
from tests.http.wire import KEY, Asked, Vendor, reset, vendor
from tests.support.framed_answers import Wire, ill_framed, well_framed
from tests.support.loopback import NO_AUTHORITIES

Outcome: TypeAlias = tuple[int, list[tuple[bytes, bytes]], bytes] | str
"""Status, headers and body; or the error's class."""
CUTS = st.lists(st.integers(1, 400), max_size=8)
"""Bytes of the segments, but for the last."""
MANY = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


class Readers:
    """Ours and httpx's, and the server that both ask; one loop for all examples."""

    def __init__(self, server: Vendor) -> None:
        self.server = server
        source = Callcap.model_validate({"type": "callcap", "api_key": KEY, "base_url": server.url})
        self.ours = FreshConnections("acme", source, Telemetry())

    async def read(self, segments: list[bytes], end: str, *, plainly: bool = False) -> Outcome:
        """Read the answer that comes in these segments; `end` is what the server does then: close, reset or wait."""

        async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
            for segment in segments:
                writer.write(segment)
                await writer.drain()
                await asyncio.sleep(0)
                await asyncio.sleep(0)  # the segment is read before the next is written
            if end == "reset":
                reset(writer)
            elif end == "close":
                writer.close()
            else:
                await writer.wait_closed()

        self.server.script = script
        request = httpx.Request("GET", self.server.url, headers={"Connection": "close"})
        if not plainly:
            return await _outcome(self.ours, request)
        async with httpx.AsyncHTTPTransport(verify=NO_AUTHORITIES, trust_env=False) as plain:
            return await _outcome(plain, request)


async def _outcome(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Outcome:
    try:
        async with asyncio.timeout(5):
            answer = await transport.handle_async_request(request)
            try:
                body = b"".join([part async for part in answer.aiter_raw()])
            finally:
                await answer.aclose()
    except httpx.HTTPError as error:
        return type(error).__name__
    return answer.status_code, answer.headers.raw, body


@pytest.fixture(scope="module")
def readers() -> Iterator[tuple[asyncio.Runner, Readers]]:
    async def waiting(_: Asked, writer: asyncio.StreamWriter) -> None:
        raise AssertionError(writer)

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(vendor(waiting)))
        yield runner, Readers(server)
        runner.run(stack.aclose())


def cut(wire: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*accumulate(cuts), len(wire)]
    return [part for a, b in pairwise([0, *ends]) if (part := wire[a:b])]


@MANY
@given(wire=well_framed(), cuts=CUTS, end=st.sampled_from(["close", "wait", "reset"]))
@example(wire=Wire(b"HTTP/1.1 200 OK\r\n\r\n[1]", 22, 200, b"[1]", closes=True), cuts=[], end="reset")
def test_a_well_framed_answer_is_what_it_says(
    readers: tuple[asyncio.Runner, Readers], wire: Wire, cuts: list[int], end: str
) -> None:
    runner, both = readers
    end = "close" if wire.closes and end == "wait" else end
    ours = runner.run(both.read(cut(wire.sent, cuts), end))
    if end == "reset":
        assert isinstance(ours, str) or (not wire.closes and ours[::2] == (wire.status, wire.body))
        return
    assert not isinstance(ours, str), ours
    assert ours[::2] == (wire.status, wire.body)
    assert ours == runner.run(both.read([wire.sent], end, plainly=True))


@MANY
@given(wire=well_framed(), missing=st.integers(1, 60), cuts=CUTS, end=st.sampled_from(["close", "reset"]))
def test_an_answer_that_is_cut_short_is_none(
    readers: tuple[asyncio.Runner, Readers], wire: Wire, missing: int, cuts: list[int], end: str
) -> None:
    runner, both = readers
    part = wire.sent[: max(0, wire.whole - missing)]
    ours = runner.run(both.read(cut(part, cuts), end))
    if wire.closes and end == "close" and not isinstance(ours, str):  # nobody can tell; what is left is no JSON
        assert wire.body is not None
        assert wire.body.startswith(ours[2])
    else:
        assert isinstance(ours, str)


@MANY
@given(wire=ill_framed(), cuts=CUTS)
def test_an_ill_framed_answer_is_what_it_is_to_httpx(
    readers: tuple[asyncio.Runner, Readers], wire: bytes, cuts: list[int]
) -> None:
    runner, both = readers
    plain = runner.run(both.read([wire], "close", plainly=True))
    assert runner.run(both.read(cut(wire, cuts), "close")) == plain
