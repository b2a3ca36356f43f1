"""How long to wait before trying again: one second, doubling to five minutes, with jitter."""

import random

from tenacity import AsyncRetrying, RetryCallState, wait_exponential

_WAIT = wait_exponential(max=240)
_JITTER = 1.25


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row (at least one)."""
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = failures
    return _WAIT(state) * random.uniform(1, _JITTER)  # noqa: S311  no secret
