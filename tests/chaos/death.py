"""Death at a chosen moment: before, in the middle of, or after one of the writes that make something durable."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from poller.state.sqlite.database import Database

WRITES = ("write", "fdatasync", "fsync", "ftruncate", "replace", "rename", "unlink")


class Killed(BaseException):
    """The process is dead: everything that it tries after this instant fails the same way."""


@dataclass
class Death:
    """A death at the n-th moment (0: never): raises Killed then, and at every moment after it."""

    at: int = 0
    moments: int = 0

    def moment(self) -> None:
        """Count one more instant at which the process can die, and die if it is the one."""
        self.moments += 1
        if self.is_now:
            self.strike()

    @property
    def is_now(self) -> bool:
        return 0 < self.at <= self.moments

    def strike(self) -> None:
        raise Killed


def mortal(death: Death, setattr_: Callable[[Any, str, Any], None]) -> None:
    """Make every write of this process a moment to die."""
    for name in WRITES:
        setattr_(os, name, _around(getattr(os, name), death))
    setattr_(os, "write", _torn(os.write, death))
    setattr_(Database, "write", _around(Database.write, death))


def _around(write: Callable[..., Any], death: Death) -> Callable[..., Any]:
    def mortal_write(*args: Any, **kwargs: Any) -> Any:
        death.moment()
        result = write(*args, **kwargs)
        death.moment()
        return result

    return mortal_write


def _torn(write: Callable[..., int], death: Death) -> Callable[..., int]:
    """Return a write that writes the first half, then meets the moment, then tells the caller of a short write."""

    def mortal_write(fd: int, data: bytes) -> int:
        if not death.at or fd <= 2 or len(data) < 2:
            return write(fd, data)
        done = write(fd, bytes(data)[: len(data) // 2])
        death.moment()
        return done

    return mortal_write
