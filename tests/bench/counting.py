"""Counts of what Python does that are the same on every machine, however busy it is."""

import gc
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Counter:
    """The instructions and calls (of functions in C, too) of this thread and of those begun while it is `installed`.

    They count while it is `on`.
    """

    def __init__(self) -> None:
        self._on = False
        self.instructions = self.calls = 0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Be able to count while the context is open; another tracer waits as long."""
        tracer, profiler = sys.gettrace(), sys.getprofile()
        _install(self._trace, self._profile)
        try:
            yield
        finally:
            _install(tracer, profiler)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count while the context is open."""
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not self._on:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._trace_instructions

    def _trace_instructions(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.instructions += event == "opcode"
        return self._trace_instructions

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        self.calls += self._on and event in {"call", "c_call"}


def _install(tracer: Any, profiler: Any) -> None:
    threading.settrace(tracer)
    threading.setprofile(profiler)
    sys.setprofile(profiler)
    sys.settrace(tracer)


class Memory:
    """The most bytes of memory that were taken at once while it was `on`."""

    def __init__(self) -> None:
        self.bytes = 0

    @contextmanager
    def on(self) -> Iterator[None]:
        """Look while the context is open."""
        gc.collect()
        tracemalloc.start()
        try:
            yield
            self.bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
