"""An HTTP answer, read whole, and which error it is."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from poller.errors import Denied, Throttled, Unavailable, Unexpected


class Answer:
    """A whole HTTP answer. `date` is its `Date` header, None where that is missing or no date."""

    def __init__(self, status: int, body: bytes, headers: httpx.Headers) -> None:
        self.status, self.body, self.headers = status, body, headers
        self.date = http_date(headers.get("date"))


def http_date(text: str | None) -> datetime | None:
    """Read an HTTP date (RFC 9110 §5.6.7)."""
    try:
        date = parsedate_to_datetime(text) if text else None
        return None if date is None else date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def refusal(answer: Answer, now: datetime) -> Denied | Throttled | Unavailable | Unexpected:
    """Which error a status is."""
    said = f"HTTP {answer.status}"
    wait = retry_after(answer.headers.get("retry-after"), answer.date or now)
    if answer.status in {401, 403}:
        return Denied(said)
    if answer.status == 429 or (answer.status == 503 and wait is not None):
        return Throttled(said, wait)
    if answer.status in {408, 425} or answer.status >= 500:
        return Unavailable(said)
    if 300 <= answer.status < 400:
        return Unexpected(f"{said}: a redirect, which is never followed")
    return Unexpected(said)


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds out of a Retry-After in either form (RFC 9110 §10.2.3): a number, or a date by the vendor's clock."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    date = http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())
