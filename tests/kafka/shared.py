"""One broker for all of pytest's workers: whoever needs it first starts it, and whoever ends last stops it."""

import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, lockf
from pathlib import Path
from typing import cast

from tests.kafka.broker import Broker

_started: list[Broker] = []  # it may outlive us, of which `Popen` would complain where it is collected


@contextmanager
def shared(folder: Path) -> Iterator[Broker]:
    """Use the broker of `folder`, which is the workers' own. Raises NoKafka.

    The locks are POSIX's, which end with the process and are not inherited by what it forks.
    """
    told = folder / "broker"
    with (folder / "users").open("a+") as users:
        with _alone(folder):
            if not told.exists():
                told.write_bytes(pickle.dumps(_start(folder)))
            lockf(users, LOCK_SH)
        broker, pid = cast("tuple[Broker, int]", pickle.loads(told.read_bytes()))  # noqa: S301  we wrote it
        yield broker
        with _alone(folder):
            try:
                lockf(users, LOCK_EX | LOCK_NB)
            except OSError:  # others use it
                return
            os.kill(pid, signal.SIGKILL)
            told.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "door").open("a+") as door:
        lockf(door, LOCK_EX)
        yield


def _start(folder: Path) -> tuple[Broker, int]:
    (folder / "kafka").mkdir(exist_ok=True)
    broker = Broker(folder / "kafka")
    broker.start()
    _started.append(broker)
    return broker, broker.pid
