"""A GET that httpx was told to have no body is the one that it would have made."""

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.http.session import _HEADERS, get_request

ADDRESSES = st.sampled_from(
    ["http://vendor.test/calls?a=b", "https://b\u00fc.test:8443", "http://[::1]:80/", "https://vendor.test:443"]
)
NAMES = st.sampled_from(["X-Key", "x-key", "Authorization", "accept", "Accept", "HOST", "user-agent", "Content-Type"])


@settings(deadline=None)
@given(ADDRESSES, st.dictionaries(NAMES, st.text("ab ", max_size=3), max_size=4))
def test_get_request(address: str, headers: dict[str, str]) -> None:
    with_ours = httpx.Headers(_HEADERS)
    with_ours.update(headers)
    plain, found = httpx.Request("GET", address, headers=with_ours), get_request(httpx.URL(address), headers)
    assert found.headers.raw == plain.headers.raw
    assert (found.method, found.url, found.content) == (plain.method, plain.url, plain.content)
