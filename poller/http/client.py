"""The HTTP client of a source: a connection for each request, whom it trusts, and where it never goes."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import certifi
import httpx

from poller.errors import ConfigError
from poller.plugin.source import Source

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "Connection": "close", "User-Agent": "poller"}


@cache
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Who is trusted: the configured authorities, else Mozilla's list; nothing from the environment.

    One context for all who trust the same: its certificates take most of a megabyte. Raises ConfigError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # `create_default_context` would obey SSLKEYLOGFILE
    try:
        context.load_verify_locations(cafile=str(ca_file or certifi.where()))
    except OSError:  # an SSLError is one
        raise ConfigError(f"ca_file: {ca_file} holds no certificates; PEM is what it takes") from None
    return context


def http_client(account: Source, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """The source's one HTTP client."""
    return new_client(proxy=account.proxy, tls=tls, connections=account.max_concurrency)


def new_client(*, proxy: str | None, tls: ssl.SSLContext, connections: int) -> httpx.AsyncClient:
    """Return a client that goes where it is told: no redirect, nothing from the environment, no cookies.

    Each request has a connection of its own, so no answer can be taken for another request's
    (docs/decisions/answers-belong-to-requests.md).
    """
    return httpx.AsyncClient(
        headers=_HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        verify=tls,
        proxy=proxy,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113  `send` limits the whole exchange, which httpx cannot
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=0),
    )
