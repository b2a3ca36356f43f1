"""The lock of a state file: one process uses the file at a time, and another one can read who that is.

The lock is held by the kernel and goes with its process, however that ends. What the lock file says is for people, and
for those who come next: a poller waits for a command that ends by itself, and for a predecessor that is just ending.
"""

import fcntl
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import MsgspecError, Struct, json
from msgspec.structs import replace

from poller.errors import ConfigError

RUN = "run"
"""The command that does not end by itself."""
ONCE = "run --once"

_BEGINNING = 1.0
"""Seconds after which whoever holds the lock has said so, unless it is of an older version."""
_ENDING = 30.0
"""Seconds that a process which is just ending is waited for."""


class Holder(Struct, frozen=True):
    """A process that holds a lock: `command` as typed behind `poller`; `ending` once it was asked to end."""

    command: str
    pid: int
    host: str
    since: datetime
    ending: bool = False

    @property
    def is_ending(self) -> bool:
        """Return True if it was asked to end, or is gone already and about to let go."""
        return self.ending or (self.host == socket.gethostname() and not _is_alive(self.pid))

    def __str__(self) -> str:
        return f"`poller {self.command}`, process {self.pid} on {self.host}, since {self.since:%F %T} UTC"


class StateInUse(ConfigError):
    """A state that another process holds; `holder` is None where that process does not say which it is."""

    def __init__(self, path: Path, holder: Holder | None) -> None:
        self.holder = holder
        who = f" ({holder})" if holder else ""
        super().__init__(f"state.path: {path} is in use by another poller{who}; stop that one, or choose another path")

    def patience(self, command: str) -> float:
        """Return for how many seconds a command that wants the lock waits for this holder, since it was first met."""
        if self.holder is None:
            return _BEGINNING
        if self.holder.is_ending:
            return _ENDING
        return float("inf") if command in {RUN, ONCE} and self.holder.command != RUN else 0.0


class Lock:
    """The lock of a state, held from its making until it is closed."""

    def __init__(self, path: Path, command: str) -> None:
        """Take the lock of the state at `path`. Raises StateInUse, OSError."""
        place = path.with_name(path.name + ".lock")
        self._file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(self._file)
            os.close(self._file)
            raise StateInUse(path, holder) from None
        self._holder = Holder(command, os.getpid(), socket.gethostname(), datetime.now(UTC))
        self._write(json.encode(self._holder))

    def end(self) -> None:
        """Say that this process was asked to end: a successor waits for that."""
        self._write(json.encode(replace(self._holder, ending=True)))

    def close(self) -> None:
        """Let go of the lock."""
        self._write(b"")
        os.close(self._file)

    def _write(self, text: bytes) -> None:
        """Write what the file says; on a full disk it says nothing."""
        with suppress(OSError):
            os.pwrite(self._file, text.ljust(_LENGTH), 0)


_LENGTH = 400
"""Bytes of the file: a shorter text never leaves the end of a longer one."""


def _read(file: int) -> Holder | None:
    try:
        return json.decode(os.pread(file, _LENGTH, 0).strip(), type=Holder)
    except (OSError, MsgspecError, UnicodeDecodeError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
