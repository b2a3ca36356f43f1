"""A client whose start is cancelled leaves no connection behind.

Killed: aiokafka's own `bootstrap`, which forgets its connection where the request on it is cancelled.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from outputs.kafka.connection import Cluster
from outputs.kafka.topics import looking_at

API_VERSIONS, METADATA = 18, 3


@dataclass
class Mute:
    """A broker at port `at` that says what it understands, and never which brokers there are."""

    at: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.at = server.sockets[0].getsockname()[1]
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer in the frames of https://kafka.apache.org/protocol#protocol_messages."""
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                key, _, number = struct.unpack(">hhi", (await reader.readexactly(size))[:8])
                if key == API_VERSIONS:
                    answer = struct.pack(">ihihhh", number, 0, 1, METADATA, 0, 5)
                    writer.write(struct.pack(">i", len(answer)) + answer)
                else:
                    self.asked.set()
        except asyncio.IncompleteReadError:
            writer.close()
            self.left.set()


async def test_a_connection_is_closed_where_its_first_request_is_cancelled() -> None:
    broker = Mute()
    async with broker.serving():
        async with anyio.create_task_group() as group:
            group.start_soon(look, Cluster(bootstrap_servers=f"127.0.0.1:{broker.at}"))
            await broker.asked.wait()
            group.cancel_scope.cancel()
        await asyncio.wait_for(broker.left.wait(), 5)


async def look(cluster: Cluster) -> None:
    async with looking_at(cluster):
        raise AssertionError("it has told us nothing")
