"""URLs that are not parsed anew are those that httpx would have parsed."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.http import urls
from poller.http.urls import url_of

ADDRESSES = st.sampled_from(
    [
        "http://vendor.test/calls",
        "https://vendor.test:8443/v2/get/calls/",
        "https://b\u00fc.test/a b/../c%2fd",
        "http://[::1]:80/x",
        "http://vendor.test",
        "http://vendor.test/x?y=1",
        "http://vendor.test/x#y",
        "https://a:b@vendor.test/é",
    ]
)
TEXTS = st.text(st.sampled_from("azAZ09-._~+&=% ?#/'\"<>[]é\x7f😀"), max_size=8)
QUERIES = TEXTS | st.sampled_from(["%", "%zz", "%2f%2F", "a=%41&b", "x" * 9000, "a=b&c=d+e"])


@settings(deadline=None)
@given(ADDRESSES, QUERIES)
def test_urls(address: str, query: str) -> None:
    text = f"{address}?{query}" if query else address
    try:
        plain = httpx.URL(text)
    except httpx.InvalidURL:
        with pytest.raises(httpx.InvalidURL):
            url_of(address, query)
        return
    found = url_of(address, query)
    assert (str(found), found, found.raw_path) == (str(plain), plain, plain.raw_path)
    assert (found.netloc, found.raw_host, found.port, found.userinfo) == (
        plain.netloc, plain.raw_host, plain.port, plain.userinfo,
    )  # fmt: skip
    request, other = httpx.Request("GET", found), httpx.Request("GET", plain)
    assert (request.url, request.headers.raw) == (other.url, other.headers.raw)


def test_a_list_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    url_of("http://vendor.test/once", "page=1")
    parsed = list[str]()
    monkeypatch.setattr(httpx.URL, "__init__", lambda _, url: parsed.append(url))
    assert (
        str(url_of("http://vendor.test/once", "page=2&from=12%3A30")) == "http://vendor.test/once?page=2&from=12%3A30"
    )
    assert not parsed


def test_an_httpx_that_hides_what_it_found_parses_each() -> None:
    urls._parsed.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(urls, "getattr", lambda *_: None, raising=False)
        assert str(url_of("http://vendor.test/hidden", "page=1")) == "http://vendor.test/hidden?page=1"
    urls._parsed.cache_clear()
