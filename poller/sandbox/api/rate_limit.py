"""The number of requests that a simulated vendor still allows in this minute; each answer tells it."""

from poller.sandbox.api.backend import Desk


class Budget:
    """A counter of the requests of a minute, against the vice `rate_limit`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._minute, self._used = 0, 0

    def spent(self) -> dict[str, str]:
        """Count one request; return the X-RateLimit headers, and Retry-After if the request was one too many."""
        limit, now = int(self._desk.amount("rate_limit")), int(self._desk.now().timestamp())
        self._used = self._used + 1 if now // 60 == self._minute else 1
        self._minute = now // 60
        reset = 60 * (self._minute + 1)
        headers = {"X-RateLimit-Limit": f"{limit}", "X-RateLimit-Remaining": f"{max(0, limit - self._used)}"}
        late = {"Retry-After": f"{reset - now}"} if self._used > limit else {}
        return {**headers, "X-RateLimit-Reset": f"{reset}", **late}
