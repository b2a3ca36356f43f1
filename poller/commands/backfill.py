"""`poller backfill`: what is ordered, how a running poller takes an order, and how it is read where none runs."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import anyio

from poller.clock import Clock, utc_now
from poller.commands.lifecycle import PATIENCE, Stopped, load_certificates, pause, poll_until_stopped, stop_signals
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.plugin.config_types import read_start
from poller.plugin.credentials import SaveToken
from poller.plugin.source import Source
from poller.plugin.stream import BEGINNING
from poller.polling.loop import SourceLoop
from poller.polling.progress.backfill import SECOND, Order
from poller.polling.source import source_loop
from poller.polling.supervisor import Supervisor
from poller.server.control import BackfillRequest
from poller.state.checkpoint import Backfill
from poller.state.kafka import KafkaState
from poller.state.kafka.owners import owner_of
from poller.state.ledger import Ledger
from poller.state.open import Opening, open_state, replica_name
from poller.telemetry import Telemetry

Show: TypeAlias = Callable[[Backfill], None]
"""Tell whoever waits how far it is."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def cancellation(now: datetime) -> Order:
    """Return the order that gives up the one there is."""
    return Order(("--cancel", ""), now, now, cancel=True)


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
    """Return which replica polls a source and a remedy, in words; None where none does. Raises ConfigError."""
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


_LOOK = 0.5
"""Seconds between two looks at how far a backfill is."""


async def backfill(settings: Settings, telemetry: Telemetry, asked: BackfillRequest, show: Show) -> int:
    """`poller backfill` by itself: read what is ordered, and nothing else; returns the exit code.

    Raises ConfigError before anything starts.
    """
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        by = Opening("backfill", telemetry, utc_now, PATIENCE, partial(pause, signals))
        try:
            ledger, save, _, end = await stack.enter_async_context(
                open_state(settings.state, settings.outputs, settings.sources, by, progress=bool(settings.progress))
            )
        except Stopped:
            return 1
        load_certificates(settings)
        build = partial(_reader, asked=asked, show=show, ledger=ledger, telemetry=telemetry, save=save)
        supervisor = Supervisor({asked.source: settings.sources[asked.source]}, build, once=True)
        return await poll_until_stopped(supervisor, ledger, telemetry, signals, replica_name(settings.state), end=end)


@asynccontextmanager
async def _reader(
    name: str,
    source: Source,
    *,
    asked: BackfillRequest,
    show: Show,
    ledger: Ledger,
    telemetry: Telemetry,
    save: SaveToken | None,
) -> AsyncIterator[SourceLoop | None]:
    """One source, ready to read history and nothing else."""
    clock = Clock(telemetry.clock_stepped)
    build = source_loop(name, source, ledger=ledger, telemetry=telemetry, now=clock, save=save, once=True, sweeps=False)
    async with build as made, anyio.create_task_group() as around:
        if made:
            if asked.order:
                await made.accept(asked.stream, asked.order)
            around.start_soon(_watch, made, asked.stream, show)
        yield made
        around.cancel_scope.cancel()
        if made and (found := made.backfill(asked.stream)):
            show(found)


async def _watch(made: SourceLoop, stream: str, show: Show) -> None:
    """Show how far the backfill is, again and again."""
    while True:
        if found := made.backfill(stream):
            show(found)
        await anyio.sleep(_LOOK)
