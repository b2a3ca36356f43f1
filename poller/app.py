"""The composition root: builds, starts and stops everything a command needs."""

import socket as sockets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import anyio
from starlette.applications import Starlette

from outputs import Output, OutputClosed, OutputError
from outputs.stdout import Stdout
from poller import VERSION, server
from poller.auth import Authority
from poller.errors import ConfigError, first
from poller.ledger import Ledger
from poller.ledger.database import Database
from poller.ledger.delivery import Delivery, OutputAway
from poller.ledger.dry import DryLedger
from poller.ledger.sqlite import SqliteLedger, marks_of
from poller.pipeline import Pipeline
from poller.settings import Settings
from poller.source import SaveToken, authority, http_client, owner_of, session, stream_runs, tls_context
from poller.sources.account import Account
from poller.standing import standing
from poller.status import StreamStatus
from poller.stopping import Signals, stop_on_signal, stop_signals
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
        opened = _dry_ledger if dry else partial(_sqlite_ledger, patience=patience)
        ledger, save, trouble = await stack.enter_async_context(opened(settings, telemetry))
        pipelines = [
            pipeline
            for name, account in settings.sources.items()
            if (pipeline := await _pipeline(stack, name, account, ledger, telemetry, save=save, once=once))
        ]
        statuses = partial(_statuses, pipelines, telemetry, trouble)
        telemetry.watch(statuses)
        ready = partial(_not_ready, telemetry, trouble)
        page = (sock, server.application(telemetry, ready, statuses)) if sock else None
        left_out = len(pipelines) < len(settings.sources)
        return await _poll(pipelines, telemetry, page, signals) or int(once and left_out)


@asynccontextmanager
async def _sqlite_ledger(
    settings: Settings, telemetry: Telemetry, patience: float | None
) -> AsyncIterator[tuple[Ledger, SaveToken | None, Callable[[], str | None]]]:
    database = Database.open(settings.state.path)
    try:
        outputs = {name: config.open(marks_of(database, name)) for name, config in settings.outputs.items()}
        async with _open(Delivery(outputs, telemetry, patience)) as delivery:
            _notice(outputs, telemetry)
            ledger = SqliteLedger(database, delivery, telemetry, utc_now)
            await ledger.claim({name: owner_of(account) for name, account in settings.sources.items()})
            yield ledger, ledger.save_token, lambda: ledger.trouble
    finally:
        database.close()


@asynccontextmanager
async def _dry_ledger(
    settings: Settings, telemetry: Telemetry
) -> AsyncIterator[tuple[Ledger, SaveToken | None, Callable[[], str | None]]]:
    database = Database.read(settings.state.path)
    try:
        async with _open(Delivery({"stdout": Stdout(type="stdout").open({})}, telemetry)) as delivery:
            yield DryLedger(database, delivery), None, lambda: None
    finally:
        if database:
            database.close()


@asynccontextmanager
async def _open(delivery: Delivery) -> AsyncIterator[Delivery]:
    """What stands in the way of writing at the start is the operator's to mend."""
    async with AsyncExitStack() as stack:
        try:
            yield_to = await stack.enter_async_context(delivery)
        except OutputError as error:
            raise ConfigError(f"outputs: {error}") from None
        yield yield_to


def _notice(outputs: Mapping[str, Output], telemetry: Telemetry) -> None:
    for name, output in outputs.items():
        for notice in output.notices:
            telemetry.notice("output.noticed", output=name, notice=notice)


async def _pipeline(
    stack: AsyncExitStack,
    name: str,
    account: Account,
    ledger: Ledger,
    telemetry: Telemetry,
    *,
    save: SaveToken | None,
    once: bool,
) -> Pipeline | None:
    """One source, ready to run; None where a dry run has no token for it."""
    auth = authority(account, await ledger.token(name), partial(save, name) if save else None, utc_now)
    if save is None and not auth.at_hand:
        telemetry.notice("source.left_out", source=name, reason="no valid access token at hand, and none is asked for")
        return None
    return await _built(stack, name, account, auth, ledger, telemetry, once=once)


async def _built(
    stack: AsyncExitStack,
    name: str,
    account: Account,
    auth: Authority,
    ledger: Ledger,
    telemetry: Telemetry,
    *,
    once: bool,
) -> Pipeline:
    http = await stack.enter_async_context(http_client(account, tls_context(account.ca_file)))
    return Pipeline(
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
    pipelines: Sequence[Pipeline],
    telemetry: Telemetry,
    page: tuple[sockets.socket, Starlette] | None,
    signals: Signals,
) -> int:
    """Run the pipelines until they end, or a signal ends them."""
    telemetry.started(VERSION, sockets.gethostname(), page=_address(page[0]) if page else None)
    code = 0
    try:
        async with anyio.create_task_group() as around:
            if page:
                around.start_soon(server.serve, *page)
            async with anyio.create_task_group() as work:
                around.start_soon(stop_on_signal, signals, pipelines, work.cancel_scope)
                for number, pipeline in enumerate(pipelines):
                    work.start_soon(pipeline.run, _spread(pipelines, number))
            around.cancel_scope.cancel()
    except* (OutputClosed, OutputAway) as group:
        telemetry.notice("run.failed", reason=str(first(group)))
        code = 1
    telemetry.stopped()
    return code or int(any(pipeline.failed for pipeline in pipelines))


def _address(sock: sockets.socket) -> str:
    """Where the page is: with `port: 0` nothing else says so."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _spread(pipelines: Sequence[Pipeline], number: int) -> float:
    """Seconds into the shortest `every` (at most a minute) at which a source starts, so that not all start at once."""
    shortest = min(pipeline.shortest_every() for pipeline in pipelines)
    return min(60.0, shortest.total_seconds()) * number / len(pipelines)


def _statuses(
    pipelines: Sequence[Pipeline], telemetry: Telemetry, trouble: Callable[[], str | None]
) -> list[StreamStatus]:
    paused, now = bool(_not_ready(telemetry, trouble)), utc_now()
    owner = sockets.gethostname()
    return [
        standing(stream, pipeline.patience, paused=paused, owner=owner, now=now)
        for pipeline in pipelines
        for stream in pipeline.streams
    ]


def _not_ready(telemetry: Telemetry, trouble: Callable[[], str | None]) -> list[str]:
    """Why nothing can be delivered now; empty where it can."""
    down = [f"output {out.name} is down: {out.error}" for out in telemetry.output_statuses() if not out.up]
    return [*down, *([found] if (found := trouble()) else [])]
