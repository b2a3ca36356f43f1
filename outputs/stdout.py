"""The standard output: one line per message, at least once."""

import os
import select
import threading
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Literal, Self

import anyio
import anyio.to_thread

from outputs import Marks, Message, Output, OutputClosed, OutputConfig, OutputError, StreamRef
from outputs.escapes import escape_controls

_PATIENCE = 100
"""Milliseconds after which a writer that waits for its reader looks whether it is still wanted."""


class StdoutConfig(OutputConfig):
    """Events and rejects as lines on the standard output."""

    type: Literal["stdout"]

    def open(self, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()) -> Output:
        """Return the output; it has no marks."""
        return StdoutOutput()

    def check(self, marks: Mapping[str, bytes] | None = None) -> str:
        """Return a line that says that the standard output is open. Raises OutputError where it is not.

        `marks` say nothing here.
        """
        _stat(1)
        return "stdout is open"

    def destinations(self) -> Sequence[str]:
        """Return the names of what no other output may write to."""
        return ["stdout"]


class StdoutOutput:
    """Writes to the descriptor `fd`. A batch is durable when the reader's pipe has taken it whole.

    Several tasks may write at a time: their batches go out one after the other. What a failed or cancelled attempt
    still owes goes out before any other batch, so no line is ever torn by another one. At a terminal no vendor's text
    drives it.
    """

    exact: bool = False
    notices: Sequence[str] = ()

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._turn = anyio.Lock()
        self._printing = threading.Lock()  # a thread that was given up may take a moment to end
        self._owed: dict[bytes, bytes] = {}  # by the digest of its batch: what is left of it; the oldest first
        self._paid: set[bytes] = set()  # batches that failed, and that another call has brought to their end since

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
        if os.isatty(self._fd):
            lines = escape_controls(lines.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        given_up = threading.Event()
        try:
            async with self._turn:
                await anyio.to_thread.run_sync(self._print, lines, given_up, abandon_on_cancel=True)
        finally:
            given_up.set()
        return {}

    async def __aexit__(self, *exc: object) -> None:
        """Leave the descriptor open: it is not ours."""

    def _print(self, lines: bytes, given_up: threading.Event) -> None:
        batch = blake2b(lines, digest_size=16).digest()
        with self._printing:
            if batch in self._paid:
                self._paid.remove(batch)
                return
            self._owed.setdefault(batch, lines)
            try:
                self._pay(batch, given_up)
            except (BrokenPipeError, ConnectionResetError) as error:
                raise OutputClosed("stdout: nobody reads it any more") from error
            except OSError as error:
                raise OutputError(f"stdout: {error.strerror}") from error

    def _pay(self, batch: bytes, given_up: threading.Event) -> None:
        """Print what is owed, up to the end of this batch."""
        while batch in self._owed:
            oldest = next(iter(self._owed))
            self._drain(oldest, given_up)
            if self._owed[oldest]:
                return  # given up
            del self._owed[oldest]
            if oldest != batch:
                self._paid.add(oldest)

    def _drain(self, batch: bytes, given_up: threading.Event) -> None:
        # A pipe that is ready takes PIPE_BUF bytes without blocking. A thread that blocked for good in a larger write
        # could be abandoned, but the interpreter would wait for it at its exit.
        ready = select.poll()
        ready.register(self._fd, select.POLLOUT)
        left, sent = memoryview(self._owed[batch]), 0
        try:
            while sent < len(left) and not given_up.is_set():
                if ready.poll(_PATIENCE):
                    sent += os.write(self._fd, left[sent : sent + select.PIPE_BUF])
        finally:
            self._owed[batch] = bytes(left[sent:])


def _stat(fd: int) -> None:
    try:
        os.fstat(fd)
    except OSError as error:
        raise OutputError(f"stdout: {error.strerror}") from error
