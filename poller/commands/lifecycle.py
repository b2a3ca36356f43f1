"""The end of a run on SIGTERM or SIGINT: the page in hand is finished and saved, within ten seconds whatever hangs."""

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import anyio

from outputs import OutputClosed
from poller import VERSION
from poller.config.settings import Settings
from poller.errors import ConfigError, first
from poller.http.tls import tls_context
from poller.polling.supervisor import Supervisor
from poller.state.delivery import OutputAway
from poller.state.ledger import Ledger
from poller.telemetry import Telemetry

PATIENCE = 60.0
"""Seconds that `run --once`, or a backfill, waits for an output that is away."""
_READING = 4.0
"""Seconds a page in hand has to arrive."""
_SAVING = 3.0
"""Seconds after that for what was read to be delivered and saved."""

Signals: TypeAlias = AsyncIterator[signal.Signals]


def stop_signals() -> AbstractContextManager[Signals]:
    """Return the signals that ask this process to end; none is lost, or kills the process, until the context ends."""
    return anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """A signal came before anything had begun."""


async def pause(signals: Signals, seconds: float) -> None:
    """Let seconds pass. Raises Stopped where a signal comes meanwhile."""
    with anyio.move_on_after(seconds):
        await anext(signals)
        raise Stopped


async def stop_on_signal(
    signals: Signals, supervisor: Supervisor, work: anyio.CancelScope, end: Callable[[], None]
) -> None:
    """Wait for a signal, then let all sources end; `work` is cancelled if they take too long.

    `end` is called first. A second signal ends the process at once, with exit code 130.
    """
    await anext(signals)
    end()
    threading.Thread(target=_insist, daemon=True).start()
    async with anyio.create_task_group() as ending:
        ending.start_soon(_end, supervisor, work)
        await anext(signals)
        os._exit(130)


async def _end(supervisor: Supervisor, work: anyio.CancelScope) -> None:
    supervisor.stop()
    await anyio.sleep(_READING)
    supervisor.cancel_requests()
    await anyio.sleep(_SAVING)
    work.cancel()


def _insist() -> None:
    """End the process in time, although something hangs below Python: a disk, a full pipe."""
    threading.Event().wait(_READING + _SAVING + 0.5)
    os._exit(0)


Beside: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""A function that runs beside the polling, until the polling ends."""


async def poll_until_stopped(
    supervisor: Supervisor,
    ledger: Ledger,
    telemetry: Telemetry,
    signals: Signals,
    replica: str,
    *,
    beside: Sequence[Beside] = (),
    page: str | None = None,
    end: Callable[[], None],
) -> int:
    """Poll until all sources end, or a signal ends them, which `end` is told; return the exit code.

    Raises ConfigError where a state cannot be read.
    """
    telemetry.started(VERSION, replica, page=page)
    code, refused = 0, None
    try:
        async with anyio.create_task_group() as around:
            for other in beside:
                around.start_soon(other)
            with anyio.CancelScope() as work:
                around.start_soon(stop_on_signal, signals, supervisor, work, end)
                await supervisor.run(ledger)
            around.cancel_scope.cancel()
    except* (OutputClosed, OutputAway) as group:
        telemetry.notice("run.failed", reason=str(first(group)))
        code = 1
    except* ConfigError as group:
        refused = first(group)
    telemetry.stopped()
    if refused:
        raise refused
    return code or int(supervisor.failed)


def load_certificates(settings: Settings) -> None:
    """Read all certificates before anything starts. Raises ConfigError that names the source's key."""
    for name, source in settings.sources.items():
        try:
            tls_context(source.ca_file)
        except ConfigError as error:
            raise ConfigError(f"sources.{name}.{error}") from None
