"""A TCP proxy before a broker that knows Kafka's frames, and breaks connections in the middle of what they are for."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Self

import anyio
from anyio.abc import ByteStream, SocketAttribute, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

WRITING = {0: "Produce", 22: "InitProducerId", 24: "AddPartitionsToTxn", 26: "EndTxn"}
"""See https://kafka.apache.org/protocol#protocol_api_keys"""
_LARGEST = 100 << 20
"""Bytes of a frame: what is larger is none."""
_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead)


class Fate(Enum):
    """What becomes of a request: the connection ends before the broker has it, when it has half of it, or when it has
    answered; or no answer passes from this one on, and the connection stays."""

    BEFORE = auto()
    HALF = auto()
    ANSWERED = auto()
    SILENT = auto()


class Proxy:
    """Passes everything on, but for a share `writing` of the requests that write, and `other` of all others.

    `at` is where it listens, `behind` where the broker is, to be set before anybody comes; `hits` counts them.
    """

    def __init__(self, at: str, rng: random.Random, hits: Counter[str], writing: float, other: float) -> None:
        self.at, self.behind = at, ""
        self._rng, self._writing, self._other = rng, writing, other
        self._hits = hits

    @classmethod
    @asynccontextmanager
    async def listening(cls, rng: random.Random, hits: Counter[str], **shares: float) -> AsyncIterator[Self]:
        """Listen at a port that nobody had."""
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            anyio.create_task_group() as all_,
        ):
            port = listener.extra_attributes[SocketAttribute.local_port]()
            proxy = cls(f"127.0.0.1:{port}", rng, hits, **shares)
            all_.start_soon(listener.serve, proxy._connected)
            yield proxy
            all_.cancel_scope.cancel()

    def be_honest(self) -> None:
        """Break nothing any more."""
        self._writing = self._other = 0.0

    def fate(self, key: int) -> Fate | None:
        """Throw the dice for a request with this API key."""
        if self._rng.random() >= (self._writing if key in WRITING else self._other):
            return None
        self._hits[f"broken {WRITING.get(key, 'others')}"] += 1
        return self._rng.choice(list(Fate))

    async def _connected(self, client: ByteStream) -> None:
        host, _, port = self.behind.partition(":")
        async with client:
            try:
                broker = await anyio.connect_tcp(host, int(port))
            except OSError:  # it is away, as whoever came in will notice
                return
            async with broker, anyio.create_task_group() as both:
                await _Wire(client, broker, self.fate, both).carry()


class _Wire:
    """One connection: requests one way, answers the other, in the same order."""

    def __init__(
        self, client: ByteStream, broker: ByteStream, fate: Callable[[int], Fate | None], both: TaskGroup
    ) -> None:
        self._client, self._broker, self._fate, self._both = client, broker, fate, both
        self._marked: dict[bytes, Fate] = {}
        self._silent = False

    async def carry(self) -> None:
        self._both.start_soon(self._carry, self._client, self._request)
        self._both.start_soon(self._carry, self._broker, self._answer)

    async def _carry(self, source: ByteStream, passed: Callable[[bytes], Awaitable[None]]) -> None:
        buffered = BufferedByteReceiveStream(source)
        try:
            while True:
                length = await buffered.receive_exactly(4)
                size = int.from_bytes(length, "big")
                if size > _LARGEST:
                    break
                await passed(length + await buffered.receive_exactly(size))
        except _BROKEN:
            pass
        self._both.cancel_scope.cancel()

    async def _request(self, frame: bytes) -> None:
        """Length, API key, version, correlation id."""
        fate = self._fate(int.from_bytes(frame[4:6], "big"))
        if fate is Fate.BEFORE:
            raise anyio.EndOfStream
        if fate is Fate.HALF:
            await self._broker.send(frame[: len(frame) // 2])
            raise anyio.EndOfStream
        if fate:
            self._marked[frame[8:12]] = fate
        await self._broker.send(frame)

    async def _answer(self, frame: bytes) -> None:
        """Length, correlation id."""
        fate = self._marked.pop(frame[4:8], None)
        if fate is Fate.ANSWERED:
            raise anyio.EndOfStream
        self._silent = self._silent or fate is Fate.SILENT
        if not self._silent:
            await self._client.send(frame)
