"""The garbage collector, kept from walking again and again over what lives as long as the process does.

A full collection looks at every object. With thousands of sources there are millions, which are all still needed, and
the event loop stands still for a tenth of a second, or for half of one. `gc.freeze` takes what is there out of its
sight. What a source leaves behind when it goes is in its sight again, and is collected once. What is not frozen (each
sleeping source has some twenty objects) is collected once a minute, and not whenever a tenth of a second's work has
made as many objects as there are old ones.
"""

import gc
from typing import Protocol

import anyio

_EVERY = 60.0
"""Seconds between two full collections."""
_NEVER = 1 << 30
"""Collections of the middle generation before a full one comes by itself."""


class Polled(Protocol):
    """The sources that this process polls, counted."""

    started: int
    ended: int


async def spare_the_long_lived(sources: Polled) -> None:
    """Freeze what the process has built by now, and again whenever sources have come or gone. Never returns."""
    before = gc.get_threshold()
    gc.set_threshold(*before[:2], _NEVER)
    try:
        await _collect_now_and_then(sources)
    finally:
        gc.set_threshold(*before)


async def _collect_now_and_then(sources: Polled) -> None:
    gc.collect()
    gc.freeze()
    started, ended = sources.started, sources.ended
    while True:
        await anyio.sleep(_EVERY)
        changed = (started, ended) != (sources.started, sources.ended)
        if ended != sources.ended:
            gc.unfreeze()
        gc.collect()
        if changed:
            gc.freeze()
        started, ended = sources.started, sources.ended
