"""A whole poller on simulated time, in this process: the engine, its state and its files, and a clock that jumps."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import looptime
import orjson
import pytest
from starlette.types import ASGIApp

from outputs.file import FileConfig
from poller.clock import Clock
from poller.commands.check import Finding
from poller.commands.check_deep import AskingSession, findings
from poller.http.auth import make_auth
from poller.http.recorder import Recorder
from poller.http.session import Session, open_session
from poller.plugin.source import Source
from poller.polling.loop import SourceLoop
from poller.polling.progress.backfill import Order
from poller.polling.source import restore_streams
from poller.state.delivery import Delivery
from poller.state.reader import marks_of
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry

BIRTH = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
"""The time at which every simulation begins."""


@dataclass
class Simulation:
    """The lives of pollers, one after another, over `app`, which answers for all sources, whatever their `base_url`.

    `elapsed` seconds have passed since BIRTH. Events and rejects lie in files below `folder`.
    """

    folder: Path
    accounts: Mapping[str, Source]
    seed: int = 1
    elapsed: float = 0.0
    telemetry: Telemetry = field(default_factory=Telemetry)
    pipelines: list[SourceLoop] = field(default_factory=list)
    orders: Sequence[tuple[str, Order]] = ()
    progress: timedelta | None = None
    ahead: timedelta = timedelta(0)
    app: ASGIApp = field(init=False)

    @property
    def output(self) -> FileConfig:
        """The output that all events go to."""
        paths = {name: f"{self.folder}/{name}/{{source}}.jsonl" for name in ("events", "rejects")}
        return FileConfig(type="file", path=paths["events"], rejects_path=paths["rejects"])

    def now(self) -> datetime:
        """Return the simulated time (aware, UTC)."""
        with suppress(RuntimeError):
            self.elapsed = asyncio.get_running_loop().time()
        return BIRTH + timedelta(seconds=self.elapsed)

    def wall(self) -> datetime:
        """Return the time as the poller's machine has it, `ahead` of the simulated time (aware, UTC)."""
        return self.now() + self.ahead

    def poll(self, seconds: float, *, once: bool = False) -> None:
        """Let a poller run for this many simulated seconds at most."""
        with threads_inline():
            self._run(self._life(seconds, once))

    def probe(self, source: str) -> str:
        """Return what a source's probe says. Raises SourceError."""
        found: list[str] = []

        async def ask() -> None:
            async with AsyncExitStack() as stack:
                auth = make_auth(self.accounts[source], None, _forget, self.now)
                session = await self._session(stack, source, auth)
                found.append(await self.accounts[source].probe(session))

        with threads_inline():
            self._run(ask())
        return found[0]

    def judged(self, source: str) -> list[Finding]:
        """Return what `poller check --deep` finds."""
        found: list[Finding] = []

        async def ask() -> None:
            async with AsyncExitStack() as stack:
                auth = make_auth(self.accounts[source], None, _forget, self.now)
                asking = AskingSession(await self._session(stack, source, auth))
                found.extend([one async for one in findings(source, self.accounts[source], asking, self.now())])

        with threads_inline():
            self._run(ask())
        return found

    def events(self, source: str, stream: str | None = None) -> list[dict[str, Any]]:
        """Return what the files hold of a source, or of one of its streams, in order; fail on a torn line."""
        lines = self._lines("events", source)
        return [event for event in lines if stream in {None, event["stream"]}]

    def rejects(self, source: str) -> list[dict[str, Any]]:
        """Return the rejects of a source, in order."""
        return self._lines("rejects", source)

    def _run(self, life: Any) -> None:
        loop = looptime.new_event_loop(start=self.elapsed, noop_cycles=0)
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(life)

    async def _life(self, seconds: float, once: bool) -> None:
        self.telemetry = Telemetry()
        database = Database.open(self.folder / "state.db")
        database._connection.execute("PRAGMA synchronous = OFF")  # processes die here, disks do not
        try:
            async with AsyncExitStack() as stack:
                output = self.output.open(marks_of(database, "files"))
                delivery = await stack.enter_async_context(Delivery({"files": output}, self.telemetry))
                ledger = SqliteLedger(database, delivery, self.telemetry, self.wall)
                clock = Clock(self.telemetry.clock_stepped, self.wall, anyio.current_time)
                self.pipelines = [await self._pipeline(stack, name, ledger, clock, once=once) for name in self.accounts]
                await self._work(seconds)
        finally:
            database.close()
            self.now()

    async def _work(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                for pipeline in self.pipelines:
                    group.start_soon(pipeline.run)
                    for stream, order in self.orders:
                        group.start_soon(pipeline.order, stream, order)

    async def _pipeline(
        self, stack: AsyncExitStack, name: str, ledger: SqliteLedger, clock: Clock, *, once: bool
    ) -> SourceLoop:
        source = self.accounts[name]

        async def save(token: Any) -> None:
            await ledger.save_token(name, token)

        auth = make_auth(source, await ledger.token(name), save, self.wall)
        return SourceLoop(
            name,
            await restore_streams(name, source, ledger, self.wall),
            await self._session(stack, name, auth),
            ledger,
            telemetry=self.telemetry,
            now=clock,
            concurrency=source.max_concurrency,
            once=once,
            progress=self.progress,
        )

    async def _session(self, stack: AsyncExitStack, name: str, auth: Any) -> Session:
        transport = Distant(self.app, random.Random(self.seed))
        opening = open_session(
            name,
            self.accounts[name],
            auth,
            self.telemetry,
            self.wall,
            transport=transport,
            recorder=self.recorder(name),
        )
        return await stack.enter_async_context(opening)

    def recorder(self, source: str) -> Recorder | None:
        """Return what keeps the exchanges of a source; None where nothing is to be kept."""
        del source
        return None

    def _lines(self, kind: str, source: str) -> list[dict[str, Any]]:
        path = self.folder / kind / f"{source}.jsonl"
        text = path.read_bytes() if path.exists() else b""
        assert text.endswith(b"\n") or not text, "a torn line"
        return [_event(line) for line in text.splitlines()]


def _event(line: bytes) -> Any:
    """Read an event; a number that a vendor spelt beyond the range of a double is infinite in it."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)


class Distant(httpx.ASGITransport):
    """A transport on which an answer travels for a while: it says what was true when it was asked for."""

    def __init__(self, app: Any, rng: random.Random) -> None:
        super().__init__(app)
        self._rng = rng

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer at once, and let the answer travel."""
        answer = await super().handle_async_request(request)
        await anyio.sleep(self._rng.choice((0.0, 0.05, 0.3, 2.0)))
        return answer


async def _forget(_: Any) -> None:
    """Save no token: a probe's session is the only one that knows it."""


async def _inline(work: Callable[..., Any], *args: Any, **_: Any) -> Any:
    return work(*args)


@contextmanager
def threads_inline() -> Iterator[None]:
    """Run the work of threads in the loop: simulated time must not pass it by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anyio.to_thread, "run_sync", _inline)
        yield
