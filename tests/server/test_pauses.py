"""Who tells of thousands of streams lets the event loop have its turns meanwhile."""

import sys
import time
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest

from poller.server.pauses import with_pauses
from poller.telemetry.status import StreamStatus
from tests.server.conftest import House, running


@pytest.fixture
def greedy() -> Iterator[None]:
    """A thread that works keeps the interpreter until it lets it go by itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


def work(count: int, seconds: float) -> Iterator[int]:
    for number in range(count):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass
        yield number


@pytest.mark.usefixtures("greedy")
async def test_the_loop_has_a_turn_after_each_millisecond_of_work() -> None:
    turns, done, seen = 0, list[int](), list[int]()

    async def turn() -> None:
        nonlocal turns
        while len(done) < 50:
            turns += 1
            await anyio.lowlevel.checkpoint()

    def told() -> None:
        for number in with_pauses(work(50, 0.001)):
            seen.append(turns)
            done.append(number)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(turn)
        await anyio.to_thread.run_sync(told)
    assert done == list(range(50)), "all of it, in its order"
    assert len({*seen}) >= 10, "most of the fifty, or fewer where the machine is busy"


@pytest.mark.usefixtures("greedy")
async def test_a_loop_that_takes_long_for_a_turn_is_not_waited_for_each_millisecond() -> None:
    turns, done = 0, list[int]()

    async def turn() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await anyio.lowlevel.checkpoint()
            list(work(1, 0.02))

    def told() -> None:
        before = turns
        list(with_pauses(work(100, 0.001)))
        done.append(turns - before)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(turn)
        await anyio.to_thread.run_sync(told)
    assert 5 < done[0] < 50, "each turn takes 20 ms, so 5 ms of work follow it"


class Crowded(House):
    """Two thousand streams, each of which takes a tenth of a millisecond to be told of."""

    def statuses(self) -> Iterator[StreamStatus]:
        for _ in work(2000, 0.0001):
            yield self.streams[0]


@pytest.mark.usefixtures("greedy")
@pytest.mark.parametrize("path", ["/metrics", "/api/streams", "/api/status", "/"])
async def test_it_answers_probes_while_it_tells_of_many_streams(path: str) -> None:
    house, answers = Crowded(), list[int]()
    async with running(house) as client, anyio.create_task_group() as asking:

        async def ask() -> None:
            answers.append((await client.get(path)).status_code)
            asking.cancel_scope.cancel()

        asking.start_soon(ask)
        probes = 0
        while not answers:
            assert (await client.get("/livez")).status_code == 200
            probes += 1
    assert answers == [200]
    assert probes > 5
