"""The proxy breaks connections exactly where it says: else a chaos run would prove less than it counts."""

import random
from collections import Counter

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.kafka.proxy import Fate, Proxy

REQUEST = bytes.fromhex("0000000a 001a 0000 00000007 aabb")
ANSWER = bytes.fromhex("00000006 00000007 0000")


class Peer:
    """A broker that answers each request of 14 bytes, and keeps what it got."""

    def __init__(self) -> None:
        self.got = b""

    async def answer(self, wire: SocketStream) -> None:
        async with wire:
            try:
                while True:
                    self.got += await wire.receive()
                    if not len(self.got) % len(REQUEST):
                        await wire.send(ANSWER)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass


async def ask(fate: Fate | None, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, str]:
    """What the broker got of one request, and what came of it."""
    peer = Peer()
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        Proxy.listening(random.Random(1), Counter(), writing=0.0, other=0.0) as proxy,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, peer.answer)
        monkeypatch.setattr(proxy, "fate", lambda key: fate if key == 26 else None)
        proxy.behind = f"127.0.0.1:{listener.extra_attributes[SocketAttribute.local_port]()}"
        host, _, port = proxy.at.partition(":")
        async with await anyio.connect_tcp(host, int(port)) as wire:
            await wire.send(REQUEST)
            came = "nothing"
            try:
                with anyio.move_on_after(0.3):
                    came = "an answer" if await wire.receive() == ANSWER else "nonsense"
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                came = "the end"
        group.cancel_scope.cancel()
    return peer.got, came


async def test_each_fate_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(None, monkeypatch) == (REQUEST, "an answer")
    assert await ask(Fate.BEFORE, monkeypatch) == (b"", "the end")
    assert await ask(Fate.HALF, monkeypatch) == (REQUEST[:7], "the end")
    assert await ask(Fate.ANSWERED, monkeypatch) == (REQUEST, "the end")
    assert await ask(Fate.SILENT, monkeypatch) == (REQUEST, "nothing")


async def test_it_hits_as_often_as_it_should_and_counts() -> None:
    hits = Counter[str]()
    async with Proxy.listening(random.Random(1), hits, writing=0.1, other=0.01) as proxy:
        for _ in range(10_000):
            proxy.fate(26)
            proxy.fate(3)
        assert 900 < hits["broken EndTxn"] < 1100
        assert 60 < hits["broken others"] < 140
        proxy.be_honest()
        assert not any(proxy.fate(0) for _ in range(10_000))
