"""An HTTP answer, read whole, and which error it is."""

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from poller.errors import Denied, Throttled, TooLarge, Unavailable, Unexpected


class RawResponse:
    """A whole HTTP answer. `date` is its `Date` header, None where that is missing or no date."""

    def __init__(self, status: int, body: bytes, headers: httpx.Headers) -> None:
        self.status, self.body, self.headers = status, body, headers
        self.date = read_http_date(headers.get("date"))


class Body:
    """A body as it arrives: unpacked, where it is gzip, the one compression that is asked for; `limit` bytes at most.

    Raises Unexpected where it is longer, or cannot be unpacked. No more than the limit is ever held: a body of a few
    kilobytes can unpack to gigabytes.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        if encoding.lower() not in {"", "identity", "gzip", "x-gzip"}:
            raise Unexpected("the body's compression is none that was asked for")
        self._packed = "gzip" in encoding.lower()
        self._gzip = zlib.decompressobj(wbits=31)
        self._limit = limit
        self._begun = False
        self._read = bytearray()

    def take(self, part: bytes) -> None:
        """Add what came next."""
        while part:
            self._begun = True
            self._read += self._unpacked(part) if self._packed else part
            if len(self._read) > self._limit:
                raise TooLarge(f"the body is larger than {self._limit >> 20} MiB")
            part = self._gzip.unused_data  # gzip may come in several members

    def whole(self) -> bytes:
        """All of it."""
        if self._packed and self._begun and not self._gzip.eof:
            raise Unexpected("the body's compression ends early")
        return bytes(self._read)

    def _unpacked(self, part: bytes) -> bytes:
        if self._gzip.eof:
            self._gzip = zlib.decompressobj(wbits=31)
        try:
            return self._gzip.decompress(part, self._limit + 1 - len(self._read))
        except zlib.error:
            raise Unexpected("the body's compression is broken") from None


def read_http_date(text: str | None) -> datetime | None:
    """Read an HTTP date (RFC 9110 §5.6.7)."""
    try:
        date = parsedate_to_datetime(text) if text else None
        return None if date is None else date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def error_of(answer: RawResponse, now: datetime) -> Denied | Throttled | Unavailable | Unexpected:
    """Which error a status is."""
    said = f"HTTP {answer.status}"
    wait = read_retry_after(answer.headers.get("retry-after"), answer.date or now)
    if answer.status in {401, 403}:
        return Denied(said)
    if answer.status == 429 or (answer.status == 503 and wait is not None):
        return Throttled(said, wait)
    if answer.status in {408, 425} or answer.status >= 500:
        return Unavailable(said)
    if 300 <= answer.status < 400:
        return Unexpected(f"{said}: a redirect, which is never followed")
    return Unexpected(said)


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds out of a Retry-After in either form (RFC 9110 §10.2.3): a number, or a date by the vendor's clock."""
    if text is None:
        return None
    if (number := text.strip()).isdecimal():
        return float(number)
    date = read_http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())
