"""The URLs of requests. To have httpx parse one of 250 characters takes an eighth of a whole request, so that of a list
is parsed once, and takes each request's query as it is. That reaches into httpx: where it has nothing there to reach
for, each URL is parsed. Equal to the plain way by tests/http/test_urls.py.
"""

import re
from functools import lru_cache
from typing import Any

import httpx

_PLAIN = re.compile(r"[A-Za-z0-9_.~+&=%-]*")
"""What `urlencode` writes, which httpx leaves as it is."""
_LONG = 8192
"""Characters of a query that is left to httpx, which refuses what is far too long."""


def url_of(address: str, query: str) -> httpx.URL:
    """Return `httpx.URL(f"{address}?{query}")`, or without `?` where there is no query. Raises httpx.InvalidURL."""
    plain = query and len(query) < _LONG and _PLAIN.fullmatch(query)
    if plain and (known := _parsed(address)):
        url = httpx.URL.__new__(httpx.URL)
        url._uri_reference = known._replace(query=query)
        return url
    return httpx.URL(f"{address}{query and '?'}{query}")


@lru_cache(5000)
def _parsed(address: str) -> Any:
    """Return what httpx has found in a URL that has no query yet; None where it has one, or where we do not see it."""
    found = getattr(httpx.URL(address), "_uri_reference", None)
    return found if "?" not in address and "#" not in address and hasattr(found, "_replace") else None
