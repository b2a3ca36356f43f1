"""What a state holds whole, and sealed, but not as this version writes it, is told as such, with its place."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from outputs import OutputError
from outputs.file import FileConfig
from poller.errors import ConfigError
from poller.state.reader import account_mismatches, restore, token_of
from poller.state.rows import encode
from poller.state.sqlite.database import Database
from poller.state.sqlite.file import _seal
from tests.state.ledgers import checkpoint

SAVED = encode(checkpoint())
NAIVE = SAVED.replace(b'Z"', b'"')
FOREIGN = {
    "no JSON": ("c|acme/calls", b"\0"),
    "of another shape": ("c|acme/calls", b'{"started":1}'),
    "nested without end": ("c|acme/calls", b'{"x":' * 100_000),
    "a time without a zone": ("c|acme/calls", NAIVE),
    "half a fingerprint": ("d|acme/calls", b"1234567890"),
    "a token without its expiry": ("t|acme", b'{"configured":"a","refresh_token":"b","access_token":"c"}'),
    "no account": ("a|acme", b"[]"),
    "no UTF-8": ("a|acme", b'{"type":"\xed"}'),
}


def read(database: Database) -> None:
    restore(database, "acme/calls", None)
    token_of(database, "acme")
    account_mismatches(database, {"acme": None})  # type: ignore[dict-item]


@pytest.mark.parametrize("what", FOREIGN)
def test_a_value_that_is_none_of_ours_is_told_with_its_key(tmp_path: Path, what: str) -> None:
    key, value = FOREIGN[what]
    with closing(Database.open(tmp_path / "poller.db")) as database:
        database.write({"c|acme/calls": SAVED, key: value})
        with pytest.raises(ConfigError) as caught:
            read(database)
    (problem,) = caught.value.problems
    assert problem.startswith(f"state: what it holds under '{key}' is not what this version writes (")


def test_a_chunk_that_ends_within_an_entry_is_told(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "poller.db")) as database:
        database.write({}, [("acme/calls", 1, b"12345")])
        with pytest.raises(ConfigError, match=r"'f\|acme/calls'.*cut short"):
            read(database)


@pytest.mark.parametrize(
    "change", ["UPDATE state SET value = 7", "UPDATE chunk SET data = 'text'", "UPDATE chunk SET at = 'soon'"]
)
def test_a_value_of_another_type_is_damage(tmp_path: Path, change: str) -> None:
    path = tmp_path / "poller.db"
    with closing(Database.open(path)) as database:
        database.write({"c|acme/calls": SAVED}, [("acme/calls", 1, b"")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("seal", -1, _seal)
        connection.execute(change)
        connection.execute("UPDATE state SET seal = seal(key, value)")
        connection.execute("UPDATE chunk SET seal = seal(stream, at, data)")
    opened: list[Callable[[Path], object]] = [Database.open, Database.read]
    for opening in opened:
        with pytest.raises(ConfigError, match="damaged"):
            opening(path)


@pytest.mark.parametrize("mark", [b"\0", b"[]", b'{"offset":"many"}', b'{"x":' * 100_000])
def test_a_mark_that_is_none_of_a_file_is_told_with_its_path(tmp_path: Path, mark: bytes) -> None:
    with pytest.raises(OutputError, match=r"a\.jsonl: what the state holds of it is no mark"):
        FileConfig(type="file", path=f"{tmp_path}/a.jsonl").open({f"{tmp_path}/a.jsonl": mark})
