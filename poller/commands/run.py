"""The composition root: builds, starts and stops everything a command needs."""

import socket as sockets
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import TypeVar

from pydantic import SecretStr

from poller.clock import Clock, utc_now
from poller.commands.backfill import execute_order
from poller.commands.garbage import spare_the_long_lived
from poller.commands.lifecycle import (
    PATIENCE,
    Beside,
    Stopped,
    load_certificates,
    pause,
    poll_until_stopped,
    stop_signals,
)
from poller.config.reload import ConfigReload
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.plugin.credentials import SaveToken
from poller.polling.source import source_loop
from poller.polling.supervisor import Build, Owner, Supervisor
from poller.server import control, control_socket, endpoints
from poller.server.listener import serve
from poller.server.port import PortTaken, listen, listen_once_free
from poller.state.ledger import Ledger
from poller.state.open import Opening, OpenState, group_owners, open_dry_run, open_state, replica_name
from poller.state.sqlite import SqliteState
from poller.state.sqlite.lock import ONCE, RUN
from poller.telemetry import Telemetry
from poller.telemetry.status import StreamStatus

T = TypeVar("T")


async def run(
    settings: Settings,
    telemetry: Telemetry,
    *,
    once: bool = False,
    dry: bool = False,
    rereading: ConfigReload | None = None,
) -> int:
    """`poller run`: poll until stopped, or once; returns the exit code. Raises ConfigError before anything starts."""
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        by = Opening(ONCE if once else RUN, telemetry, utc_now, PATIENCE if once else None, partial(pause, signals))
        try:
            sock = None if once or dry else await _port_before_state(settings, by)
            ledger, save, trouble, end = await stack.enter_async_context(_opening(settings, telemetry, by, dry=dry))
            if not (sock or once or dry):
                sock = await _port_once_free(settings, by)
        except Stopped:
            return 0
        load_certificates(settings)
        build = _build(settings, telemetry, ledger, save, once=once)
        supervisor = Supervisor(settings.sources, build, once=once)
        not_ready = partial(_not_ready, telemetry, trouble)
        replica, owners = replica_name(settings.state), group_owners(settings.state)
        statuses = partial(_say, supervisor.statuses, not_ready, replica, owners or _nobody)
        telemetry.watch(partial(_say, supervisor.gauges, not_ready, replica, owners or _nobody))
        beside: list[Beside] = [] if once else [partial(spare_the_long_lived, supervisor)]
        if sock:
            token = partial(_token, settings, rereading)
            beside.append(partial(serve, sock, endpoints.application(telemetry, not_ready, statuses, token)))
            beside += _control(stack, settings, telemetry, partial(execute_order, supervisor, settings), statuses)
            beside += [partial(owners.watch, lambda: supervisor.whole)] if owners else []
        if rereading and not once:
            beside.append(partial(rereading.watch, supervisor.replace, telemetry))
        page = _address(sock) if sock else None
        ended = poll_until_stopped(supervisor, ledger, telemetry, signals, replica, beside=beside, page=page, end=end)
        return await ended


async def _port_before_state(settings: Settings, by: Opening) -> sockets.socket | None:
    """Take the port; None where it is taken and there is a state that may be in use.

    Who has the port may have the state, too: a poller that the refusal should name, or one that is just ending and is
    waited for. Whether the port is still taken then, is seen once the state is ours. Raises ConfigError, Stopped.
    """
    try:
        return listen(settings.server.host, settings.server.port)
    except PortTaken:
        if isinstance(settings.state, SqliteState) and settings.state.path.exists():
            return None
    return await _port_once_free(settings, by)


async def _port_once_free(settings: Settings, by: Opening) -> sockets.socket:
    return await listen_once_free(settings.server.host, settings.server.port, by.telemetry, by.pause)


def _opening(
    settings: Settings, telemetry: Telemetry, by: Opening, *, dry: bool
) -> AbstractAsyncContextManager[OpenState]:
    if dry:
        return open_dry_run(settings.state, telemetry)
    return open_state(settings.state, settings.outputs, settings.sources, by, progress=bool(settings.progress))


def _build(settings: Settings, telemetry: Telemetry, ledger: Ledger, save: SaveToken | None, *, once: bool) -> Build:
    clock = Clock(telemetry.clock_stepped)
    named = partial(source_loop, ledger=ledger, telemetry=telemetry, now=clock, save=save)
    return partial(named, once=once, progress=settings.progress)


def _control(
    stack: AsyncExitStack,
    settings: Settings,
    telemetry: Telemetry,
    take: control.TakeOrder,
    statuses: Callable[[], Iterable[StreamStatus]],
) -> list[Beside]:
    """Serve the control socket, where there is to be one: where nobody named its place, it is not worth a refusal."""
    if (path := settings.control) is None:
        return []
    try:
        sock = control_socket.listen(path)
    except ConfigError as error:
        if settings.server.control:
            raise
        telemetry.notice("control.failed", reason=str(error))
        return []
    stack.callback(path.unlink, missing_ok=True)
    return [partial(serve, sock, control.application(take, statuses))]


def _token(settings: Settings, rereading: ConfigReload | None) -> SecretStr | None:
    """Return the token that the HTTP endpoints ask for, as its file holds it now."""
    return (rereading.settings if rereading else settings).server.token


def _address(sock: sockets.socket) -> str:
    """Return the address of the status page: with `port: 0` nothing else says it."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _say(
    of_streams: Callable[..., Iterable[T]], not_ready: Callable[[], list[str]], replica: str, owner: Owner
) -> Iterable[T]:
    """Ask the supervisor of every stream at this moment."""
    return of_streams(paused=bool(not_ready()), replica=replica, owner=owner, now=utc_now())


def _nobody(_: str) -> str:
    return ""


def _not_ready(telemetry: Telemetry, trouble: Callable[[], str | None]) -> list[str]:
    """Return why nothing can be delivered now; an empty list where all is well."""
    down = [f"output {out.name} is down: {out.error}" for out in telemetry.output_statuses() if not out.up]
    return [*down, *([found] if (found := trouble()) else [])]
