"""A vendor's server on loopback, on real sockets, that does whatever its script says; and sessions to talk to it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trustme
from pydantic import SecretStr

from poller.clock import Now
from poller.http.auth import Auth, FixedAuth
from poller.http.recorder import Recorder
from poller.http.session import Session, open_session
from poller.plugin.credentials import StaticHeaders
from poller.sources.callcap import Callcap
from poller.telemetry import Telemetry

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
KEY = "the-api-key-nobody-may-see"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """A whole HTTP answer; header names with `_` for `-`."""
    fields = {"Content-Length": str(len(body)), **{name.replace("_", "-"): text for name, text in headers.items()}}
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {text}\r\n" for name, text in fields.items())
    return head.encode("latin-1") + b"\r\n" + body


def saying(*answers: bytes) -> Script:
    """These answers in turn, the last one for ever."""
    left = list(answers)

    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return script


def reset(writer: asyncio.StreamWriter) -> None:
    """Tear the connection down with a RST."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


class Vendor:
    """The server, once it listens."""

    def __init__(self, script: Script) -> None:
        self.script, self.asked = script, list[Asked]()
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while not writer.is_closing():
                self.asked.append(asked := await _request(reader))
                await self.script(asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


@asynccontextmanager
async def vendor(
    script: Script, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Vendor]:
    serving = Vendor(script)
    server = await asyncio.start_server(serving.serve, host, port, ssl=tls)
    serving.port = server.sockets[0].getsockname()[1]
    try:
        yield serving
    finally:
        server.close()
        for task in serving.tasks.copy():
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)
        await asyncio.gather(*serving.tasks, return_exceptions=True)


@asynccontextmanager
async def session(
    url: str,
    auth: Auth | None = None,
    *,
    patience: float = 5,
    per_minute: int = 1_000_000,
    proxy: str | None = None,
    ca_file: Path | None = None,
    now: Now = lambda: NOON,
    recorder: Recorder | None = None,
) -> AsyncIterator[Session]:
    """As the program makes one, with one connection, so that one that is not given back is missed."""
    auth = auth or FixedAuth(StaticHeaders({"X-Key": SecretStr(KEY)}), {})
    settings = {"timeout": f"{patience}s", "requests_per_minute": per_minute, "proxy": proxy, "ca_file": ca_file}
    source = Callcap.model_validate({"type": "callcap", "api_key": KEY, "base_url": url, **settings})
    async with open_session("acme", source, auth, Telemetry(), now, recorder=recorder) as ours:
        yield ours
