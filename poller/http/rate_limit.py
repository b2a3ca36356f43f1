"""A source's pace: requests evenly spaced, no bursts."""

import anyio


class RateLimit:
    """A limit on one source's requests a minute: they go one by one, 60 / `requests_per_minute` seconds apart.

    A source that fell behind does not catch up in a burst.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._interval = 60 / requests_per_minute
        self._next = 0.0

    def delay(self) -> float:
        """Return the seconds until the next request may go."""
        return max(0.0, self._next - anyio.current_time())

    def hold(self, seconds: float) -> None:
        """Let no request go for so long."""
        self._next = max(self._next, anyio.current_time() + seconds)

    async def turn(self) -> None:
        """Wait for the next request's turn, and take it."""
        at = max(self._next, anyio.current_time())
        self._next = at + self._interval
        if (wait := at - anyio.current_time()) > 0:
            await anyio.sleep(wait)
