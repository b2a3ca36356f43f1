"""The standard output: one line per message, at least once."""

import os
import select
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Self

import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from outputs import Marks, Message, Output, OutputClosed, OutputError, Place

_PATIENCE = 100
"""Milliseconds after which a writer that waits for its reader looks whether it is still wanted."""


class StdoutConfig(BaseModel):
    """Events and rejects as lines on the standard output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["stdout"]

    def open(self, marks: Mapping[str, bytes], places: Collection[Place] = ()) -> Output:
        """Give the output; it has no marks."""
        return StdoutOutput()

    def check(self) -> str:
        """Say that the standard output is open. Raises OutputError where it is not."""
        _stat(1)
        return "stdout is open"

    def destinations(self) -> Sequence[str]:
        """Name what no other output may write to."""
        return ["stdout"]


class StdoutOutput:
    """Writes to the descriptor `fd`. A batch is durable when the reader's pipe has taken it whole."""

    exact: bool = False
    notices: Sequence[str] = ()

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._batch = b""  # what the last failed attempt was about,
        self._left = b""  # and what it still owes

    async def __aenter__(self) -> Self:
        """Raise OutputError if the descriptor is closed."""
        _stat(self._fd)
        return self

    def announce(self, batch: Sequence[Message]) -> Marks:
        """Promise nothing."""
        return {}

    async def write(self, batch: Sequence[Message]) -> Marks:
        """Print every message; a retry goes on where the last attempt broke off. Raises OutputClosed, OutputError."""
        lines = b"".join(message.value + b"\n" for message in batch)
        given_up = threading.Event()
        try:
            await anyio.to_thread.run_sync(self._print, lines, given_up, abandon_on_cancel=True)
        finally:
            given_up.set()
        return {}

    async def __aexit__(self, *exc: object) -> None:
        """Leave the descriptor open: it is not ours."""

    def _print(self, lines: bytes, given_up: threading.Event) -> None:
        if lines != self._batch:
            self._batch, self._left = lines, self._left + lines
        try:
            self._drain(given_up)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise OutputClosed("stdout: nobody reads it any more") from error
        except OSError as error:
            raise OutputError(f"stdout: {error.strerror}") from error

    def _drain(self, given_up: threading.Event) -> None:
        # A pipe that is ready takes PIPE_BUF bytes without blocking. A thread that blocked for good in a larger write
        # could be abandoned, but the interpreter would wait for it at its exit.
        ready = select.poll()
        ready.register(self._fd, select.POLLOUT)
        left, sent = memoryview(self._left), 0
        try:
            while sent < len(left) and not given_up.is_set():
                if ready.poll(_PATIENCE):
                    sent += os.write(self._fd, left[sent : sent + select.PIPE_BUF])
        finally:
            self._left = bytes(left[sent:])
        if not self._left:
            self._batch = b""


def _stat(fd: int) -> None:
    try:
        os.fstat(fd)
    except OSError as error:
        raise OutputError(f"stdout: {error.strerror}") from error
