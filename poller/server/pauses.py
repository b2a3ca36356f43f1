"""Long work in a worker thread that lets the event loop have its turns: it tells of thousands of streams.

A thread that works holds the interpreter, and the event loop gets it back only milliseconds after it asks, at each call
of the system that it makes. So the work pauses by itself, until the event loop has been round once.
"""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import anyio.from_thread

T = TypeVar("T")

_WORK = 0.001
"""Seconds of work between two pauses; a pause takes 0.05 ms of processor time."""
_SHARE = 0.25
"""Seconds of work for each second of the pause before: a loop that cannot keep up takes long for one turn, and whoever
scrapes it would give up."""


def with_pauses(items: Iterable[T]) -> Iterator[T]:
    """Pass the items on, in a worker thread of anyio's. They take their time between each other, not all at once."""
    until = time.monotonic() + _WORK
    for item in items:
        yield item
        if (paused := time.monotonic()) >= until:
            anyio.from_thread.run_sync(_turn)
            now = time.monotonic()
            until = now + max(_WORK, _SHARE * (now - paused))


def _turn() -> None:
    """Be called by the event loop, which calls whatever else is ready in the same turn."""
