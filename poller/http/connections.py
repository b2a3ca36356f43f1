"""The connections of a source: one for each request, so that no answer can be taken for another's.

Why nothing is kept alive stands in docs/decisions/0009-answers-belong-to-requests.md. A connection that serves one
request needs no pool. So h11, the parser that httpx has, writes and reads it on a connection of asyncio's, in half
of the processor time that httpx takes. A source with a proxy goes through httpx.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import h11
import httpx

from poller.errors import ConfigError
from poller.http.addresses import reach
from poller.http.tls import tls_context
from poller.plugin.source import Source
from poller.telemetry import Telemetry

_LONGEST_HEAD = 100 << 10
"""Bytes of an answer's head: some vendors send whole policies in it."""


class FreshConnections(httpx.AsyncBaseTransport):
    """A transport that gives each request a connection of its own.

    A new connection looks the vendor's name up, and trusts what `ca_file` holds by then. While that cannot be read,
    what was read before counts, and one warning is logged. Raises ConfigError where `ca_file` is useless at the start.
    """

    def __init__(self, name: str, source: Source, telemetry: Telemetry) -> None:
        self._name, self._config, self._telemetry = name, source, telemetry
        self._tls = tls_context(source.ca_file)
        self._warned = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; the answer's body is still to be read, and its connection to be closed."""
        self._read_certificates_anew()
        if self._config.proxy:
            return await self._through_the_proxy(self._config.proxy, request)
        connection = await _connect(request.url, self._tls)
        try:
            return await connection.exchange(request)
        except BaseException:
            connection.close()
            raise

    def _read_certificates_anew(self) -> None:
        try:
            self._tls = tls_context(self._config.ca_file)
        except ConfigError as error:
            if not self._warned:
                kept = "what was read before"
                self._telemetry.notice("certificates.unreadable", source=self._name, error=str(error), kept=kept)
            self._warned = True
        else:
            self._warned = False

    async def _through_the_proxy(self, proxy: str, request: httpx.Request) -> httpx.Response:
        limits = httpx.Limits(max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, proxy=proxy, limits=limits)
        try:
            answer = await transport.handle_async_request(request)  # it holds nothing but this one connection
        except BaseException:
            await transport.aclose()  # a tunnel whose TLS is given up half way would stay open
            raise
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101  the transport is an asynchronous one
        return answer


async def _connect(url: httpx.URL, tls: ssl.SSLContext) -> "_Connection":
    host, port = url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80)
    secure, its_name = (tls, host) if url.scheme == "https" else (None, None)
    try:
        reached = await reach(host, port)
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, sock=reached, ssl=secure, server_hostname=its_name
        )
    except (OSError, UnicodeError) as error:  # an SSLError is an OSError; a name may be none
        raise httpx.ConnectError(str(error)) from error
    return connection


class _Connection(asyncio.Protocol, httpx.AsyncByteStream):
    """A connection that carries one request and its answer. What comes after the answer is never read.

    h11 reads the head, and says where a body ends that has no length. One that has is passed on as it comes: h11 would
    copy it three times.
    """

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._length: int | None = None
        self._came: list[bytes] = []
        self._ended = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a connection's transport is one
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came.append(data)
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._error = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Send the request; return its answer, whose stream is this connection."""
        with _errors_of_httpx():
            asked = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            events = [asked, h11.Data(data=request.content), _END] if request.content else [asked, _END]
            self._transport.write(b"".join(self._h11.send(event) or b"" for event in events))
            while not isinstance(answer := await self._next(), h11.Response):
                pass  # 100 and 103 are not yet an answer
        self._length = _length(answer)
        return httpx.Response(answer.status_code, headers=answer.headers.raw_items(), stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx():
            if self._length is None:
                while isinstance(part := await self._next(), h11.Data):
                    yield bytes(part.data)
                return
            came, left = self._h11.trailing_data[0], self._length
            while len(came) < left:
                yield came
                left -= len(came)
                if not (came := await self._read()):
                    raise httpx.RemoteProtocolError(f"the body ends {left} bytes early")
            yield came[:left]

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """Close at once: what the vendor may still have to say would be nobody's answer."""
        self._transport.abort()

    async def _next(self) -> h11.Event:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            self._h11.receive_data(await self._read())
        if isinstance(event, h11.Event):
            return event
        raise httpx.RemoteProtocolError("the connection is none of HTTP any more")  # switched to another protocol

    async def _read(self) -> bytes:
        """Return what has come, nothing at the end. Raises what ended the connection."""
        if not self._came and not self._ended:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if not self._came and self._error:
            raise self._error
        came, self._came = self._came, []
        return came[0] if len(came) == 1 else b"".join(came)


def _length(answer: h11.Response) -> int | None:
    """Return the length of an answer's body by its head, which h11 has checked; None where it is told otherwise, or
    there is no body (RFC 9112 §6.3)."""
    headers = dict(answer.headers)
    if answer.status_code in {204, 304} or b"transfer-encoding" in headers or b"content-length" not in headers:
        return None
    return int(headers[b"content-length"])


_END = h11.EndOfMessage()


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise what goes wrong as the error that httpx has for it."""
    try:
        yield
    except h11.LocalProtocolError:
        raise httpx.LocalProtocolError("no request can be made of these headers") from None  # h11 quotes a credential
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
