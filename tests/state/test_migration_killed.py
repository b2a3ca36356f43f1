"""A migration that dies, at any line of it, or finds no room: the state of before, or that of after, is whole."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from poller.state.sqlite.database import Database
from poller.state.sqlite.migration import FORMAT
from tests.state.states import HELD, content, copies, names, old_state, version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return old_state(tmp_path)


KILLED = """
import os, signal, sys, pathlib
from poller.state.sqlite import migration as migrating
from poller.state.sqlite.database import Database
def trace(frame, event, arg):
    global at
    if frame.f_code.co_filename == migrating.__file__:
        if event == "line":
            at -= 1
            if at < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace if event == "call" else None
for path, line in zip(sys.argv[1::2], sys.argv[2::2]):
    at = int(line)
    child = os.fork()
    if not child:
        sys.settrace(trace)
        Database.open(pathlib.Path(path)).close()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Opens each state of its arguments in a process of its own, which dies before the line behind it."""


@pytest.mark.parametrize("stride", [2, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_killed_before_any_line_of_it_either_version_is_whole(
    stride: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The lines before and after every write of it; what is within a commit of SQLite is SQLite's promise."""
    states = [(old_state(tmp_path_factory.mktemp("killed")), line) for line in range(0, 60, stride)]
    command = [sys.executable, "-c", KILLED, *(str(one) for pair in states for one in pair)]
    codes = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    told = set()
    for (here, _), code in zip(states, codes, strict=True):
        found = content(Database.read(here))
        assert found == HELD
        for copy in copies(here):
            assert content(Database.read(copy)) == HELD
        told.add((int(code), version_with_log(here), bool(copies(here))))
        Database.open(here).close()
        assert content(Database.read(here)) == HELD
        assert version(here) == FORMAT
        assert not [name for name in names(here) if "part" in name], "nothing is left lying about"
    assert {(-9, 1, False), (-9, 1, True), (0, FORMAT, True)} <= told, "it was killed before the copy, and after it"
    assert (-9, FORMAT, False) not in told
    assert codes[-1] == "0", "it has no more lines than these"
    print(f"{codes.count('-9')} crashes")  # noqa: T201  for who wants to know


def version_with_log(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)


def test_without_room_for_a_copy_nothing_is_touched(path: Path) -> None:
    before = path.read_bytes()
    script = (
        "import resource, sys, signal; from pathlib import Path; from poller.state.sqlite.database import Database\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (36_000, 36_000))\n"
        "from poller.errors import ConfigError\n"
        "try: Database.open(Path(sys.argv[1]))\n"
        "except ConfigError as error: print(error)"
    )
    full = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(full, capture_output=True, text=True, check=False)
    assert "no copy of it can be made" in done.stdout, done.stderr
    assert "make room" in done.stdout
    assert path.read_bytes() == before
    assert [name for name in names(path) if not name.endswith(("-shm", "-wal"))] == ["poller.db", "poller.db.lock"]
