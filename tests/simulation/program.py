"""The whole program on simulated time: configuration, sources, supervisor, state and files, one life after another.

What it does without: signals, the HTTP port and the control socket. Logs are kept with the simulated time.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import anyio
import looptime
import orjson
import pytest
import structlog
import yaml
from starlette.types import ASGIApp

from poller.clock import Clock
from poller.config.settings import Settings, load
from poller.http.session import open_session
from poller.plugin.stream import Stream
from poller.polling.loop import SourceLoop
from poller.polling.source import source_loop
from poller.polling.supervisor import Supervisor
from poller.state.open import Opening, open_state
from poller.telemetry import Telemetry, configure_logging
from poller.testing.simulation import Distant, threads_inline
from tests.chaos.death import Death, Killed, mortal
from tests.simulation.replicas import Member, rebalance

READING, SAVING = 4.0, 3.0
"""Seconds that a program which was asked to end gives its pages, and their commits; poller/commands/lifecycle.py."""
ONE_TURN = 3600.0
"""Real seconds for which a restore may hold up everything else: how long it takes must not decide what comes next."""

FLUSH_EVERY = 10.0
"""Seconds for which what may wait waits: each second of a week is a turn of the loop that brings nothing."""


@dataclass
class Program:
    """The lives of one program, whose `configuration` is that of `config.yaml`, over `app`, which answers for all.

    `birth` is when the first life begins, and `elapsed` seconds have passed since. A life is one of so many `replicas`.
    """

    folder: Path
    configuration: dict[str, Any]
    birth: datetime
    seed: int
    app: ASGIApp = field(init=False)
    elapsed: float = 0.0
    telemetry: Telemetry = field(default_factory=Telemetry)
    replicas: int = 1
    supervisors: Sequence[Supervisor] = ()
    known: Settings | None = None

    def now(self) -> datetime:
        """Return the simulated time (aware, UTC)."""
        with suppress(RuntimeError):
            self.elapsed = asyncio.get_running_loop().time()
        return self.birth + timedelta(seconds=self.elapsed)

    @property
    def log(self) -> Path:
        return self.folder / "poller.log"

    def settings(self) -> Settings:
        """Return the configuration as the program reads it, or as it is `known`."""
        if self.known:
            return self.known
        config = self.folder / "config.yaml"
        config.write_text(yaml.safe_dump(self.configuration))
        return load(config, os.environ)

    def stream(self, source: str, name: str) -> Stream:
        """Return a stream as it is configured."""
        return next(one for one in self.settings().sources[source].built_streams if one.name == name)

    def loop(self, source: str) -> SourceLoop | None:
        """Return the loop that polls a source now."""
        return next(filter(None, (supervisor.loop(source) for supervisor in self.supervisors)), None)

    def live(self, seconds: float, death: Death, until: Callable[[], bool] = lambda: False) -> str:
        """Let a program live for so many seconds, or until so; return how it ended: stopped, or killed."""
        settings = self.settings()
        with self._simulated(), pytest.MonkeyPatch.context() as patch:
            mortal(death, patch.setattr)
            try:
                loop = looptime.new_event_loop(start=self.elapsed, noop_cycles=0)
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(self._life(settings, seconds, until))
            except BaseExceptionGroup as group:
                if group.subgroup(Killed) is None:
                    raise
                return "killed"
            except Killed:
                return "killed"
        return "stopped"

    @contextmanager
    def _simulated(self) -> Iterator[None]:
        """Replace the network by `app`, threads by the loop, chance by the seed, the log's time by ours."""
        random.seed(f"{self.seed} {self.elapsed}")
        with threads_inline(), pytest.MonkeyPatch.context() as patch, self.log.open("a") as log:
            patch.setattr("poller.polling.source.open_session", self._session)
            patch.setattr("poller.state.sqlite.ledger._TURN", ONE_TURN)
            patch.setattr("poller.polling.supervisor._FLUSH_EVERY", FLUSH_EVERY)
            with _logging_to(_Dated(log, self.now)):
                yield

    def _session(self, name: str, *args: Any, **others: Any) -> Any:
        distant = Distant(self.app, random.Random(f"{self.seed} {name}"))
        return open_session(name, *args, **others, transport=distant)

    async def _life(self, settings: Settings, seconds: float, until: Callable[[], bool]) -> None:
        self.telemetry = telemetry = Telemetry()
        by = Opening("run", telemetry, self.now)
        opening = open_state(settings.state, settings.outputs, settings.sources, by, progress=bool(settings.progress))
        async with opening as (ledger, save, _, end):
            clock = Clock(telemetry.clock_stepped, self.now, anyio.current_time)
            assert save, "this is no dry run"
            members = [Member(ledger, save) for _ in range(self.replicas)]
            self.supervisors = [self._supervisor(settings, member, clock) for member in members]
            telemetry.started("simulated", "here")
            async with anyio.create_task_group() as group:
                for supervisor, member in zip(self.supervisors, members, strict=True):
                    group.start_soon(supervisor.run, member)
                group.start_soon(rebalance, members, list(settings.sources), random.Random(f"{self.seed} {self.now()}"))
                await _pass(seconds, until)
                end()
                await _stop(self.supervisors, group.cancel_scope)
            telemetry.stopped()
        self.now()

    def _supervisor(self, settings: Settings, member: Member, clock: Clock) -> Supervisor:
        build = partial(source_loop, ledger=member, telemetry=self.telemetry, now=clock, save=member.save_token)
        return Supervisor(settings.sources, partial(build, once=False, progress=settings.progress))


async def _pass(seconds: float, until: Callable[[], bool]) -> None:
    end = anyio.current_time() + seconds
    while anyio.current_time() < end and not until():  # noqa: ASYNC110  an event would need who looks, too
        await anyio.sleep(min(300, end - anyio.current_time()))


async def _stop(supervisors: Sequence[Supervisor], work: anyio.CancelScope) -> None:
    for supervisor in supervisors:
        supervisor.stop()
    await anyio.sleep(READING)
    for supervisor in supervisors:
        supervisor.cancel_requests()
    await anyio.sleep(SAVING)
    work.cancel()


@contextmanager
def _logging_to(log: "_Dated") -> Iterator[None]:
    """Log there, and give the process its logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(log)  # type: ignore[arg-type]
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


class _Dated:
    """A log whose lines bear the simulated time, so that the same life leaves the same log."""

    def __init__(self, log: TextIO, now: Callable[[], datetime]) -> None:
        self._log, self._now = log, now

    def write(self, line: str) -> None:
        fields = orjson.loads(line)
        fields["timestamp"] = self._now()
        self._log.write(orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode() + "\n")

    def flush(self) -> None:
        self._log.flush()

    def isatty(self) -> bool:
        return False
