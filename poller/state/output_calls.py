"""The calls of an output's own code, which may raise anything, give anything, or never return."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from outputs import Marks, OutputError

PATIENCE = 60.0
"""Seconds that opening an output, or writing a batch to it, may take."""
STUCK = 70.0
"""Seconds after which it is told that it cannot even be given up: a thread that hangs in a disk or a library."""
HOPELESS = 600.0
"""Seconds after which a command that ends by itself leaves all the same. Large files are compressed sooner."""


@contextmanager
def given_up_in_time(
    what: str, tell: Callable[[str], None], leave: Callable[[str], None] | None, error: type[OutputError] = OutputError
) -> Iterator[None]:
    """Raise `error` where what is done here is not over in time.

    What cannot be cancelled is told, and, where `leave` is given, ends the process, by force: no state minds.
    """
    loop = asyncio.get_running_loop()
    alarms = [loop.call_later(STUCK, tell, f"{what} in {STUCK:g} s, and cannot be given up")]
    if leave:
        alarms.append(loop.call_later(HOPELESS, _leave, leave, f"{what} in {HOPELESS:g} s"))
    try:
        with anyio.fail_after(PATIENCE):
            yield
    except TimeoutError:
        raise error(f"{what} in {PATIENCE:g} s") from None
    finally:
        for alarm in alarms:
            alarm.cancel()


@contextmanager
def told_in_time(what: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Tell where what is done here is not over in time, and go on with it."""
    alarm = asyncio.get_running_loop().call_later(PATIENCE, tell, f"{what} in {PATIENCE:g} s")
    try:
        yield
    finally:
        alarm.cancel()


def _leave(leave: Callable[[str], None], why: str) -> None:
    leave(why)
    os._exit(1)


@contextmanager
def bugs_told() -> Iterator[None]:
    """Let a bug of an output be an error like others: the batch is not there, so it is tried again, and told."""
    try:
        yield
    except OutputError:
        raise
    except Exception as error:
        raise OutputError(f"a bug: {type(error).__name__}: {error}") from error


def checked(marks: Marks) -> Marks:
    """Return the marks. Raises TypeError where they are none: what is saved of them has to be read again."""
    for name, mark in marks.items():
        if not isinstance(name, str) or not isinstance(mark, bytes | None):
            raise TypeError(f"it gave marks that are no bytes by names, but {type(mark).__name__}")
    return marks
