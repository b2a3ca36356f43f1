"""Who waits how long after a failure: a sweep, or its whole source."""

from datetime import datetime, timedelta

from poller.errors import Denied, Throttled
from poller.polling.runtime import Pass, SweepRuntime
from poller.retry import backoff

_DENIED = (60.0, 300.0, 900.0)
"""Seconds a source waits from its second refusal in a row on: accounts lock."""


class CircuitBreaker:
    """One source's. `refusals` counts those in a row; until `resume_at` none of its streams asks."""

    def __init__(self) -> None:
        self.refusals = 0
        self.resume_at: datetime | None = None
        self._refused_at: datetime | None = None

    def accepted(self) -> None:
        """The vendor answered."""
        self.refusals = 0

    @property
    def denied(self) -> bool:
        """Whether the vendor refuses us, after one more try."""
        return self.refusals >= 2

    def seconds(self, now: datetime) -> float:
        """How long the source still waits."""
        return max(0.0, (self.resume_at - now).total_seconds()) if self.resume_at else 0.0

    def after(self, run: SweepRuntime, current: Pass, error: Exception, asked_at: datetime, now: datetime) -> float:
        """Let wait who must, and say for how many seconds."""
        whole = self.source(error, run.failures, asked_at, now)
        if whole is not None:
            if isinstance(error, Denied) and self.denied:  # one that is refused among others that are not goes slower
                run.retry_at = now + timedelta(seconds=max(whole, backoff(run.failures)))
            return whole
        if current.gap:
            run.gap_failures += 1
            wait = 60 * backoff(run.gap_failures)
            run.gap_retry_at = now + timedelta(seconds=wait)
            return wait
        wait = backoff(run.failures)
        run.retry_at = now + timedelta(seconds=wait)
        return wait

    def after_record(self, run: SweepRuntime, error: Exception, asked_at: datetime, now: datetime) -> float:
        """The same, after a record that was to be read by itself."""
        whole = self.source(error, run.reread_failures, asked_at, now)
        if whole is not None:
            return whole
        wait = backoff(run.reread_failures)
        run.reread_retry_at = now + timedelta(seconds=wait)
        return wait

    def source(self, error: Exception, failures: int, asked_at: datetime, now: datetime) -> float | None:
        """What concerns the whole source; None where it doesn't."""
        if isinstance(error, Denied):
            return self._refused(asked_at, now)
        if isinstance(error, Throttled):
            return self._pause(error.retry_after or backoff(failures), now)
        return None

    def _refused(self, asked_at: datetime, now: datetime) -> float:
        """What was asked before the last refusal was known says nothing new."""
        if self._refused_at and asked_at < self._refused_at:
            return self.seconds(now)
        self.refusals += 1
        self._refused_at = now
        return self._pause(_DENIED[min(self.refusals, 4) - 2], now) if self.denied else 0.0

    def _pause(self, seconds: float, now: datetime) -> float:
        self.resume_at = max(self.resume_at or now, now + timedelta(seconds=min(seconds, _LONGEST)))
        return self.seconds(now)


_LONGEST = 86_400.0 * 365
