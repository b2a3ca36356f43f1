"""The simulated vendors on a port of their own, served from a thread of the tests; a test changes them as it likes."""

import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.abc
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.streams.buffered import BufferedByteReceiveStream

from poller.sandbox.registry import new_world
from poller.sandbox.server import listen, serve
from poller.sandbox.world.world import World
from tests.support.loopback import NO_AUTHORITIES

LISTS = {"callcap": "/callcap/v2/get/calls/", "flextell": "/flextell/api/v1/leads"}
STREAMS = {"callcap": "callcap/calls", "flextell": "flextell/leads", "helpdesk": "helpdesk/tickets"}


class Clock:
    """The vendors' clock, which every request looks at first; where `held`, their thread stops there.

    It can be `ahead` of everybody else's.
    """

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._going, self._reached = threading.Event(), threading.Event()
        self._going.set()
        self._master = threading.get_ident()

    def now(self) -> datetime:
        if not self._going.is_set() and threading.get_ident() != self._master:
            self._reached.set()
            self._going.wait(30)
        return datetime.now(UTC) + self.ahead

    @contextmanager
    def held(self) -> Iterator[None]:
        self._reached.clear()
        self._going.clear()
        try:
            assert self._reached.wait(30), "nobody asked"
            yield
        finally:
            self._going.set()


class Vendors:
    """Where they are (`at`), what they hold, and what they were asked."""

    def __init__(self, at: str, portal: BlockingPortal, world: World, clock: Clock) -> None:
        self.at, self.clock = at, clock
        self._portal, self._world = portal, world

    @contextmanager
    def asked_for(self, vendor: str) -> Iterator[str]:
        """Hold the next request, let its answer have one more record (its identity is given), then answer."""
        with self.clock.held():
            yield str(self._world.put(STREAMS[vendor]))  # their thread stands still: no need to go through it

    def vices(self, settings: Mapping[str, Mapping[str, float]]) -> None:
        """Misbehave like this from now on, and not as before."""
        self._portal.call(self._world.vices.set, settings)

    def put(self, vendor: str, **fields: Any) -> str:
        """A new record, visible now; its identity."""
        return str(self._portal.call(self._world.put, STREAMS[vendor], fields))

    def holds(self, vendor: str) -> set[str]:
        """The identities of all that its list shows, broken records apart: there are none."""
        return set(self._portal.call(self._world.truth, STREAMS[vendor]))

    def shows(self, vendor: str) -> list[Any]:
        """The records of its list as they came up first."""
        return [life.versions[0].record for life in self._portal.call(self._world.truth, STREAMS[vendor]).values()]

    def number(self) -> int:
        """The number of the last request so far."""
        return int(self._log(0)["last"])

    def asked(self, vendor: str, since: int = 0) -> list[dict[str, Any]]:
        """The requests that a vendor got after number `since`, token requests too."""
        return [entry for entry in self._log(since)["requests"] if entry["path"].startswith(f"/{vendor}/")]

    def _log(self, since: int) -> dict[str, Any]:
        with httpx.Client(base_url=self.at, trust_env=False, verify=NO_AUTHORITIES, timeout=20) as http:
            return dict(http.get("/_sandbox/log", params={"since": since}).json())


@contextmanager
def serving(rate: float = 6, minutes: float = 10) -> Iterator[Vendors]:
    """Vendors whose records came in the last `minutes`, and to whom nothing happens but by the test's hand."""
    clock = Clock()
    world = new_world(7, rate, clock.now, timedelta(minutes=minutes))
    world.quiet()
    sock = listen(0)
    with start_blocking_portal() as portal:
        stop = portal.call(anyio.Event)
        done = portal.start_task_soon(lambda: serve(sock, world, stop=stop))
        yield Vendors(f"http://127.0.0.1:{sock.getsockname()[1]}", portal, world, clock)
        portal.call(stop.set)
        done.result(20)


@contextmanager
def repeating(at: str, *, late: bool) -> Iterator[str]:
    """A gateway before the vendors that sends each answer twice and closes no connection; its address.

    The second copy comes behind the first; or `late`, when the connection's next request has come.
    """
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_gateway(at, late=late)) as address:
        yield address


@asynccontextmanager
async def _gateway(at: str, *, late: bool) -> AsyncIterator[str]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    client = httpx.AsyncClient(base_url=at, trust_env=False, verify=NO_AUTHORITIES, timeout=20)

    async def serve(caller: anyio.abc.SocketStream) -> None:
        async with caller:
            last, reader = b"", BufferedByteReceiveStream(caller)
            while head := await _head(reader):
                answer = await _relayed(client, head)
                await caller.send(last + answer if late else answer * 2)
                last = answer

    async with listener, client, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"  # noqa: S610  not Django's
        group.cancel_scope.cancel()


async def _head(reader: BufferedByteReceiveStream) -> bytes:
    """The head of a request that has no body; nothing where the caller went."""
    with suppress(anyio.IncompleteRead, anyio.BrokenResourceError):
        return await reader.receive_until(b"\r\n\r\n", 1 << 16)
    return b""


async def _relayed(http: httpx.AsyncClient, head: bytes) -> bytes:
    first, *lines = head.decode("latin-1").split("\r\n")
    named = (line.partition(": ")[::2] for line in lines)
    fields = {name: text for name, text in named if name.lower() not in {"host", "connection", "accept-encoding"}}
    found = await http.get(first.split(" ")[1], headers=fields)
    kept = "".join(f"{name}: {found.headers[name]}\r\n" for name in ("date", "content-type") if name in found.headers)
    said = f"HTTP/1.1 {found.status_code} Said\r\n{kept}Content-Length: {len(found.content)}\r\n\r\n"
    return said.encode() + found.content
