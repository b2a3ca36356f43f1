"""Trying again: how often, how long, and when it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise

import anyio
import looptime
import pytest

from poller.retry import Retry, keep_trying
from tests.support.toy import NOON

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def without_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 2.0 ** (failures - 1))


class Fails:
    """Fails so often, then gives its number of attempts; says when each began."""

    def __init__(self, times: int, error: type[Exception] = OSError) -> None:
        self.times, self.error, self.began = times, error, list[float]()

    async def __call__(self) -> int:
        self.began.append(anyio.current_time())
        if len(self.began) <= self.times:
            raise self.error(f"{len(self.began)} failed")
        return len(self.began)


def simulated(work: Callable[[], Awaitable[int]]) -> int:
    async def main() -> int:
        return await work()

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(main())


def test_it_is_tried_until_it_works_with_longer_and_longer_waits() -> None:
    attempt, told = Fails(7), list[tuple[str, float]]()
    done = simulated(
        lambda: keep_trying(attempt, on=OSError, report=lambda error, wait: told.append((str(error), wait)))
    )
    assert done == 8
    assert [wait for _, wait in told] == [1, 2, 4, 8, 16, 30, 30]
    assert told[0][0] == "1 failed"
    assert [round(after - before) for before, after in pairwise(attempt.began)] == [wait for _, wait in told]


@pytest.mark.parametrize(
    ("after", "waits"),
    [(60, [1, 2, 4, 8, 16, 29, 0]), (10, [1, 2, 4, 3, 0]), (7, [1, 2, 4, 0]), (3, [1, 2, 0]), (0, [0])],
)
def test_its_last_try_is_when_patience_ends_and_not_before(after: int, waits: list[int]) -> None:
    attempt, told = Fails(100), list[float]()
    with pytest.raises(OSError, match=f"^{len(waits)} failed"):
        simulated(
            lambda: keep_trying(attempt, on=OSError, report=lambda _, wait: told.append(wait), give_up_after=after)
        )
    assert told == waits
    assert attempt.began[-1] - attempt.began[0] == after


def test_another_error_and_one_that_the_report_raises_end_it() -> None:
    with pytest.raises(KeyError):
        simulated(lambda: keep_trying(Fails(1, KeyError), on=OSError, report=lambda *_: None))

    def refuse(error: OSError, _: float) -> None:
        raise error

    attempt = Fails(1)
    with pytest.raises(OSError, match="1 failed"):
        simulated(lambda: keep_trying(attempt, on=OSError, report=refuse))
    assert len(attempt.began) == 1


def test_failures_are_counted_and_set_the_time_of_the_next_try() -> None:
    retry, later = Retry(), NOON + SECOND
    assert retry.ready(NOON)
    assert retry.failed(NOON) == 1
    assert (retry.failures, retry.at) == (1, later)
    assert [retry.ready(moment) for moment in (NOON, later)] == [False, True]
    assert retry.failed(later, factor=60) == 120
    assert retry.at == later + 120 * SECOND
    retry.succeeded()
    assert retry == Retry()
