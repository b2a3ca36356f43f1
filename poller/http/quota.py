"""The quota that a vendor's headers tell of: when nothing remains of it, and until when."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from poller.http.response import LONGEST_WAIT

_EPOCH_FROM = 10**9
"""A `reset` beyond this is a time in seconds since 1970, below it so many seconds from now."""


_USED_UP = re.compile(rb'"(?:REQUEST_LIMIT_EXCEEDED|rateLimitExceeded|userRateLimitExceeded|quotaExceeded)"')
"""The words by which Salesforce and Google say so in the body of a 403, and in no header:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm,
https://developers.google.com/calendar/api/guides/errors."""


class Quota:
    """Headers such as `X-RateLimit-Remaining`, `-Reset` and `-Retry-After`, which begin with one of these prefixes."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        self.known = bool(prefixes)
        self._prefixes = [prefix.lower() for prefix in prefixes]

    def wait(self, headers: Mapping[str, str], now: datetime) -> float | None:
        """Return the seconds until there is a quota again; None where some remains, or nothing is said of it."""
        for prefix in self._prefixes:
            if seconds := _number(headers.get(f"{prefix}retry-after")):
                return min(seconds, LONGEST_WAIT)
            if _number(headers.get(f"{prefix}remaining")) == 0:
                reset = _number(headers.get(f"{prefix}reset"))
                reset = _number(headers.get(f"{prefix}window")) if reset is None else reset
                if reset is not None:
                    wait = reset - now.timestamp() if reset > _EPOCH_FROM else reset
                    return min(max(wait, 0.0), LONGEST_WAIT)
        return None

    def explains(self, headers: Mapping[str, str], body: bytes, asked: float | None) -> bool:
        """Return whether a 403 means that nothing remains: it `asked` to wait so long, or does not say until when."""
        remaining = (headers.get(f"{prefix}remaining") for prefix in self._prefixes)
        used_up = asked is not None or any(_number(said) == 0 for said in remaining) or _USED_UP.search(body)
        return self.known and bool(used_up)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else -1.0
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
