"""The HTTP client of a source: a connection for each request, whom it trusts, and where it never goes."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import certifi
import httpx

from poller.errors import ConfigError
from poller.plugin.source import Source
from poller.telemetry import Telemetry

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Cache-Control": "no-cache",  # no answer that a cache keeps, unless the vendor says that it still holds
    "Connection": "close",
    "User-Agent": "poller",
}

_Version = tuple[int, int, int] | None
_contexts: dict[Path | None, tuple[_Version, ssl.SSLContext]] = {}


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context that trusts the authorities in `ca_file`, or Mozilla's list; nothing from the environment.

    All who trust the same share one context, for its certificates take most of a megabyte. The file is read again
    once it has changed. Raises ConfigError where it cannot be read or holds no certificates.
    """
    try:
        version = _version(ca_file)
        known = _contexts.get(ca_file)
        if known is None or known[0] != version:
            known = _contexts[ca_file] = (version, _read_certificates(ca_file))
    except OSError:  # an SSLError is one
        raise ConfigError(f"ca_file: {ca_file} holds no certificates; PEM is what it takes") from None
    return known[1]


def _version(path: Path | None) -> _Version:
    if path is None:
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read_certificates(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # `create_default_context` would obey SSLKEYLOGFILE
    context.load_verify_locations(cafile=str(ca_file or certifi.where()))
    return context


class FreshConnections(httpx.AsyncBaseTransport):
    """A transport that gives each request a connection of its own, so that no answer can be taken for another's.

    A new connection looks the vendor's name up, and trusts what `ca_file` holds by then. While that cannot be read,
    what was read before counts, and one warning is logged. Why nothing is kept alive stands in
    docs/decisions/0009-answers-belong-to-requests.md. Raises ConfigError where `ca_file` is useless from the start.
    """

    def __init__(self, name: str, source: Source, telemetry: Telemetry) -> None:
        self._name, self._config, self._telemetry = name, source, telemetry
        self._tls = tls_context(source.ca_file)
        self._inner = self._build()
        self._warned = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; the answer's body is still to be read."""
        self._read_certificates_anew()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._inner.aclose()

    def _read_certificates_anew(self) -> None:
        try:
            tls = tls_context(self._config.ca_file)
        except ConfigError as error:
            if not self._warned:
                kept = "what was read before"
                self._telemetry.notice("certificates.unreadable", source=self._name, error=str(error), kept=kept)
            self._warned = True
            return
        self._warned = False
        if tls is not self._tls:
            self._tls = tls
            self._inner = self._build()  # the one before has no idle connection to close

    def _build(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=self._config.max_concurrency, max_keepalive_connections=0)
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, proxy=self._config.proxy, limits=limits)


def http_client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """Return a client that goes where it is told: no redirect, nothing from the environment, no cookies."""
    return httpx.AsyncClient(
        headers=_HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113  the session limits the whole exchange, which httpx cannot
    )
