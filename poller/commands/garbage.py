"""The garbage collector, kept from walking again and again over what lives as long as the process does.

A full collection looks at every object. With thousands of sources there are millions, which are all still needed, and
the event loop stands still for a tenth of a second, or for half of one. `gc.freeze` takes what is there out of its
sight. What a source leaves behind when it goes is in its sight again, and is collected once.
"""

import gc
from typing import Protocol

import anyio

_LOOK_EVERY = 20.0
"""Seconds between two looks at which sources have come and gone."""


class Polled(Protocol):
    """The sources that this process polls, counted."""

    started: int
    ended: int


async def spare_the_long_lived(sources: Polled) -> None:
    """Freeze what the process has built by now, and again whenever sources have come or gone. Never returns."""
    gc.collect()
    gc.freeze()
    started, ended = sources.started, sources.ended
    while True:
        await anyio.sleep(_LOOK_EVERY)
        if (started, ended) == (sources.started, sources.ended):
            continue
        if ended != sources.ended:
            gc.unfreeze()
            gc.collect()
        started, ended = sources.started, sources.ended
        gc.freeze()
