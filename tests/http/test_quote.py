"""What of a vendor's refusal is kept for `poller check`, and that no secret is in it."""

from base64 import b64encode

import pytest

from poller.http.response import quote

SECRETS = ["Bearer sesame/123 34", "key&more", "Token token=abcdef", f"Basic {b64encode(b'Pat:open it').decode()}"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"error":\n  "per_page is at most 100"}', '{"error": "per_page is at most 100"}'),
        (b"<html><body><h1>Bad  request</h1>limit</body></html>", "Bad request limit"),
        (b"a bell \x07 and \x1b[31m red", "a bell and [31m red"),
        (b"", ""),
        (b"x" * 400, "x" * 300 + "…"),
        (b"no such token: sesame/123", ""),
        (b'{"sent": "sesame\\/12"}', ""),
        (b"/items?k=key%26more", ""),
        (b"abcdef is no token", ""),
        (rb'{"sent": "sesame\u002F12"}', ""),
        (b"<p>" + b" " * 4090 + b"sesame/123", ""),
        (b"the password 'open it' is wrong", ""),
        (b"no such token: sesame/1****", ""),
        (b"12 34 are no secrets: they are too short", "12 34 are no secrets: they are too short"),
    ],
)
def test_one_line_without_markup_or_secrets(body: bytes, shown: str) -> None:
    assert quote(body, SECRETS) == shown
