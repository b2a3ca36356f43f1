"""`poller backfill` beside a running poller, which does the work: what is asked over the socket, and answered."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio
import httpx
import msgspec

from poller.clock import utc_now
from poller.commands.lifecycle import PATIENCE, Stopped, load_certificates, pause, poll_until_stopped, stop_signals
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.plugin.config_types import read_start
from poller.plugin.credentials import SaveToken
from poller.plugin.source import Source
from poller.plugin.stream import BEGINNING
from poller.polling.loop import SourceLoop
from poller.polling.progress.backfill import SECOND, Order, order_text
from poller.polling.source import source_loop
from poller.polling.supervisor import Supervisor
from poller.server.control import BACKFILL, BackfillRequest, Refusal, control_client
from poller.state.checkpoint import Backfill
from poller.state.kafka import KafkaState
from poller.state.kafka.owners import owner_of
from poller.state.ledger import Ledger
from poller.state.open import Opening, open_state, replica_name
from poller.telemetry import Telemetry

Show: TypeAlias = Callable[[Backfill], None]
"""Tell whoever waits how far it is."""

_AGAIN = 0.5
"""Seconds between two looks."""
_ACCEPTED = 60.0
"""Seconds that a poller has to take an order: the page in hand comes first."""
_AWAY = 30.0
"""Seconds that a poller may be away meanwhile."""


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class PollerGone(Exception):
    """What was asked for cannot be watched to its end; says why."""


_SILENT = "the running poller does not answer any more; it goes on when it runs again"


def order(since: str, until: str | None, now: datetime, *, again: bool, instead: bool) -> Order:
    """The range from `since` to `until` (None: now), in whole seconds. Raises ConfigError."""
    start, end = _moment("--from", since, now), now if until is None else _moment("--to", until, now)
    if start >= min(end, now):
        raise ConfigError(f"--from: {start:%F %T} UTC is not before {min(end, now):%F %T} UTC; name an earlier time")
    return Order((since, until or ""), start.replace(microsecond=0), min(_up(end), _up(now)), again, instead)


def _up(moment: datetime) -> datetime:
    """Rounded up to a whole second."""
    return moment.replace(microsecond=0) + (SECOND if moment.microsecond else timedelta(0))


def _moment(option: str, text: str, now: datetime) -> datetime:
    try:
        found = read_start(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)
        return BEGINNING if found is None else now - found if isinstance(found, timedelta) else found
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{option}: {text!r} is no time: a duration back from now such as 7d, a day such as 2026-03-14 (UTC), "
            "a time with its offset such as 2026-03-14T09:00:00Z, or all goes here"
        ) from None


async def owner_elsewhere(settings: Settings, source: str) -> str | None:
    """Which replica polls a source, and what to do therefore; None where none does. Raises ConfigError."""
    if not isinstance(settings.state, KafkaState):
        return None
    name = await owner_of(settings.state, source)
    if name is None:
        return None
    if not name:
        return f"{source} is just being given to a replica; ask again"
    return (
        f"{source} is polled by the replica {name}: run this beside it, with the `server.control` of its configuration"
    )


async def execute_order(supervisor: Supervisor, settings: Settings, asked: BackfillRequest) -> Backfill | None:
    """Do, as the poller that runs, what is asked; say how far it is. Raises ConfigError."""
    polled = supervisor.loop(asked.source)
    if polled is None:
        raise ConfigError(
            await owner_elsewhere(settings, asked.source) or f"{asked.source} is not polled at the moment; ask again"
        )
    if asked.order:
        await polled.order(asked.stream, asked.order)
    return polled.backfill(asked.stream)


async def order_from_running(path: Path, source: str, stream: str, wanted: Order, show: Show) -> Backfill | None:
    """Have the poller that listens there read it; None where none does. Raises ConfigError, and Gone."""
    async with control_client(path, _ACCEPTED) as http:
        try:
            found = await _ask(http, BackfillRequest(source, stream, wanted))
        except httpx.ConnectError:
            return None
        except httpx.HTTPError:
            raise PollerGone(_SILENT) from None
        taken = found
        while found and not found.done:
            show(found)
            await anyio.sleep(_AGAIN)
            found = await _look(http, BackfillRequest(source, stream))
            if found and taken and found.ordered != taken.ordered:
                raise PollerGone(f"given up for another order, {order_text(found)}")
    if found is None:
        raise PollerGone(_SILENT)
    show(found)
    return found


async def _look(http: httpx.AsyncClient, asked: BackfillRequest) -> Backfill | None:
    """How far it is; a poller that is restarted meanwhile goes on by itself. Raises Gone."""
    with anyio.move_on_after(_AWAY):
        while True:
            try:
                return await _ask(http, asked)
            except (httpx.HTTPError, ConfigError):  # not polled yet, after a start
                await anyio.sleep(_AGAIN)
    raise PollerGone(_SILENT)


async def _ask(http: httpx.AsyncClient, asked: BackfillRequest) -> Backfill | None:
    answer = await http.post(BACKFILL, content=msgspec.json.encode(asked))
    if answer.status_code != 200:
        raise ConfigError(msgspec.json.decode(answer.content, type=Refusal).problems)
    return msgspec.json.decode(answer.content, type=Backfill | None)


_LOOK = 0.5
"""Seconds between two looks at how far a backfill is."""


async def backfill(settings: Settings, telemetry: Telemetry, source: str, stream: str, order: Order, show: Show) -> int:
    """`poller backfill` by itself: read what is ordered, and nothing else; returns the exit code.

    Raises ConfigError before anything starts.
    """
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        by = Opening("backfill", telemetry, utc_now, PATIENCE, partial(pause, signals))
        try:
            ledger, save, _, end = await stack.enter_async_context(
                open_state(settings.state, settings.outputs, settings.sources, by)
            )
        except Stopped:
            return 1
        load_certificates(settings)
        build = partial(_reader, stream=stream, order=order, show=show, ledger=ledger, telemetry=telemetry, save=save)
        supervisor = Supervisor({source: settings.sources[source]}, build, once=True)
        return await poll_until_stopped(supervisor, ledger, telemetry, signals, replica_name(settings.state), end=end)


@asynccontextmanager
async def _reader(
    name: str,
    account: Source,
    *,
    stream: str,
    order: Order,
    show: Show,
    ledger: Ledger,
    telemetry: Telemetry,
    save: SaveToken | None,
) -> AsyncIterator[SourceLoop | None]:
    """One source, ready to read history and nothing else."""
    build = source_loop(
        name, account, ledger=ledger, telemetry=telemetry, now=utc_now, save=save, once=True, sweeps=False
    )
    async with build as made, anyio.create_task_group() as around:
        if made:
            await made.accept(stream, order)
            around.start_soon(_watch, made, stream, show)
        yield made
        around.cancel_scope.cancel()
        if made and (found := made.backfill(stream)):
            show(found)


async def _watch(made: SourceLoop, stream: str, show: Show) -> None:
    """Show how far it is."""
    while True:
        if found := made.backfill(stream):
            show(found)
        await anyio.sleep(_LOOK)
