"""How long to wait before trying again: one second, doubling to five minutes, with jitter."""

from tenacity import AsyncRetrying, RetryCallState, wait_exponential_jitter

_WAIT = wait_exponential_jitter(initial=1, max=300, jitter=1)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row (at least one)."""
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = failures
    return _WAIT(state)
