"""An exported state: what is read is what was written; a line that is not as we write it is refused with its place."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from poller.errors import ConfigError
from poller.events.seen import key_of, pack_keys
from poller.plugin.credentials import Token
from poller.state import export
from poller.state.account import AccountId
from poller.state.export import export_lines, lines_of, read_export
from poller.state.offline import StateDump
from poller.state.rows import encode
from tests.state.ledgers import checkpoint, entry
from tests.support.packing import pack
from tests.support.toy import NOON

ROWS = {
    "a|acme": encode(AccountId("callcap", "https://api.callcap.com", None)),
    "c|acme/calls": encode(checkpoint(3)),
    "d|acme/calls": pack_keys([1, 2]),
    "o|files|events/a.jsonl": b'{"offset":7}',
    "t|acme": encode(Token("configured", "refresh", "access", NOON)),
    "x|acme/calls": b"\x00 of a later version",
}
CHUNKS = [("acme/calls", 7, pack([(key_of("a"), entry(1))])), ("acme/calls", 5, pack([(key_of("b"), entry(2))]))]
LINES = list(export_lines(StateDump(dict(ROWS), CHUNKS), NOON))


def test_what_is_read_is_what_was_written() -> None:
    found = read_export(LINES, "a file")
    assert found.rows == ROWS
    assert found.chunks == CHUNKS, "in their order: the later ones win"


def test_an_export_of_an_older_version_is_read() -> None:
    older = LINES[0].replace(b'"format":2', b'"format":1')
    assert older != LINES[0]
    assert read_export([older, *LINES[1:]], "a file").rows == ROWS


def test_what_says_nothing_to_another_place_is_left_out() -> None:
    lines = list(export_lines(StateDump({"p|acme": b"1", "v|written": b"0.1.0"}), NOON))
    assert len(lines) == 2, "where it begins and where it ends"


def changed(of: str, **fields: Any) -> Callable[[list[bytes]], list[bytes]]:
    def change(lines: list[bytes]) -> list[bytes]:
        wanted = f'"kind":"{of}"'.encode()
        return [encode(json.loads(line) | fields) if wanted in line else line for line in lines]

    return change


DAMAGE: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a checkpoint of another shape": changed("checkpoint", value={"started": "yesterday"}),
    "an owner of another shape": changed("owner", value=[]),
    "an unknown kind": changed("doubts", kind="opinions"),
    "an unknown field": changed("seen", extra=1),
    "a chunk that is cut": changed("seen", data="AAAA"),
    "a chunk of no time that can be": changed("seen", at=2**63),
    "entries that no record leaves": changed(
        "seen", data=b64encode(pack([(1, replace(entry(1), modified=2**62))])).decode()
    ),
    "doubts that are cut": changed("doubts", data="AAAA"),
    "the same twice": lambda lines: [*lines[:2], *lines[1:-1], b'{"end":%d}' % (len(lines) - 1)],
    "no header": lambda lines: lines[1:],
    "a torn line": lambda lines: [*lines[:3], lines[3][:20], *lines[4:]],
    "the end missing": lambda lines: lines[:-1],
    "something behind the end": lambda lines: [*lines, lines[1]],
    "a line missing": lambda lines: [*lines[:3], *lines[4:]],
    "nothing": lambda _: [],
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused(what: str) -> None:
    with pytest.raises(ConfigError, match=r"^a file:"):
        read_export(DAMAGE[what](list(LINES)), "a file")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end")
def test_a_file_without_an_end_is_refused_at_its_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_LONGEST_LINE", 2**20)
    with Path("/dev/zero").open("rb") as file, pytest.raises(ConfigError, match=r"^a file:1: this is no export"):
        read_export(lines_of(file), "a file")


def test_lines_come_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"".join(LINES))
    with (tmp_path / "file").open("rb") as file:
        assert [*lines_of(file)] == [*LINES]
