"""Requests are evenly spaced, whoever waits for them, and a source that fell behind does not catch up in a burst.

Killed: a bucket of tokens; a pace that counts from the end of the last request; a turn given to two at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import looptime
import pytest

from poller.http.rate_limit import RateLimit


def simulated(work: Callable[[], Awaitable[list[float]]]) -> list[float]:
    async def main() -> list[float]:
        return await work()

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("crowd", [1, 7])
def test_one_request_each_so_many_seconds_however_many_wait(crowd: int) -> None:
    async def work() -> list[float]:
        pace, times, loop = RateLimit(20), list[float](), asyncio.get_running_loop()

        async def ask() -> None:
            for _ in range(21 // crowd):
                await pace.turn()
                times.append(loop.time())

        await asyncio.gather(*(ask() for _ in range(crowd)))
        return times

    times = simulated(work)
    assert times[0] == 0
    assert {round(later - earlier, 6) for earlier, later in pairwise(times)} == {3.0}


def test_a_slow_answer_takes_nothing_off_the_pace_and_saves_nothing_up() -> None:
    async def work() -> list[float]:
        pace, times, loop = RateLimit(60), list[float](), asyncio.get_running_loop()
        for took in (0.4, 10, 0, 0):
            await pace.turn()
            times.append(loop.time())
            await asyncio.sleep(took)
        return times

    assert [round(time, 6) for time in simulated(work)] == [0, 1, 11, 12]


def test_delay_says_when_the_next_turn_is() -> None:
    async def work() -> list[float]:
        pace = RateLimit(60)
        found = [pace.delay()]
        await pace.turn()
        found.append(pace.delay())
        await asyncio.sleep(0.25)
        found.append(pace.delay())
        await asyncio.sleep(9)
        return [*found, pace.delay()]

    assert [round(seconds, 6) for seconds in simulated(work)] == [0, 1, 0.75, 0]
