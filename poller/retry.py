"""Trying again after a failure: when, and for how long.

The wait after the first failure in a row is a second; it doubles up to four minutes, and jitter makes every wait up to
a quarter longer. `Retry` counts the failures of something that somebody else tries; `keep_trying` tries by itself.
"""

import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import anyio

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

_LONGEST, _DOUBLINGS = 240.0, 8
_JITTER = 1.25
_OUR_LONGEST = 30.0
"""Seconds between two tries of `keep_trying`, at most."""


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row (at least one)."""
    wait = min(2.0 ** min(failures - 1, _DOUBLINGS), _LONGEST)
    return wait * random.uniform(1, _JITTER)  # noqa: S311  no secret


@dataclass(slots=True)
class Retry:
    """A count of failures in a row, and the time before which there is no other try (None: at once)."""

    failures: int = 0
    at: datetime | None = None

    def ready(self, now: datetime) -> bool:
        """Return True if a try may be made now."""
        return self.at is None or self.at <= now

    def failed(self, now: datetime, factor: float = 1.0) -> float:
        """Count a failure; return the seconds until the next try, `factor` times as long as usual."""
        self.failures += 1
        wait = factor * backoff(self.failures)
        self.at = now + timedelta(seconds=wait)
        return wait

    def succeeded(self) -> None:
        """Forget all failures."""
        self.failures, self.at = 0, None


async def keep_trying(
    attempt: Callable[[], Awaitable[T]],
    *,
    on: type[E],
    report: Callable[[E, float], None],
    give_up_after: float | None = None,
) -> T:
    """Repeat an attempt as long as it raises `on`, and return what it returns at last.

    `report` is given each failure and the seconds until the next try; what it raises ends this.
    The last try begins `give_up_after` seconds after the first one (None: there is no last one), and raises what it
    fails with: that is reported, too, with no wait.
    """
    failures, end = 0, math.inf if give_up_after is None else anyio.current_time() + give_up_after
    while True:
        try:
            return await attempt()
        except on as error:
            failures += 1
            left = max(0.0, end - anyio.current_time())
            wait = min(backoff(failures), _OUR_LONGEST, left)
            report(error, wait)
            if not left:
                raise
        await anyio.sleep(wait)
