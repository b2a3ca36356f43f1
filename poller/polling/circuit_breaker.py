"""The circuit breaker of one source: after a refusal, or a request for patience, none of its streams asks."""

from datetime import datetime, timedelta

from poller.clock import later
from poller.errors import Denied, Throttled
from poller.http.response import LONGEST_WAIT
from poller.retry import Retry, backoff

_DENIED = (60.0, 300.0, 900.0)
"""Seconds a source waits from its second refusal in a row on: accounts lock."""


class CircuitBreaker:
    """Opens for all streams of a source. `refusals` counts those in a row; until `resume_at` none of them asks."""

    def __init__(self) -> None:
        self.refusals = 0
        self.resume_at: datetime | None = None
        self.stepped = timedelta(0)
        self._refused_at: datetime | None = None

    def close(self) -> None:
        """Forget the refusals: the vendor answered."""
        self.refusals = 0

    @property
    def denied(self) -> bool:
        """True if the vendor refuses us, after one more try."""
        return self.refusals >= 2

    def seconds(self, now: datetime) -> float:
        """Return how long the source still waits."""
        return max(0.0, (self.resume_at - now).total_seconds()) if self.resume_at else 0.0

    def after(self, retry: Retry, error: Exception, asked_at: datetime, now: datetime, *, factor: float = 1.0) -> float:
        """Count a failure; have the whole source wait where it concerns that, else whatever `retry` is of.

        Returns the seconds. `asked_at` is when the request was made; `factor` lengthens the waits of `retry`.
        """
        if not isinstance(error, Denied | Throttled):
            return retry.failed(now, factor)
        retry.failures += 1
        if isinstance(error, Throttled):
            return self.pause(error.retry_after or backoff(retry.failures), now)
        wait = self._refused(asked_at, now)
        if self.denied:  # what is refused among others that are not goes slower
            retry.at = now + timedelta(seconds=max(wait, backoff(retry.failures)))
        return wait

    def pause(self, seconds: float, now: datetime) -> float:
        """Have the source wait for so many seconds, at least; return how long it waits."""
        self.resume_at = max(self.resume_at or now, now + timedelta(seconds=min(seconds, LONGEST_WAIT)))
        return self.seconds(now)

    def shift(self, by: timedelta) -> None:
        """Wait for a time so much later: our clock was stepped."""
        self.resume_at = later(self.resume_at, by)
        self._refused_at = later(self._refused_at, by)

    def _refused(self, asked_at: datetime, now: datetime) -> float:
        """Count a refusal. One of a request made before the last refusal was known says nothing new."""
        if self._refused_at and asked_at < self._refused_at:
            return self.seconds(now)
        self.refusals += 1
        self._refused_at = now
        return self.pause(_DENIED[min(self.refusals, 4) - 2], now) if self.denied else 0.0
