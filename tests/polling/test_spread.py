"""Sources that start one after another are polled one after another ever after.

Killed: ticks that are the same for all sources, so that thousands are due in one moment, and wait for each other.
"""

from datetime import timedelta
from pathlib import Path

import anyio

from tests.simulation import Simulation, callcap

APART = 7.0
EVERY = timedelta(seconds=30)


class Spread(Simulation):
    """A simulation in which each source starts a while after the one before."""

    async def _work(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                for number, pipeline in enumerate(self.pipelines):
                    group.start_soon(pipeline.run, number * APART)

    def apart(self) -> list[float]:
        """Return how many seconds after the first source's tick each one has its own."""
        due = [pipeline.streams[0].checkpoint.sweeps["live"].due for pipeline in self.pipelines]
        return [(at - due[0]) % EVERY / timedelta(seconds=1) for at in due if at and due[0]]


def test_ticks_are_as_far_apart_as_starts_and_stay_so(tmp_path: Path) -> None:
    accounts = {name: callcap() for name in ("acme", "bell", "crm")}
    simulation = Spread(tmp_path, dict(accounts), rate=0.0, history=timedelta(0))
    for _ in range(2):  # the second life finds due times in the state
        simulation.live(100)
        assert [round(seconds) for seconds in simulation.apart()] == [0, 7, 14]
