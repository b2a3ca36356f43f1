"""Processes of `poller` that need not start: each is forked from one that has imported everything, and is idle.

A start takes more than a second of a processor, and some tests have six. What is forked is a process as any other: it
has its own folder, environment, streams, signals and end. How one starts from nothing is for test_start.py and for
tests/deploy/test_wheel.py.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from poller.cli import main
from poller.cli.later import SUMMARIES, Later
from poller.http.tls import tls_context

LATE = ("anyio._backends._asyncio", "httpcore", "pydantic.type_adapter")
"""What every process imports once it works; with the list of authorities, more than half of what a short one costs."""
_ROOT = Path(__file__).parents[2]
_BYTES = 4


class Order(NamedTuple):
    """A process to be forked: `before` is Python that it runs before it is `poller`."""

    folder: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    before: str


class Forked:
    """One of them, as if it were a `subprocess.Popen`."""

    def __init__(self, order: Order, streams: Sequence[IO[bytes] | int]) -> None:
        """`streams`: what are to be its stdin, stdout and stderr."""
        self.returncode: int | None = None
        self._told, theirs = socket.socketpair()
        numbers = [one if isinstance(one, int) else one.fileno() for one in streams]
        with theirs:
            socket.send_fds(_nursery(os.getpid()), [json.dumps(order).encode() + b"\n"], [*numbers, theirs.fileno()])
        self.pid = self._number()

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            self._wait_for_news(end)
        return self.returncode

    def until_stopped(self) -> None:
        """Wait until a signal has stopped it, or it has ended."""
        if self.returncode is None:
            self._wait_for_news(None)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _wait_for_news(self, end: float | None) -> None:
        self._told.settimeout(None if end is None else max(end - time.monotonic(), 1e-6))
        try:
            status = self._number()
        except TimeoutError:
            raise subprocess.TimeoutExpired("poller", 0) from None
        if not os.WIFSTOPPED(status):
            self.returncode = os.waitstatus_to_exitcode(status)
            self._told.close()

    def _number(self) -> int:
        found = self._told.recv(_BYTES)
        assert len(found) == _BYTES, "whoever forks processes for us is gone"
        return int.from_bytes(found, "little")


@cache
def _nursery(_: int) -> socket.socket:
    """Start the process that forks, one for each of pytest's workers; return where it takes orders."""
    ours, theirs = socket.socketpair()
    environ = {"PYTHONPATH": str(_ROOT), "PATH": os.environ["PATH"], "COLUMNS": "200"}
    with theirs:
        process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno(), env=environ, cwd=_ROOT)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve() -> tuple[Order, list[int]]:
    """Fork a process for each order that comes, and return in it; this one ends when nobody can order any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the tests that are interrupted
    orders = socket.socket(fileno=os.dup(0))
    while True:
        text, numbers, _, _ = socket.recv_fds(orders, 1 << 16, _BYTES)
        while text and not text.endswith(b"\n"):
            text += orders.recv(1 << 16)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG if text else 0)[0]:
                pass
        if not text:
            os._exit(0)
        if os.fork() == 0:
            orders.close()
            told = socket.socket(fileno=numbers.pop())
            if child := os.fork():
                _keep(child, told)
            told.close()
            return Order(*json.loads(text)), numbers
        for number in numbers:
            os.close(number)


def _keep(child: int, told: socket.socket) -> NoReturn:
    """Tell of a process its number, and whenever it is stopped, and how it ended."""
    told.sendall(child.to_bytes(_BYTES, "little"))
    status = 0x7F
    while os.WIFSTOPPED(status):
        _, status = os.waitpid(child, os.WUNTRACED)
        with suppress(BrokenPipeError):
            told.sendall(status.to_bytes(_BYTES, "little"))
    os._exit(0)


def _become(order: Order, numbers: Sequence[int]) -> None:
    """Be as if `python -m poller` had been started so."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environ)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, number in enumerate(numbers):
        os.dup2(number, place)
        os.close(number)
    encoding = order.environ.get("PYTHONIOENCODING", sys.stdout.encoding)
    how: Mapping[str, Any] = {"encoding": encoding, "errors": sys.stdout.errors, "closefd": False}
    sys.stdin = open(0, **how)  # noqa: SIM115
    sys.stdout = open(1, "w", **how)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = [str(_ROOT / "poller/__main__.py"), *order.arguments]
    sys.modules["__main__"].__package__ = "poller"


if __name__ == "__main__":
    for name in SUMMARIES:
        Later(name=name).load()
    for name in LATE:
        import_module(name)
    tls_context(None)
    gc.freeze()
    ordered, streams = _serve()
    _become(ordered, streams)
    exec(ordered.before)  # noqa: S102  the test's own
    main()
