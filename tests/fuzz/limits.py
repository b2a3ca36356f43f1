"""The limits of a case: seconds, and memory."""

import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tests.fuzz.target import Finding

SECONDS = 10.0
"""A case takes some milliseconds; this is a hang, also on a busy machine."""
MEMORY = 400 << 20
"""Bytes by which the process may grow in one case: six times the largest body that is read."""


@contextmanager
def limited(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Raise Finding where the block takes longer, of CPU too, or more memory."""
    before, began = _peak(), time.process_time()
    alarmed = threading.current_thread() is threading.main_thread()
    former = signal.signal(signal.SIGPROF, _hung) if alarmed else None
    if alarmed:
        signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        if alarmed:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, former)
    if time.process_time() - began > seconds:
        raise Finding(f"it took {time.process_time() - began:.1f} s")
    if _peak() - before > memory:
        raise Finding(f"it took {(_peak() - before) >> 20} MiB")


def _hung(_: int, __: FrameType | None) -> None:
    raise Finding("it hangs")


def _peak() -> int:
    """Return the most bytes that this process ever held."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib if sys.platform == "darwin" else kib * 1024
