"""Exactly once, although the process is killed (a real SIGKILL) at any system call, of a restart too.

Broken on purpose, and seen by the killing here: no cut at the start; no announcement saved; a rename at the
announcement, before it is saved; a broken-off closing not finished; a second rename over the closed file; the closed
file left beside its compressed copy; compression straight into the final name; the number not raised; a file of a
past date not closed. Each fsync, fdatasync and folder sync that was taken out was seen by the loss of power below.
Seen elsewhere: no cut at a retry (test_file_trouble.py, test_output_contract.py); a failed batch forgotten, or its
pending bytes (test_file_trouble.py); no refusal of longer files, higher numbers, unknown files, and cutting one file
before another was refused (test_file_state.py, test_file_recovery.py).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.outputs.material import Ledger, file_config, message, messages

ROOT = Path(__file__).parents[2]


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder in memory where there is one: a kill loses nothing that was written, so a disk would prove no more."""
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)  # noqa: S108 -- mkdtemp
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("compression", [pytest.param("none", marks=pytest.mark.exhaustive), "zstd"])
@pytest.mark.parametrize(
    ("mode", "deaths"), [pytest.param("before", 130, marks=pytest.mark.long), ("during", 20), ("again", 80)]
)
def test_every_message_is_there_once_whenever_the_process_is_killed(
    mode: str, deaths: int, compression: str, room: Path
) -> None:
    command = [sys.executable, "-m", "tests.outputs.crash", mode, compression, str(room)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > deaths


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_what_write_returned_survives_a_loss_of_power(
    compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = file_config(tmp_path / "new", rotate={"size": 100}, compression=compression)
    unsynced = watch(monkeypatch)
    ledger = Ledger()
    async with config.open({}) as journal:
        for hours in (0, 1, 24):
            await ledger.deliver(journal, [*messages(range(2), hours), message(2, hours, "leads", reject=True)])
            assert unsynced == set()
    ledger.save(journal.announce(messages(range(3), 25, "leads")))
    (tmp_path / "new/leads").mkdir()
    with (tmp_path / "new/leads/2026-11-22.jsonl").open("ab") as torn:
        torn.write(b"torn")
    unsynced.clear()
    async with config.open(ledger.marks):
        assert unsynced == set()


def watch(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Keep the paths that were written, cut, made or renamed since they (or their folders) were last synced."""
    unsynced: set[str] = set()
    opened: dict[int, str] = {}

    def after(name: str, effect: Callable[..., None]) -> None:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            if name == "open" and not Path(args[0]).exists():
                unsynced.update({str(args[0]), str(Path(args[0]).parent)})
            if name == "replace":
                assert str(args[0]) not in unsynced, "what takes a name has to be whole"
            if name == "unlink":
                assert str(Path(args[0]).parent) not in unsynced, "what comes in its place has to be there"
            result = real(*args, **options)
            effect(result, *args)
            return result

        monkeypatch.setattr(os, name, call)

    def named(_: None, *paths: Any) -> None:
        unsynced.update(str(Path(path).parent) for path in paths if not isinstance(path, int))

    after("open", lambda descriptor, path, *_: opened.update({descriptor: str(path)}))
    after("write", lambda _, descriptor, *__: unsynced.add(opened[descriptor]))
    after("ftruncate", lambda _, descriptor, *__: unsynced.add(opened[descriptor]))
    after("fsync", lambda _, descriptor: unsynced.discard(opened[descriptor]))
    after("fdatasync", lambda _, descriptor: unsynced.discard(opened[descriptor]))
    for name in ("rename", "replace", "unlink", "mkdir"):
        after(name, named)
    return unsynced
