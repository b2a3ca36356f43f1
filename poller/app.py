"""The composition root: builds, starts and stops everything a command needs."""

import socket as sockets
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

import anyio

from outputs import OutputClosed
from poller import VERSION
from poller.backfill import Show, take
from poller.clock import utc_now
from poller.config.reload import Rereading
from poller.config.settings import Settings
from poller.errors import ConfigError, first
from poller.http.client import tls_context
from poller.plugin.credentials import SaveToken
from poller.plugin.source import Account
from poller.polling.loop import Pipeline
from poller.polling.progress.backfill import Order
from poller.polling.source import pipeline
from poller.polling.supervisor import Fleet, Owner
from poller.server import control, endpoints
from poller.server.listener import listen, serve
from poller.state.delivery import OutputAway
from poller.state.ledger import Ledger
from poller.state.open import opened, opened_dry, owners_of, replica_of
from poller.stopping import Signals, stop_on_signal, stop_signals
from poller.telemetry import Telemetry
from poller.telemetry.status import StreamStatus

_PATIENCE = 60.0
"""Seconds that `run --once`, or a backfill, waits for an output that is away."""
_LOOK = 0.5
"""Seconds between two looks at how far a backfill is."""


Beside: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""What goes on beside the polling, until that ends."""


async def run(
    settings: Settings,
    telemetry: Telemetry,
    *,
    once: bool = False,
    dry: bool = False,
    rereading: Rereading | None = None,
) -> int:
    """`poller run`: poll until stopped, or once; returns the exit code. Raises ConfigError before anything starts."""
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        sock = None if once or dry else listen(settings.server.host, settings.server.port)
        ledger, save, trouble = await stack.enter_async_context(
            opened_dry(settings.state, telemetry)
            if dry
            else opened(
                settings.state,
                settings.outputs,
                settings.sources,
                telemetry,
                utc_now,
                patience=_PATIENCE if once else None,
            )
        )
        _trust(settings)
        build = partial(pipeline, ledger=ledger, telemetry=telemetry, now=utc_now, save=save, once=once)
        fleet = Fleet(settings.sources, build, once=once)
        not_ready = partial(_not_ready, telemetry, trouble)
        replica = replica_of(settings.state)
        owners = owners_of(settings.state)
        statuses = partial(_statuses, fleet, not_ready, replica, owners or _nobody)
        telemetry.watch(statuses)
        beside: list[Beside] = []
        if sock:
            beside.append(partial(serve, sock, endpoints.application(telemetry, not_ready, statuses)))
            beside += _control(stack, settings, telemetry, partial(take, fleet, settings), statuses)
            beside += [partial(owners.watch, lambda: fleet.whole)] if owners else []
        if rereading and not once:
            beside.append(partial(rereading.watch, fleet.replace, telemetry))
        page = _address(sock) if sock else None
        return await _poll(fleet, ledger, telemetry, signals, replica, beside=beside, page=page)


async def backfill(settings: Settings, telemetry: Telemetry, source: str, stream: str, order: Order, show: Show) -> int:
    """`poller backfill` by itself: read what is ordered, and nothing else; returns the exit code.

    Raises ConfigError before anything starts.
    """
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        ledger, save, _ = await stack.enter_async_context(
            opened(settings.state, settings.outputs, settings.sources, telemetry, utc_now, patience=_PATIENCE)
        )
        _trust(settings)
        build = partial(_reader, stream=stream, order=order, show=show, ledger=ledger, telemetry=telemetry, save=save)
        fleet = Fleet({source: settings.sources[source]}, build, once=True)
        return await _poll(fleet, ledger, telemetry, signals, replica_of(settings.state))


def _trust(settings: Settings) -> None:
    """Read all certificates before anything starts."""
    for account in settings.sources.values():
        tls_context(account.ca_file)


def _control(
    stack: AsyncExitStack,
    settings: Settings,
    telemetry: Telemetry,
    take: control.Take,
    statuses: Callable[[], list[StreamStatus]],
) -> list[Beside]:
    """Serve the control socket, where there is to be one: where nobody named its place, it is not worth a refusal."""
    if (path := settings.control) is None:
        return []
    try:
        sock = control.listen(path)
    except ConfigError as error:
        if settings.server.control:
            raise
        telemetry.notice("control.failed", reason=str(error))
        return []
    stack.callback(path.unlink, missing_ok=True)
    return [partial(serve, sock, control.application(take, statuses))]


@asynccontextmanager
async def _reader(
    name: str,
    account: Account,
    *,
    stream: str,
    order: Order,
    show: Show,
    ledger: Ledger,
    telemetry: Telemetry,
    save: SaveToken | None,
) -> AsyncIterator[Pipeline | None]:
    """One source, ready to read history and nothing else."""
    build = pipeline(name, account, ledger=ledger, telemetry=telemetry, now=utc_now, save=save, once=True, sweeps=False)
    async with build as made, anyio.create_task_group() as around:
        if made:
            await made.accept(stream, order)
            around.start_soon(_watch, made, stream, show)
        yield made
        around.cancel_scope.cancel()
        if made and (found := made.backfill(stream)):
            show(found)


async def _watch(made: Pipeline, stream: str, show: Show) -> None:
    """Show how far it is."""
    while True:
        if found := made.backfill(stream):
            show(found)
        await anyio.sleep(_LOOK)


async def _poll(
    fleet: Fleet,
    ledger: Ledger,
    telemetry: Telemetry,
    signals: Signals,
    replica: str,
    *,
    beside: Sequence[Beside] = (),
    page: str | None = None,
) -> int:
    """Run the fleet until it ends, or a signal ends it. Raises ConfigError where a state cannot be read."""
    telemetry.started(VERSION, replica, page=page)
    code, refused = 0, None
    try:
        async with anyio.create_task_group() as around:
            for other in beside:
                around.start_soon(other)
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


def _statuses(fleet: Fleet, not_ready: Callable[[], list[str]], replica: str, owner: Owner) -> list[StreamStatus]:
    return fleet.statuses(paused=bool(not_ready()), replica=replica, owner=owner, now=utc_now())


def _nobody(_: str) -> str:
    return ""


def _not_ready(telemetry: Telemetry, trouble: Callable[[], str | None]) -> list[str]:
    """Why nothing can be delivered now; empty where it can."""
    down = [f"output {out.name} is down: {out.error}" for out in telemetry.output_statuses() if not out.up]
    return [*down, *([found] if (found := trouble()) else [])]
