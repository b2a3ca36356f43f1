"""What replicas and their broker go through in a chaos run: killed, frozen, stopped, at any time or around a write."""

import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.to_thread import run_sync

from tests.chaos.files import poller
from tests.kafka.broker import Broker

SESSION = 6.0
"""Seconds: the least that a broker allows (group.min.session.timeout.ms)."""
LONGEST = 20.0
"""Seconds of a freeze: long enough for others to take over, and to have news."""
STOPPING = 10.0
"""Seconds that a poller has to end when it is asked to."""


@dataclass(frozen=True)
class Replica:
    """One of several pollers with one configuration; `troubles` counts what befalls all of them."""

    config: Path
    log: Path
    rng: random.Random
    troubles: Counter[str]
    unfenced: bool

    def run(self, moment: int) -> AbstractAsyncContextManager[Process]:
        """Start it, to be killed at the n-th moment around its writes (0: never)."""
        options = ["--unfenced"] if self.unfenced else []
        return poller(self.log, "tests.kafka.killer", *options, str(moment), "run", "-c", str(self.config))

    async def live(self) -> None:
        """One life: some end around a write, the others, most of them frozen for a while, at any time or in peace."""
        moment = int(2 ** self.rng.uniform(5, 13)) if self.rng.random() < 0.3 else 0
        async with self.run(moment) as process:
            await self._wait(process, 5, 25)
            if self.rng.random() < 0.8:
                await self._freeze(process)
            await self.end(process, signal.SIGKILL if self.rng.random() < 0.6 else signal.SIGTERM)

    async def end(self, process: Process, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it did not end by itself, and see that it does so well."""
        _send(process, number)
        try:
            with anyio.fail_after(STOPPING):
                code = await process.wait()
        except TimeoutError:
            raise AssertionError(f"a poller went on for {STOPPING:g} s after it was to end; see {self.log}") from None
        if code not in {0, -signal.SIGKILL, -signal.SIGTERM}:  # the last: before it could begin to listen to signals
            raise AssertionError(f"a poller ended with {code}; see {self.log}")
        self.troubles["kills" if code == -signal.SIGKILL else "stops"] += 1

    async def _freeze(self, process: Process) -> None:
        """For long enough, sometimes, that others take over; and let it live on, believing what it believed."""
        if _send(process, signal.SIGSTOP):
            self.troubles["freezes"] += 1
            await anyio.sleep(
                self.rng.choice([self.rng.uniform(1, SESSION + 5), self.rng.uniform(SESSION + 5, LONGEST)])
            )
            _send(process, signal.SIGCONT)
            await self._wait(process, 1, 6)

    async def _wait(self, process: Process, least: float, most: float) -> None:
        with anyio.move_on_after(self.rng.uniform(least, most)):
            await process.wait()


def _send(process: Process, number: signal.Signals) -> bool:
    """Signal it, and tell whether it was still there."""
    if process.returncode is not None:
        return False
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return False
    return True


class Storm:
    """What befalls replicas and broker, until `over` says so."""

    def __init__(
        self, broker: Broker, replicas: Sequence[Replica], rng: random.Random, over: Callable[[], bool]
    ) -> None:
        self._broker, self._replicas, self._rng, self._over = broker, replicas, rng, over

    async def rage(self) -> None:
        """Return once it is over: then the broker is there, and no replica."""
        async with anyio.create_task_group() as group:
            for replica in self._replicas:
                group.start_soon(self._lives, replica)
            group.start_soon(self._broker_fails, self._replicas[0].troubles)

    async def _lives(self, replica: Replica) -> None:
        while not self._over():
            await replica.live()

    async def _broker_fails(self, troubles: Counter[str]) -> None:
        while True:
            await anyio.sleep(self._rng.uniform(12, 30))
            if self._over():
                return
            if self._rng.random() < 0.5:
                await run_sync(self._broker.kill)
                await anyio.sleep(self._rng.uniform(0, 3))
                await run_sync(self._broker.start)
                troubles["broker kills"] += 1
            else:
                await run_sync(self._broker.send, signal.SIGSTOP)
                await anyio.sleep(self._rng.uniform(1, 8))
                await run_sync(self._broker.send, signal.SIGCONT)
                troubles["broker freezes"] += 1
