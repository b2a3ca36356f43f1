"""An output whose own code never returns, on simulated time: it is told, and holds nobody up for ever.

Killed: a run that hangs and says nothing; a `run --once` that never ends; a write that is tried again while the one
before it cannot be given up; a pipe that is given up because its reader takes its time, or of whose reader nothing is
said.
"""

import asyncio
import math
import os
from collections.abc import Coroutine, Sequence
from typing import Any, Self

import anyio
import looptime
import pytest
import structlog

from outputs import Marks, Message, Output
from outputs.stdout import StdoutOutput
from poller.state.delivery import Delivery, OutputAway
from poller.telemetry import Telemetry
from tests.state.ledgers import Sink
from tests.state.test_delivery import call


class Hangs(Sink):
    """Never returns from a write, so often; in a thread it cannot even be told to."""

    times, seconds = 1, math.inf

    async def write(self, batch: Sequence[Message]) -> Marks:
        self.times -= 1
        if self.times >= 0:
            with anyio.CancelScope(shield=self.seconds < math.inf):
                await anyio.sleep(self.seconds)
        return await super().write(batch)


async def told_of(hangs: Output, patience: float | None = None) -> list[tuple[float, str, Any]]:
    """What is told while it has to take a batch, and when."""
    logs: list[tuple[float, str, Any]] = []

    def told(_: Any, __: str, event: Any) -> Any:
        logs.append((round(anyio.current_time()), event["event"], event.get("error", event.get("reason"))))
        raise structlog.DropEvent

    structlog.configure(processors=[told])
    try:
        async with Delivery({"hangs": hangs}, Telemetry(), patience) as delivery:
            await delivery.deliver([call("1")])
    except OutputAway as error:
        logs.append((round(anyio.current_time()), "away", str(error)))
    finally:
        structlog.reset_defaults()
    return logs


def on_simulated_time(work: Coroutine[Any, Any, list[tuple[float, str, Any]]]) -> list[tuple[float, str, Any]]:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(work)


def test_a_write_that_never_returns_is_given_up_after_a_minute_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 1.0)
    hangs = Hangs("hangs")
    assert on_simulated_time(told_of(hangs)) == [
        (60, "output.failed", "it has not taken a batch in 60 s"), (61, "output.recovered", None),
    ]  # fmt: skip
    assert hangs.held == [call("1").value]


def test_a_command_that_ends_by_itself_is_over_after_that_minute() -> None:
    *_, last = on_simulated_time(told_of(Hangs("hangs"), patience=60.0))
    assert last == (60, "away", "output hangs is away: it has not taken a batch in 60 s")


def test_one_that_cannot_be_given_up_is_told_and_waited_for() -> None:
    hangs = Hangs("hangs")
    hangs.seconds = 1000.0
    assert on_simulated_time(told_of(hangs)) == [
        (70, "output.failed", "it has not taken a batch in 70 s, and cannot be given up"),
        (1000, "output.recovered", None),
    ]  # fmt: skip
    assert hangs.held == [call("1").value]


def test_a_command_that_ends_by_itself_ends_by_force_where_it_cannot_be_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    hangs = Hangs("hangs")
    hangs.seconds = 1000.0
    told = on_simulated_time(told_of(hangs, patience=60.0))
    assert (600, "run.failed", "output hangs is away: it has not taken a batch in 600 s") in told
    assert codes == [1]


def test_one_that_does_not_open_is_waited_for_and_one_that_does_not_close_is_left() -> None:
    class Slow(Sink):
        async def __aenter__(self) -> Self:
            await anyio.sleep(math.inf if not self.held else 0)
            return self

        async def __aexit__(self, *_: object) -> None:
            await anyio.sleep(math.inf)

    async def opened() -> list[tuple[float, str, Any]]:
        slow = Slow("slow")
        async with Delivery({"slow": slow}, Telemetry()) as delivery:
            first = anyio.current_time(), "opened", delivery._away
            slow.held.append(b"")
            await delivery.arrive()
            before = anyio.current_time()
        return [first, (anyio.current_time() - before, "closed", None)]

    first, closed = on_simulated_time(opened())
    assert first[0] == 60
    assert closed == (30.0, "closed", None)


class Pipe(StdoutOutput):
    """One whose reader takes its time."""

    async def write(self, batch: Sequence[Message]) -> Marks:
        await anyio.sleep(1000)
        return {}


def test_who_reads_a_pipe_sets_the_pace_and_is_told_of_after_a_minute() -> None:
    """`poller run | less` stands still for as long as nobody scrolls: that is not "ready"."""
    assert on_simulated_time(told_of(Pipe(), patience=60.0)) == [
        (60, "output.failed", "whoever reads it has not taken a batch in 60 s"), (1000, "output.recovered", None),
    ]  # fmt: skip
