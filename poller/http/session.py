"""One source's session: its origin, its limits, its credential; an answer read whole, or a SourceError."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Final, TypeVar
from urllib.parse import quote_plus, urlencode

import httpx

from poller.clock import Now
from poller.errors import Denied, Lasting, Throttled, Unavailable, Unexpected
from poller.http.auth import Auth
from poller.http.body import Body, to_utf8
from poller.http.connections import FreshConnections
from poller.http.counting import counted
from poller.http.quota import Quota
from poller.http.rate_limit import RateLimit
from poller.http.recorder import Recorder
from poller.http.response import (
    LONGEST_WAIT,
    RawResponse,
    describe_proxy_refusal,
    error_of,
    quote,
    read_retry_after,
)
from poller.http.urls import url_of
from poller.plugin.fields.decoding import repair_text, without_no_numbers
from poller.plugin.source import Source
from poller.plugin.stream import Http, Query, Response
from poller.telemetry import Telemetry

T = TypeVar("T")

BODY_LIMIT: Final = 64 << 20
"""Bytes of one answer, decompressed; a larger one is Unexpected."""


_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Cache-Control": "no-cache",  # no answer that a cache keeps, unless the vendor says that it still holds
    "Connection": "close",
    "User-Agent": "poller",
}


_MOST_PATHS = 1000
"""Paths that are remembered: lists are few, and come first; records that are read by themselves have no end."""

_quoted = lru_cache(1000)(quote_plus)
"""Most of a query is what it was in the request before."""


def get_request(url: httpx.URL, headers: Mapping[str, str]) -> httpx.Request:
    """Return a GET with these headers and ours. That there is no body, httpx finds out in 100,000 instructions."""
    given, ours = {name.lower() for name in headers}, {"Host": url.netloc.decode(), **_HEADERS}
    left = {name: text for name, text in ours.items() if name.lower() not in given}
    request = httpx.Request("GET", url, headers={**left, **headers}, stream=httpx.ByteStream(b""))
    request.read()
    return request


class Session(Http):
    """A source's way to its vendor (`Http`): one origin, one credential, one pace.

    It goes where it is told: it follows no redirect, keeps no cookie and takes nothing from the environment. A
    `recorder` is told of every answer but those of a token endpoint.
    """

    def __init__(
        self,
        source: str,
        config: Source,
        transport: httpx.AsyncBaseTransport,
        auth: Auth,
        *,
        telemetry: Telemetry,
        now: Now,
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder
        self.source, self._base_url = source, config.base_url
        self._transport, self._auth = transport, auth
        self._rate_limit = RateLimit(config.requests_per_minute)
        self._proxy = httpx.URL(config.proxy).netloc.decode() if config.proxy else None  # without its password
        self._timeout = config.timeout.total_seconds()
        self._telemetry, self._now = telemetry, now
        self._answered: set[str] = set()
        self.secrets: list[str] = []  # the last request's
        self._quota = Quota(config.quota_prefixes)

    def answered(self, path: str) -> bool:
        """Return True if this path has given a 200 since the program started."""
        return path in self._answered

    def delay(self) -> float:
        """Return the seconds until the source's pace allows the next request."""
        return self._rate_limit.delay()

    def refused(self) -> None:
        """Use a fresher credential from now on, where there is one: the vendor refused the last."""
        self._auth.refused()

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Ask once, when the source's pace allows. Raises SourceError for every status not in `accept`."""
        return await self.read(path, query, lambda response: response, body=body, accept=accept)

    async def read(
        self,
        path: str,
        query: Query,
        believed: Callable[[Response], T],
        *,
        body: bytes | None = None,
        accept: Collection[int] = (200,),
    ) -> T:
        """Ask once, as `ask` does, and return what is `believed`. A 200 that is not counts as what it is instead."""
        if not path.startswith("/"):  # `@elsewhere.example` behind our origin would make a name and password of it
            raise ValueError("a path begins with /")
        headers = await self._auth.headers(self.send)
        secrets = self.secrets = [*headers.values(), *self._auth.params.values()]
        try:
            sent = self._query(query)
            request = self._request(path, sent, body, headers)
        except (httpx.InvalidURL, UnicodeError):  # control characters, half a surrogate pair
            raise Lasting("the answer says that the list goes on where no request can be made") from None

        def judge(answer: RawResponse) -> T:
            if self._recorder:
                self._recorder.exchanged(path, sent, body, answer, headers)
            return believed(self._accepted(answer, path, accept, secrets))

        return await self._exchange(request, judge)

    def _accepted(self, answer: RawResponse, path: str, accept: Collection[int], secrets: list[str]) -> Response:
        """Return an answer whose status is accepted; else raise the error that it is."""
        wait = self._quota.wait(answer.headers, answer.date or self._now())
        if wait:
            self._rate_limit.hold(wait)
            self._telemetry.source_throttled(self.source, seconds=wait)
        if answer.status == 200 and len(self._answered) < _MOST_PATHS:
            self._answered.add(path)
        if answer.status not in accept:
            error = error_of(answer, self._now())
            asked = wait if wait is not None else read_retry_after(answer.headers.get("retry-after"), self._now())
            if answer.status == 403 and self._quota.explains(answer.headers, answer.body, asked):
                until = None if asked is None else min(asked, LONGEST_WAIT)
                raise Throttled("HTTP 403, because the quota is used up", until)
            if isinstance(error, Unexpected | Denied):
                error.said = quote(answer.body, secrets)
            raise error
        text, repaired = repair_text(answer.body)
        if repaired:
            self._telemetry.body_repaired(self.source, repaired)
        return Response(answer.status, text, answer.as_of, answer.headers, self._without_no_numbers)

    def _without_no_numbers(self, text: bytes) -> bytes:
        body = without_no_numbers(text)
        if body != text:
            self._telemetry.body_repaired(self.source, ("not a number",))
        return body

    def _query(self, query: Query) -> str:
        """Return the query as it is sent, but for the parameters that are a credential."""
        secret = self._auth.params
        if isinstance(query, str):
            return "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in secret)
        shown = {name: value for name, value in query.items() if name not in secret}
        return urlencode(shown, doseq=True, quote_via=_quoted)

    def _request(self, path: str, query: str, body: bytes | None, headers: Mapping[str, str]) -> httpx.Request:
        query = "&".join(part for part in (query, urlencode(self._auth.params)) if part)
        url = url_of(f"{self._base_url}{path}", query)
        if body is None:
            return get_request(url, headers)
        with_ours = httpx.Headers(_HEADERS)
        with_ours.update(headers)
        with_ours["Content-Type"] = "application/json"
        return httpx.Request("POST", url, headers=with_ours, content=body)

    async def send(self, request: httpx.Request) -> RawResponse:
        """Send one request and read its answer whole, within `timeout`. Raises Unavailable or Unexpected."""
        return await self._exchange(request, lambda answer: answer)

    async def _exchange(self, request: httpx.Request, judge: Callable[[RawResponse], T]) -> T:
        """Send one request, when the source's pace allows, and return what is judged of its answer."""
        await self._rate_limit.turn()
        with counted(self.source, self._telemetry) as count:
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await self._read(request)
            except (TimeoutError, httpx.TimeoutException):
                count.code = "timeout"
                raise Unavailable(f"no answer within {self._timeout:g} s") from None
            except httpx.HTTPError as error:
                raise Unavailable(self._describe(error, request.url)) from None
            count.answered(answer.status)
            return judge(answer)

    def _describe(self, error: httpx.HTTPError, url: httpx.URL) -> str:
        """Say what failed, and nothing that may quote the vendor or hold a credential."""
        if isinstance(error, httpx.ProxyError) and (status := str(error)[:3]).isdecimal():  # `407 Whatever It Says`
            return describe_proxy_refusal(int(status))
        at = f"the proxy {self._proxy}" if self._proxy else url.netloc.decode()
        why = f" (to {at}: {error})" if isinstance(error, httpx.ConnectError) else ""
        return f"the connection failed: {type(error).__name__}{why}"

    async def _read(self, request: httpx.Request) -> RawResponse:
        response = await self._transport.handle_async_request(request)
        try:
            body = Body(response.headers.get("content-encoding", ""), BODY_LIMIT)
            async for part in response.aiter_raw():
                body.take(part)
            text = to_utf8(body.whole(), response.headers.get("content-type", ""))
            return RawResponse(response.status_code, text, response.headers)
        finally:
            await response.aclose()


@asynccontextmanager
async def open_session(
    name: str,
    source: Source,
    auth: Auth,
    telemetry: Telemetry,
    now: Now,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    recorder: Recorder | None = None,
) -> AsyncIterator[Session]:
    """Open the source's session, and close its connections at the end. Raises ConfigError for a useless `ca_file`.

    `transport` stands in for the network, where there is to be none.
    """
    async with transport or FreshConnections(name, source, telemetry) as way:
        yield Session(name, source, way, auth, telemetry=telemetry, now=now, recorder=recorder)
