"""The composition root: builds, starts and stops everything a command needs."""

import os
import socket as sockets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

import anyio
from starlette.applications import Starlette

from outputs import OutputClosed, OutputError
from outputs.kafka import Kafka
from outputs.kafka.state import KafkaState
from outputs.stdout import Stdout
from poller import VERSION, server
from poller.errors import ConfigError, first
from poller.fleet import Fleet
from poller.ledger import Ledger
from poller.ledger.database import Database
from poller.ledger.delivery import Delivery, OutputAway
from poller.ledger.dry import DryLedger
from poller.ledger.kafka import KafkaLedger
from poller.ledger.sqlite import SqliteLedger, marks_of
from poller.pipeline import Pipeline
from poller.settings import Settings, SqliteState
from poller.source import SaveToken, authority, http_client, owner_of, session, stream_runs, tls_context
from poller.sources.account import Account
from poller.status import StreamStatus
from poller.stopping import Signals, stop_on_signal, stop_signals
from poller.stored import stored
from poller.telemetry import Telemetry

_PATIENCE = 60.0
"""Seconds that `run --once` waits for an output that is away."""


def utc_now() -> datetime:
    """The clock everything below is given."""
    return datetime.now(UTC)


async def run(settings: Settings, telemetry: Telemetry, *, once: bool = False, dry: bool = False) -> int:
    """`poller run`: poll until stopped, or once; returns the exit code. Raises ConfigError before anything starts."""
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        sock = None if once or dry else server.listen(settings.server.host, settings.server.port)
        patience = _PATIENCE if once else None
        opened = _dry_ledger(settings, telemetry) if dry else _ledger(settings, telemetry, patience)
        ledger, save, trouble = await stack.enter_async_context(opened)
        for account in settings.sources.values():
            tls_context(account.ca_file)
        build = partial(_pipeline, ledger=ledger, telemetry=telemetry, save=save, once=once)
        fleet = Fleet(settings.sources, build, once=once)
        not_ready = partial(_not_ready, telemetry, trouble)
        replica = replica_of(settings)
        statuses = partial(_statuses, fleet, not_ready, replica)
        telemetry.watch(statuses)
        page = (sock, server.application(telemetry, not_ready, statuses)) if sock else None
        return await _poll(fleet, ledger, telemetry, page, signals, replica)


Opened: TypeAlias = AbstractAsyncContextManager[tuple[Ledger, SaveToken | None, Callable[[], str | None]]]
"""The ledger, how a token is saved (None: none is ever spent), and what is wrong with the state, if anything is."""


def _ledger(settings: Settings, telemetry: Telemetry, patience: float | None) -> Opened:
    if isinstance(settings.state, KafkaState):
        return _kafka_ledger(settings, settings.state, telemetry, patience)
    return _sqlite_ledger(settings, settings.state, telemetry, patience)


def replica_of(settings: Settings) -> str:
    """Our name among those who may poll the same sources: several of a group can run on one machine."""
    host = sockets.gethostname()
    return f"{host}-{os.getpid()}" if isinstance(settings.state, KafkaState) else host


@asynccontextmanager
async def _sqlite_ledger(
    settings: Settings, state: SqliteState, telemetry: Telemetry, patience: float | None
) -> AsyncIterator[tuple[Ledger, SaveToken | None, Callable[[], str | None]]]:
    database = Database.open(state.path)
    try:
        outputs = {name: config.open(marks_of(database, name)) for name, config in settings.outputs.items()}
        async with _open(Delivery(outputs, telemetry, patience)) as delivery:
            ledger = SqliteLedger(database, delivery, telemetry, utc_now)
            await ledger.claim({name: owner_of(account) for name, account in settings.sources.items()})
            yield ledger, ledger.save_token, lambda: ledger.trouble
    finally:
        database.close()


@asynccontextmanager
async def _kafka_ledger(
    settings: Settings, state: KafkaState, telemetry: Telemetry, patience: float | None
) -> AsyncIterator[tuple[Ledger, SaveToken | None, Callable[[], str | None]]]:
    joined = {name: output for name, output in settings.outputs.items() if isinstance(output, Kafka)}
    others = {name: output.open({}) for name, output in settings.outputs.items() if name not in joined}
    async with (
        _open(Delivery(others, telemetry, patience)) as delivery,
        KafkaLedger(state, joined, delivery, telemetry, utc_now, replica_of(settings)) as ledger,
    ):
        await ledger.claim({name: owner_of(account) for name, account in settings.sources.items()})
        yield ledger, ledger.save_token, lambda: ledger.trouble


@asynccontextmanager
async def _dry_ledger(
    settings: Settings, telemetry: Telemetry
) -> AsyncIterator[tuple[Ledger, SaveToken | None, Callable[[], str | None]]]:
    async with stored(settings.state) as state, _open(_to_stdout(telemetry)) as delivery:
        yield DryLedger(state, delivery), None, lambda: None


def _to_stdout(telemetry: Telemetry) -> Delivery:
    return Delivery({"stdout": Stdout(type="stdout").open({})}, telemetry)


@asynccontextmanager
async def _open(delivery: Delivery) -> AsyncIterator[Delivery]:
    """What stands in the way of writing at the start is the operator's to mend."""
    async with AsyncExitStack() as stack:
        try:
            yield_to = await stack.enter_async_context(delivery)
        except OutputError as error:
            raise ConfigError(f"outputs: {error}") from None
        yield yield_to


@asynccontextmanager
async def _pipeline(
    name: str, account: Account, *, ledger: Ledger, telemetry: Telemetry, save: SaveToken | None, once: bool
) -> AsyncIterator[Pipeline | None]:
    """One source, ready to run; None where a dry run has no token for it."""
    auth = authority(account, await ledger.token(name), partial(save, name) if save else None, utc_now)
    if save is None and not auth.at_hand:
        telemetry.notice("source.left_out", source=name, reason="no valid access token at hand, and none is asked for")
        yield None
        return
    async with http_client(account, tls_context(account.ca_file)) as http:
        yield Pipeline(
            name,
            await stream_runs(name, account, ledger, utc_now),
            session(name, account, http, auth, telemetry, utc_now),
            ledger,
            telemetry=telemetry,
            now=utc_now,
            concurrency=account.max_concurrency,
            once=once,
        )


async def _poll(
    fleet: Fleet,
    ledger: Ledger,
    telemetry: Telemetry,
    page: tuple[sockets.socket, Starlette] | None,
    signals: Signals,
    replica: str,
) -> int:
    """Run the fleet until it ends, or a signal ends it. Raises ConfigError where a state cannot be read."""
    telemetry.started(VERSION, replica, page=_address(page[0]) if page else None)
    code, refused = 0, None
    try:
        async with anyio.create_task_group() as around:
            if page:
                around.start_soon(server.serve, *page)
            with anyio.CancelScope() as work:
                around.start_soon(stop_on_signal, signals, fleet, work)
                await fleet.run(ledger)
            around.cancel_scope.cancel()
    except* (OutputClosed, OutputAway) as group:
        telemetry.notice("run.failed", reason=str(first(group)))
        code = 1
    except* ConfigError as group:
        refused = first(group)
    telemetry.stopped()
    if refused:
        raise refused
    return code or int(fleet.failed)


def _address(sock: sockets.socket) -> str:
    """Where the page is: with `port: 0` nothing else says so."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _statuses(fleet: Fleet, not_ready: Callable[[], list[str]], replica: str) -> list[StreamStatus]:
    return fleet.statuses(paused=bool(not_ready()), replica=replica, now=utc_now())


def _not_ready(telemetry: Telemetry, trouble: Callable[[], str | None]) -> list[str]:
    """Why nothing can be delivered now; empty where it can."""
    down = [f"output {out.name} is down: {out.error}" for out in telemetry.output_statuses() if not out.up]
    return [*down, *([found] if (found := trouble()) else [])]
