"""How a run ends on SIGTERM or SIGINT: the page in hand is finished and saved, within ten seconds whatever hangs."""

import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import TypeAlias

import anyio

from poller.polling.supervisor import Fleet

_READING = 4.0
"""Seconds a page in hand has to arrive."""
_SAVING = 3.0
"""Seconds after that for what was read to be delivered and saved."""


Signals: TypeAlias = AsyncIterator[signal.Signals]


def stop_signals() -> AbstractContextManager[Signals]:
    """What asks this process to end; none is lost, or kills it, from here to the end of the context."""
    return anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT)


async def stop_on_signal(signals: Signals, fleet: Fleet, work: anyio.CancelScope) -> None:
    """Wait for a signal, then let the fleet end; `work` is cancelled if they take too long.

    A second signal ends the process at once, with exit code 130.
    """
    await anext(signals)
    threading.Thread(target=_insist, daemon=True).start()
    async with anyio.create_task_group() as ending:
        ending.start_soon(_end, fleet, work)
        await anext(signals)
        os._exit(130)


async def _end(fleet: Fleet, work: anyio.CancelScope) -> None:
    fleet.stop()
    await anyio.sleep(_READING)
    fleet.hurry()
    await anyio.sleep(_SAVING)
    work.cancel()


def _insist() -> None:
    """Nothing that hangs below Python, a disk or a full pipe, keeps the process from ending in time."""
    threading.Event().wait(_READING + _SAVING + 0.5)
    os._exit(0)
