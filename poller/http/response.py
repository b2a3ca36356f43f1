"""An HTTP answer, read whole, and the error that its status means."""

import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import quote_plus

import httpx

from poller.errors import Denied, Lasting, Throttled, Unavailable, Unexpected
from poller.humanize import format_seconds

LONGEST_WAIT: Final = 86_400.0
"""Seconds that a vendor can make us wait at most: one that asks for a longer pause is asked again after a day."""

_MOST_READ, _MOST_SHOWN, _SHORTEST_SECRET = 4096, 300, 4
_BEGINNING = 8
"""So many first signs of a secret are one."""
_BETWEEN = re.compile(r"[\s=,:]+")
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_MARKUP = re.compile(r"<[^<>]*>")
_DIGITS, _FIRST_YEAR = 8, 1900
"""An `Age` with more digits is nonsense (three years), and so is a date before that year."""


_LASTING = {400, 402, 404, 405, 406, 410, 411, 413, 414, 415, 416, 417, 422, 426, 428, 431, 451}
"""The statuses by which something is wrong with the request (RFC 9110 §15.5): neither a repetition nor a wait mends it.
A 413 that says how long to wait is temporary. Others of 4xx may pass, also those that no standard knows."""


class RawResponse:
    """A whole HTTP answer. `date` is its `Date` header, None where that is missing or no date."""

    def __init__(self, status: int, body: bytes, headers: httpx.Headers) -> None:
        self.status, self.body, self.headers = status, body, headers
        self.date = read_http_date(headers.get("date"))

    @property
    def as_of(self) -> datetime | None:
        """The time of the answer by the vendor's clock: `date`, less the `Age` that a cache shows (RFC 9111 §5.1).

        A cache should leave the vendor's `Date` alone, and not all do. An answer that is taken for older than it is
        costs a longer window; one that is taken for newer would cost records.
        """
        age = self.headers.get("age", "").strip()
        if self.date is None or self.date.year < _FIRST_YEAR or not age.isdecimal() or len(age) > _DIGITS:
            return self.date
        return self.date - timedelta(seconds=int(age))


Send: TypeAlias = Callable[[httpx.Request], Awaitable[RawResponse]]
"""Send one request and read its answer whole. Raises Unavailable or Unexpected."""


@lru_cache(100)
def read_http_date(text: str | None) -> datetime | None:
    """Read an HTTP date (RFC 9110 §5.6.7), in UTC; None where the text is missing or no date."""
    try:
        date = parsedate_to_datetime(text) if text else None
        return None if date is None else date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def error_of(answer: RawResponse, now: datetime, of: str = "") -> Denied | Throttled | Unavailable | Unexpected:
    """Return the error that the status means; `now` stands in for the vendor's clock, where it shows none. `of` names
    who answered, where it is not the vendor's API.

    Whoever says how long to wait is waited for, whatever the status (RFC 9110 §10.2.3): but not where the credential is
    refused, which has waits of its own, nor by a proxy or a redirect, nor for what no wait mends.
    """
    status, text = answer.status, f"{of}: HTTP {answer.status}" if of else f"HTTP {answer.status}"
    wait = read_retry_after(answer.headers.get("retry-after"), answer.date or now)
    if status in {401, 403}:
        return Denied(text)
    if status == 407:
        return Unavailable(describe_proxy_refusal(status))
    if 300 <= status < 400:
        return Unexpected(f"{text}: a redirect, which is never followed")
    if status in _LASTING and (status != 413 or wait is None):
        return Lasting(text)
    if status == 429 or wait is not None:
        return _throttled(text, wait)
    return Unavailable(text) if status in {408, 425} or status >= 500 else Unexpected(text)


def quote(body: bytes, secrets: Iterable[str]) -> str:
    """Return how a refusal's body begins, on one line and without markup; nothing where a secret may be in it."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), body.decode(errors="replace")).replace("\\/", "/")
    if any(part in text or quote_plus(part) in text for secret in secrets for part in _parts(secret)):
        return ""
    line = "".join(sign if sign.isprintable() else " " for sign in _MARKUP.sub(" ", text[:_MOST_READ]))
    shown = " ".join(line.split())
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"


def _parts(secret: str) -> list[str]:
    """Return how what of a header's value begins that a vendor may repeat alone: `Token token=abc`, or a password
    (RFC 7617). What is wrong with a key is often said beside its first signs, the rest starred out."""
    found, (scheme, _, credentials) = _BETWEEN.split(secret), secret.partition(" ")
    with suppress(ValueError):
        found += b64decode(credentials, validate=True).decode().split(":") if scheme == "Basic" else []
    return [part[:_BEGINNING] for part in (secret, *found) if len(part) >= _SHORTEST_SECRET]


def _throttled(text: str, wait: float | None) -> Throttled:
    """The wait is cut to a day: a typing error of the vendor's must not silence a source for a year."""
    if wait is None or wait <= LONGEST_WAIT:
        return Throttled(text, wait)
    asked = "more than a year" if wait > 366 * LONGEST_WAIT else format_seconds(wait)
    return Throttled(f"{text}: the vendor asks to wait {asked} (Retry-After), which is cut to a day", LONGEST_WAIT)


def describe_proxy_refusal(status: int) -> str:
    """Say what the proxy answered, in words of ours."""
    phrase = f" {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else ""
    return f"the proxy answered {status}{phrase}"


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Read a Retry-After (RFC 9110 §10.2.3), a number or a date after `now`, as seconds; None where it is neither."""
    if text is None:
        return None
    if (number := text.strip()).isdecimal():
        return float(number)
    date = read_http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())
