"""Whole pollers on simulated time: vendors' doubles, real state and files, a clock that jumps, and sudden death."""

import asyncio
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
import pytest

from outputs.file import FileConfig
from poller.http.auth import make_auth
from poller.http.session import open_session
from poller.plugin.source import Source
from poller.polling.loop import SourceLoop
from poller.polling.progress.backfill import Order
from poller.polling.source import restore_streams
from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.sandbox.vendors import agendize as agendize_double
from poller.sandbox.vendors import ipscape as ipscape_double
from poller.sandbox.vendors.agendize_records import COMPANY_ZONE
from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.vendors.trackdrive import PRIVATE_KEY, PUBLIC_KEY
from poller.sandbox.world.truth import History
from poller.sandbox.world.world import World
from poller.sources.agendize import Agendize
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.sources.ipscape import Ipscape
from poller.sources.trackdrive import Trackdrive
from poller.state.delivery import Delivery
from poller.state.reader import marks_of
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry
from tests.chaos.death import Death, Killed, mortal
from tests.laws.laws import Life
from tests.laws.meaning import read_event
from tests.laws.truth import Yardstick

BIRTH = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
AT = "http://sandbox"


def agendize(**settings: Any) -> Agendize:
    fixed = {"type": "agendize", "base_url": f"{AT}/agendize/api/2.0", "requests_per_minute": 600}
    keys = {"api_key": agendize_double.API_KEY, "token": agendize_double.TOKEN, "timezone": COMPANY_ZONE}
    return Agendize.model_validate(fixed | keys | settings)


def callcap(**settings: Any) -> Callcap:
    return Callcap.model_validate(
        {"type": "callcap", "base_url": f"{AT}/callcap", "api_key": API_KEY, "requests_per_minute": 600} | settings
    )


def flextell(**settings: Any) -> Flextell:
    token: dict[str, Any] = {"access_token": ACCESS_TOKEN}
    if settings.pop("oauth", False):
        token = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
        token["token_url"] = f"{AT}/flextell/oauth/token"
    fixed = {"type": "flextell", "base_url": f"{AT}/flextell/api/v1", "tenant": TENANT, "requests_per_minute": 600}
    return Flextell.model_validate(fixed | token | settings)


def trackdrive(**settings: Any) -> Trackdrive:
    keys = {"public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY}
    fixed = {"type": "trackdrive", "base_url": f"{AT}/trackdrive", "requests_per_minute": 600}
    return Trackdrive.model_validate(fixed | keys | settings)


def ipscape(**settings: Any) -> Ipscape:
    fixed = {"type": "ipscape", "base_url": f"{AT}/ipscape/platform-api", "requests_per_minute": 600}
    return Ipscape.model_validate(fixed | {"token": ipscape_double.TOKEN} | settings)


ACCOUNTS: Mapping[str, Callable[..., Source]] = {
    "agendize": agendize,
    "callcap": callcap,
    "flextell": flextell,
    "ipscape": ipscape,
    "trackdrive": trackdrive,
}
"""Every vendor's account in the sandbox, by its type."""


@dataclass
class Simulation:
    """A sandbox and, one after another, the lives of pollers over it. `elapsed` seconds have passed since BIRTH."""

    folder: Path
    accounts: Mapping[str, Source]
    seed: int = 1
    rate: float = 2.0
    history: timedelta = timedelta(hours=1)
    elapsed: float = 0.0
    vices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    telemetry: Telemetry = field(default_factory=Telemetry)
    pipelines: list[SourceLoop] = field(default_factory=list)
    orders: Sequence[tuple[str, Order]] = ()

    def __post_init__(self) -> None:
        self.world = new_world(self.seed, self.rate, self.now, self.history)
        self.world.vices.set(self.vices)
        self.app = sandbox(self.world)
        self.output = FileConfig(type="file", path=f"{self.folder}/events/{{source}}.jsonl", rejects_path=self._rejects)

    @property
    def _rejects(self) -> str:
        return f"{self.folder}/rejects/{{source}}.jsonl"

    def now(self) -> datetime:
        with suppress(RuntimeError):
            self.elapsed = asyncio.get_running_loop().time()
        return BIRTH + timedelta(seconds=self.elapsed)

    def live(self, seconds: float, death: Death | None = None, *, once: bool = False) -> bool:
        """Let a poller live for this many simulated seconds at most; return False if it was killed."""
        with _mortal(death or Death()):
            loop = looptime.new_event_loop(start=self.elapsed)
            try:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(self._life(seconds, once))
            except BaseExceptionGroup as group:
                if group.subgroup(Killed) is None:
                    raise
                return False
            except Killed:
                return False
        return True

    async def _life(self, seconds: float, once: bool) -> None:
        self.telemetry = Telemetry()
        database = Database.open(self.folder / "state.db")
        try:
            async with AsyncExitStack() as stack:
                output = self.output.open(marks_of(database, "files"))
                delivery = await stack.enter_async_context(Delivery({"files": output}, self.telemetry))
                ledger = SqliteLedger(database, delivery, self.telemetry, self.now)
                self.pipelines = [
                    await self._pipeline(stack, name, account, ledger, once=once)
                    for name, account in self.accounts.items()
                ]
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
        self, stack: AsyncExitStack, name: str, account: Source, ledger: SqliteLedger, *, once: bool
    ) -> SourceLoop:
        transport = _Distant(self.app, random.Random(self.seed))

        async def save(token: Any) -> None:
            await ledger.save_token(name, token)

        auth = make_auth(account, await ledger.token(name), save, self.now)
        opening = open_session(name, account, auth, self.telemetry, self.now, transport=transport)
        return SourceLoop(
            name,
            await restore_streams(name, account, ledger, self.now),
            await stack.enter_async_context(opening),
            ledger,
            telemetry=self.telemetry,
            now=self.now,
            concurrency=account.max_concurrency,
            once=once,
        )

    def events(self, source: str, stream: str | None = None) -> list[dict[str, Any]]:
        """Return what the files hold of a source, or of one of its streams, in order; fail on a torn line."""
        lines = _lines(self.folder / "events" / f"{source}.jsonl")
        return [event for event in lines if stream in {None, event["stream"]}]

    def rejects(self, source: str) -> list[dict[str, Any]]:
        return _lines(self.folder / "rejects" / f"{source}.jsonl")


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    text = path.read_bytes()
    assert text.endswith(b"\n") or not text, "a torn line"
    return [read_event(line) for line in text.splitlines()]


class _Distant(httpx.ASGITransport):
    """A transport on which an answer travels for a while: it says what was true when it was asked for."""

    def __init__(self, app: Any, rng: random.Random) -> None:
        super().__init__(app)
        self._rng = rng

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        await anyio.sleep(self._rng.choice((0.0, 0.05, 0.3, 2.0)))
        return answer


async def _inline(work: Callable[..., Any], *args: Any, **_: Any) -> Any:
    return work(*args)


@contextmanager
def _mortal(death: Death) -> Iterator[None]:
    """Run threads inline (simulated time must not pass them by), and make every write a moment to die."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anyio.to_thread, "run_sync", _inline)
        mortal(death, patch.setattr)
        yield


def truth_of(world: World, yardstick: Yardstick) -> Mapping[str, Life]:
    """Return by identity all that ever became visible, in the laws' words."""
    told = world.truth(yardstick.name)
    return {identity: _life(yardstick, history) for identity, history in told.items()}


def _life(yardstick: Yardstick, history: History) -> Life:
    versions = [
        {"at": shown.at, "record": shown.record, "deleted": shown.deleted, "vices": shown.vices}
        for shown in history.versions
    ]
    return yardstick.life(versions, history.deletion_event)
