"""The state's file: what is refused before anything is touched, and how it is read beside its writer.

Killed: no lock, or one that a link goes around, or that a refusal keeps; another program's file taken over; damage
that only a checksum sees; a mode that others can read by; a reader that writes, or that leaves files behind.
"""

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from poller.errors import ConfigError
from poller.state.sqlite import file
from poller.state.sqlite.database import Database
from tests.state.child import as_nobody

CHUNKS = [("acme/calls", at, random.Random(at).randbytes(50 if at % 3 else 20_000)) for at in range(40)]
VALUES = {f"c|acme/{number}": random.Random(number).randbytes(200) for number in range(40)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A state with something in it, cleanly closed."""
    path = tmp_path_factory.mktemp("state") / "poller.db"
    database = Database.open(path)
    for (key, value), chunk in zip(VALUES.items(), CHUNKS, strict=True):
        database.write({key: value}, [chunk])
    database.close()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, written: bytes) -> Path:
    (tmp_path / "poller.db").write_bytes(written)
    return tmp_path / "poller.db"


def content(database: Database | None) -> tuple[dict[str, bytes], list[bytes]]:
    assert database
    try:
        return database.under("c|acme/"), list(database.chunks("acme/calls"))
    finally:
        database.close()


WHOLE = ({key.removeprefix("c|acme/"): value for key, value in VALUES.items()}, [data for _, _, data in CHUNKS])


def refusal(path: Path, opened: Callable[[Path], object] = Database.open) -> str:
    with pytest.raises(ConfigError) as caught:
        opened(path)
    (problem,) = caught.value.problems
    assert problem.startswith("state.path: ")
    assert str(path) in problem, "it names the file"
    return problem


def test_what_was_written_is_there_again(path: Path) -> None:
    assert content(Database.open(path)) == WHOLE


def test_a_write_is_on_the_disk_when_it_returns(path: Path) -> None:
    """What a power failure would show (https://www.sqlite.org/pragma.html#pragma_synchronous)."""
    database = Database.open(path)
    settings = [
        database._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
    ]
    assert settings == [2, "wal"]
    database.close()


def test_a_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database.open(tmp_path / "new" / "folder" / "poller.db")
        database.write({"a": b"1"})
        files = sorted((tmp_path / "new" / "folder").iterdir())
        assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
        assert len(files) == 4, "the file, its lock, and SQLite's log"
        database.close()
    finally:
        os.umask(before)


def test_a_file_that_others_can_read_is_closed_to_them(path: Path) -> None:
    path.chmod(0o644)
    Database.open(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_process_is_refused_and_the_first_one_goes_on(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    first = Database.open(path)
    script = "import sys, pathlib, poller.state.sqlite.database as it; it.Database.open(pathlib.Path(sys.argv[1]))"
    for name in (path, tmp_path / "link.db"):
        second = subprocess.run([sys.executable, "-c", script, str(name)], capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "is in use by another poller" in second.stderr
    first.write({"c|acme/0": b"still ours"})
    first.close()
    third = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert third.returncode == 0, third.stderr


def test_a_newer_versions_state_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 4")
        connection.execute("UPDATE state SET value = CAST('9.8.7' AS BLOB) WHERE key = 'v|written'")
    connection.close()
    for opened in (Database.open, Database.read):
        problem = refusal(path, opened)
        assert "was written by poller 9.8.7 (format 4, this one knows 3); run that version" in problem


def test_another_programs_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = path.read_bytes()
    for opened in (Database.open, Database.read):
        assert "another program's" in refusal(path, opened)
    assert path.read_bytes() == before


def test_a_text_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("sources: {}\n" * 100)
    for opened in (Database.open, Database.read):
        assert "no state at all" in refusal(path, opened)
    assert path.read_text() == "sources: {}\n" * 100


@pytest.mark.parametrize("bytes_lost", [1, 300, 4096, 5000, 200_000])
def test_a_file_that_was_cut_is_refused(path: Path, bytes_lost: int) -> None:
    os.truncate(path, path.stat().st_size - bytes_lost)
    for opened in (Database.open, Database.read):
        assert "damaged" in refusal(path, opened)


@pytest.mark.parametrize("seed", range(30))
def test_damage_is_refused_wherever_it_is(path: Path, seed: int) -> None:
    """Also within what SQLite takes for content, and itself finds nothing wrong with; else the file is as it was."""
    lot = random.Random(seed)
    size = lot.choice([1, 16, 512, 4096])
    at = lot.randrange(100, path.stat().st_size - size)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(lot.randbytes(size))
    for opened in (Database.open, Database.read):
        found: object = None
        with suppress(ConfigError):
            found = content(opened(path))
        assert found in (None, WHOLE), f"{size} bytes at {at}"


@pytest.mark.parametrize("what", ["a row less", "another key", "another value", "another stream", "another time"])
def test_a_row_that_is_not_as_it_was_written_is_refused(path: Path, what: str) -> None:
    statements = {
        "a row less": "SELECT 1",
        "another key": "UPDATE state SET key = 'c|acme/x' WHERE key = 'c|acme/1'",
        "another value": "UPDATE state SET value = x'00' WHERE key = 'c|acme/1'",
        "another stream": "UPDATE chunk SET stream = 'acme/leads' WHERE number = 3",
        "another time": "UPDATE chunk SET at = 0 WHERE number = 3",
    }
    with sqlite3.connect(path) as connection:
        connection.execute(statements[what])
    connection.close()
    if what == "a row less":
        assert content(Database.open(path)) == WHOLE
    else:
        assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    ("there", "instead"),
    [(b"TABLE state (key", b"TABLE state (`\xa3y"), (b"    number INTEGER", b"    nomber INTEGER")],
)
def test_a_schema_that_is_not_ours_is_refused(path: Path, there: bytes, instead: bytes) -> None:
    """SQLite quotes in its message what is no text."""
    whole = path.read_bytes()
    damaged = whole.replace(there, instead)
    assert damaged != whole
    path.write_bytes(damaged)
    for opened in (Database.open, Database.read):
        assert "damaged" in refusal(path, opened)


def test_a_damaged_index_is_refused(path: Path) -> None:
    """What is in it is sealed nowhere; without it chunks would be missed."""
    with sqlite3.connect(path) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'chunk_by_time'"
        (page,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(random.Random(1).randbytes(size))
    for opened in (Database.open, Database.read):
        assert "damaged" in refusal(path, opened)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    for opened in (Database.open, Database.read):
        refusal(tmp_path, opened)


def test_a_path_below_a_file_is_refused(path: Path) -> None:
    assert "cannot be written" in refusal(path / "poller.db")


def test_after_a_refusal_the_same_process_can_try_again(tmp_path: Path) -> None:
    path = tmp_path / "poller.db"
    path.write_text("not a state" * 100)
    refusal(path)
    path.unlink()
    Database.open(path).close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that also somebody else can enter, which pytest's own is not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_folder_or_a_file_that_may_not_be_written_is_refused(open_folder: Path) -> None:
    said = as_nobody("Database.open(folder / 'poller.db')", open_folder)
    assert "cannot be written: Permission denied" in said
    Database.open(open_folder / "poller.db").close()
    open_folder.chmod(0o777)
    (open_folder / "poller.db.lock").unlink()
    (open_folder / "poller.db").chmod(0o444)
    assert "cannot be written: Permission denied" in as_nobody("Database.open(folder / 'poller.db')", open_folder)


def test_a_look_says_what_a_start_would_say_of_what_may_not_be_written(open_folder: Path) -> None:
    path, look = open_folder / "poller.db", "file.check_writable(folder / 'poller.db')"
    file.check_writable(path)
    assert "cannot be written: " in as_nobody(look, open_folder), "the folder"
    Database.open(path).close()
    open_folder.chmod(0o777)
    assert "poller.db: no permission" in as_nobody(look, open_folder)
    for made in open_folder.iterdir():
        made.chmod(0o666)
    assert "None" in as_nobody(look, open_folder)
    with pytest.raises(ConfigError, match=r"state\.path: .*poller\.db is not a folder"):
        file.check_writable(path / "poller.db")


def test_a_state_that_may_not_be_read_says_so(open_folder: Path) -> None:
    Database.open(open_folder / "poller.db").close()
    said = as_nobody("Database.read(folder / 'poller.db')", open_folder)
    assert "cannot be read: Permission denied" in said
    open_folder.chmod(0o700)
    assert "cannot be read: Permission denied" in as_nobody("Database.read(folder / 'poller.db')", open_folder)


def test_a_look_says_what_a_start_would_say_of_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = list(os.statvfs(tmp_path))
    room[4] = 0  # of its free blocks those that are for us: https://man7.org/linux/man-pages/man3/statvfs.3.html
    file.check_writable(tmp_path / "poller.db")
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(room))
    with pytest.raises(ConfigError, match=r"state\.path: .*poller\.db cannot be written: no space left on its disk"):
        file.check_writable(tmp_path / "poller.db")


def test_a_full_disk_at_the_start_is_the_operators_to_mend(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from poller.state.sqlite.database import Database\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "from poller.errors import ConfigError\n"
        "try: Database.open(Path(sys.argv[1]))\n"
        "except ConfigError as error: print(error)"
    )
    full = [sys.executable, "-c", script, str(tmp_path / "poller.db")]
    done = subprocess.run(full, capture_output=True, text=True, check=False)
    assert "cannot be written" in done.stdout, done.stderr


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


def test_a_closed_state_is_read_without_a_trace(path: Path) -> None:
    before = snapshot(path.parent)
    assert content(Database.read(path)) == WHOLE
    assert snapshot(path.parent) == before


def test_a_closed_state_can_be_read_where_nothing_can_be_written(open_folder: Path) -> None:
    database = Database.open(open_folder / "poller.db")
    database.write({"c|acme/calls": b"{}"})
    database.close()
    (open_folder / "poller.db").chmod(0o644)
    assert "b'{}'" in as_nobody("Database.read(folder / 'poller.db').get('c|acme/calls')", open_folder)


def test_a_reader_beside_the_writer_sees_what_is_committed_and_disturbs_nobody(path: Path) -> None:
    writer = Database.open(path)
    writer.write({"c|acme/0": b"one"})
    before = snapshot(path.parent)
    reader = Database.read(path)
    assert reader
    assert reader.get("c|acme/0") == b"one"
    writer.write({"c|acme/0": b"two"})
    assert reader.get("c|acme/0") == b"two"
    reader.close()
    writer.write({"c|acme/0": b"three"})
    after = snapshot(path.parent)
    assert after.keys() == before.keys()
    assert after["poller.db"] == before["poller.db"]
    writer.close()


@pytest.mark.parametrize("made", ["nothing", "an empty file", "a file without tables"])
def test_where_nothing_was_written_yet_there_is_nothing_to_read(tmp_path: Path, made: str) -> None:
    path = tmp_path / "poller.db"
    if made == "an empty file":
        path.touch()
    if made == "a file without tables":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    assert Database.read(path) is None


def test_a_reader_cannot_write(path: Path) -> None:
    reader = Database.read(path)
    assert reader
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.write({"c|acme/0": b"no"})
    reader.close()
