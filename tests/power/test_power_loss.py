"""Exactly once, although the power is lost between any two steps, and what was not synced is dropped or torn.

Broken on purpose, and seen here: each fsync, fdatasync and sync of a folder in `outputs.file` taken out but for the two
of `fsync.cut`; the announcement that is not saved.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir, closing, contextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import anyio.to_thread
import pytest

from outputs.file.rotation import Compression
from poller.state.sqlite.database import Database
from tests.power.commits import STATE, deliver, faults, saved
from tests.power.disk import Disk, Files
from tests.state.ledgers import Killed

pytestmark = pytest.mark.slow
SOME_OR_ALL = pytest.mark.parametrize("most", [6, pytest.param(100_000, marks=pytest.mark.exhaustive)])
"""So many first cuts, and remains of the second ones, are drawn by lot; `make test-exhaustive` takes all."""


class Remains:
    """What cuts may leave of files and state, each but once."""

    def __init__(self) -> None:
        self.state: bytes | None = None
        self.found: dict[bytes, tuple[bytes | None, Files]] = {}

    def add(self, left: list[Files]) -> None:
        for files in left:
            digest = hashlib.blake2b(repr((self.state, sorted(files.items()))).encode())
            self.found.setdefault(digest.digest(), (self.state, files))


async def _inline(work: Callable[..., Any], *args: Any, **_: Any) -> Any:
    return work(*args)


@contextmanager
def followed(remains: Remains, held: Files | None = None) -> Iterator[Disk]:
    """Follow what is done in the working directory, which holds these files."""
    disk = Disk(remains.add, held)
    write = Database.write

    def committed(self: Database, *args: Any) -> None:
        disk.step()
        write(self, *args)
        remains.state = saved()
        disk.step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anyio.to_thread, "run_sync", _inline)
        patch.setattr(Database, "write", committed)
        disk.watch(patch.setattr)
        yield disk


def lay_out(state: bytes | None, files: Files) -> None:
    """Put into the working directory what a cut left."""
    for path, content in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    if state is not None:
        STATE.write_bytes(state)


def restart(state: bytes | None, files: Files, compression: Compression) -> list[str]:
    """Start again with what a cut left, come to the end, and return what is wrong then."""
    lay_out(state, files)
    deliver(compression, 4)
    return faults(compression)


@contextmanager
def folder_in(room: Path) -> Iterator[None]:
    """Work in a folder of its own."""
    with TemporaryDirectory(dir=room) as folder, chdir(folder):
        yield


def require_whole(remains: Remains, compression: Compression, room: Path, most: int) -> int:
    """Restart after each of these remains, or after so many of them; return how many those were."""
    found = [*remains.found.values()]
    for state, files in found if len(found) <= most else Random(1).sample(found, most):
        with folder_in(room):
            assert restart(state, files, compression) == [], sorted(files)
    print(f"{len(found)} different remains, {min(len(found), most)} of them tried")  # noqa: T201  for who wants to know
    return len(found)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    folder = shm / f"poller-power-{os.getpid()}" if os.access(shm, os.W_OK) else tmp_path / "room"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_every_message_is_there_once_whenever_the_power_is_lost(compression: Compression, room: Path) -> None:
    remains = Remains()
    with folder_in(room), followed(remains) as disk:
        deliver(compression, 5)
        assert faults(compression) == []
    require_whole(remains, compression, room, most=1_000)
    print(f"{disk.steps} cuts")  # noqa: T201  for who wants to know
    assert disk.steps > 100


@SOME_OR_ALL
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_the_power_is_lost_again_on_the_way_up(compression: Compression, most: int, room: Path) -> None:
    first, second = Remains(), Remains()
    with folder_in(room), followed(first):
        deliver(compression, 5)
    for state, files in Random(2).sample([*first.found.values()], min(most, len(first.found))):
        with folder_in(room):
            lay_out(state, files)
            with followed(second, files):
                second.state = state
                deliver(compression, 4)
    assert require_whole(second, compression, room, most) > 50


@SOME_OR_ALL
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_process_is_killed_and_the_power_is_lost_after_its_restart(
    compression: Compression, most: int, room: Path
) -> None:
    remains = Remains()
    for dies_at in Random(3).sample(range(5, 120), min(most, 115)):
        remains.state = None
        with folder_in(room), followed(remains) as disk:
            disk.dies_at = dies_at
            with suppress(Killed, BaseExceptionGroup):
                deliver(compression, 5)
            disk.dies_at = 0
            deliver(compression, 4)
    assert require_whole(remains, compression, room, most) > 50


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "poller.db")) as database:
        values = {
            name: database._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2}, "FULL: the log is synced with each commit"


def test_the_folder_of_a_new_state_is_on_the_disk_as_the_state_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    Database.open(tmp_path / "a/b/poller.db").close()
    assert synced == [f"{tmp_path}", f"{tmp_path}/a"]
