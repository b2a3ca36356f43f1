"""What only the operator can mend before a start: exit 2, a line each on stderr, no traceback, nothing touched."""

import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import certifi
import pytest

from poller import VERSION
from poller.commands.lifecycle import load_certificates
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.sources.callcap import Callcap
from tests.commands.running import FILES, IMPATIENT, STDOUT, House, callcap, flextell, until
from tests.commands.vendors import Vendors


def said(house: House, *arguments: str, command: str = "run") -> list[str]:
    """The lines of a start that is refused, at once even where its port is taken."""
    refused = house.run(command, *arguments, before=IMPATIENT)
    assert refused.code() == 2
    assert refused.said == ""
    lines = refused.logged.splitlines()
    assert lines
    assert all(line.startswith("poller: ") for line in lines), refused.logged
    return lines


def test_all_mistakes_of_a_configuration_are_said_at_once(house: House) -> None:
    house.write(server={"port": "many"}, sources={"acme": {"type": "callcap", "api_key": "k", "every": "30s"}})
    lines = said(house)
    assert len(lines) == 2
    assert any("config.yaml" in line and "sources.acme.every" in line for line in lines)
    assert any("server.port" in line and "a whole number is needed" in line for line in lines)
    assert said(house, command="check") == lines


def test_a_configuration_that_is_not_there(house: House) -> None:
    assert "nowhere.yaml" in said(house, "-c", "nowhere.yaml")[0]


def test_an_unset_variable(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": callcap(vendors.at, api_key="${CALLCAP_API_KEY}")})
    (line,) = said(house)
    assert "CALLCAP_API_KEY" in line


@pytest.fixture(scope="module")
def polled(sandbox: Vendors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a poller that ran: tests take copies."""
    folder = tmp_path_factory.mktemp("polled")
    house = House(folder, {"acme": callcap(sandbox.at), "crm": flextell(sandbox.at)})
    assert house.run("run", "--once").code() == 0
    return folder


@pytest.fixture
def used(house: House, polled: Path) -> House:
    """A house in which a poller ran before."""
    for folder in ("state", "events"):
        shutil.copytree(polled / folder, house.folder / folder)
    return house


def newer_version(house: House) -> None:
    with closing(sqlite3.connect(house.folder / "state/poller.db")) as state:
        state.execute("PRAGMA user_version = 99")


def damage(house: House) -> None:
    path = house.folder / "state/poller.db"
    data = bytearray(path.read_bytes())
    data[100:2000] = b"\xff" * 1900
    path.write_bytes(data)


def another_program(house: House) -> None:
    path = house.folder / "state/poller.db"
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")


def no_database(house: House) -> None:
    (house.folder / "state/poller.db").write_text("a letter to my aunt\n" * 100)


STATES: list[tuple[Callable[[House], None], str]] = [
    (newer_version, f"written by poller {VERSION} (format 99, this one knows 3); run that version"),
    (damage, "is damaged"),
    (another_program, "is another program's SQLite file"),
    (no_database, "is damaged or no state at all"),
]


@pytest.mark.parametrize(("spoil", "words"), STATES)
def test_a_state_that_is_not_ours_to_use(used: House, spoil: Callable[[House], None], words: str) -> None:
    spoil(used)
    before = used.bytes("state"), used.bytes("events")
    (line,) = said(used)
    assert line.startswith("poller: config.yaml: state.path: ")
    assert words in line
    assert (used.bytes("state"), used.bytes("events")) == before


def newer_files(house: House) -> None:
    with (house.folder / "events/acme.jsonl").open("ab") as file:
        file.write(b'{"written": "after the backup of the state was made"}\n')


def emptied_state(house: House) -> None:
    for path in (house.folder / "state").glob("poller.db*"):
        path.write_bytes(b"")


def no_state(house: House) -> None:
    shutil.rmtree(house.folder / "state")


@pytest.mark.parametrize("spoil", [newer_version, damage, no_database, newer_files, emptied_state, no_state])
def test_check_says_what_a_start_would_say_and_touches_nothing(used: House, spoil: Callable[[House], None]) -> None:
    assert used.run("check").code() == 0
    spoil(used)
    before = used.bytes("."), used.bytes("events")
    check = used.run("check")
    assert check.code() == 1
    (failure,) = [line for line in check.lines if line.startswith("FAIL")]
    after = used.bytes("."), used.bytes("events")
    assert {name: data for name, data in after[0].items() if "/state/" in name or "/events/" in name} == {
        name: data for name, data in before[0].items() if "/state/" in name or "/events/" in name
    }
    (line, *_) = said(used)
    assert line.split(": ", 2)[2] in failure


def test_commands_that_only_read_a_state_refuse_the_same(used: House) -> None:
    newer_version(used)
    before = used.bytes("state")
    assert said(used, "--dry-run") == said(used, command="streams")
    assert used.bytes("state") == before


def test_the_state_of_other_accounts(used: House, vendors: Vendors) -> None:
    before = used.bytes("state")
    used.write(sources={"acme": callcap(f"{vendors.at}/x"), "crm": flextell(vendors.at, tenant=43)})
    lines = said(used, "--once")
    assert [line.split(": ")[2] for line in lines] == ["sources.acme", "sources.crm"]
    assert all("belongs to another account" in line for line in lines)
    (failure, *_) = [line for line in used.run("check").lines if line.startswith("FAIL")]
    assert failure.count("belongs to another account") == 2
    assert used.bytes("state") == before


def test_a_second_run_on_the_same_state(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        (line,) = said(house, "--once")
        assert "is in use by another poller" in line
        new = vendors.put("callcap")
        until(partial(house.has, "acme", {new}), "the first one goes on")
        assert poller.stop() == 0


def test_certificates_that_go_bad_before_they_are_needed(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(Path(certifi.where()).read_bytes())
    source = Callcap.model_validate({"type": "callcap", "api_key": "k", "ca_file": str(ca_file)})
    settings = Settings.model_construct(sources={"acme": source})
    ca_file.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"^sources\.acme\.ca_file: .*ca\.pem holds no certificates"):
        load_certificates(settings)


def test_a_port_that_is_taken(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        house.write(server={"port": port})
        (line,) = said(house)
    assert line.startswith(f"poller: config.yaml: server.port: {port} on 127.0.0.1 is taken")
    assert not (house.folder / "state").exists()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"state": {"path": "file/poller.db"}}, "config.yaml: state.path"),
        ({"state": {"path": "folder"}}, "config.yaml: state.path"),
        ({"outputs": {"files": {**FILES, "path": "file/{source}.jsonl"}}}, "config.yaml: outputs.files.path"),
        (
            {"outputs": {"files": {**FILES, "rejects_path": "file/{source}.jsonl"}}},
            "config.yaml: outputs.files.rejects_path",
        ),
    ],
    ids=["state under a file", "state is a folder", "events", "rejects"],
)
def test_what_cannot_be_written(house: House, changes: dict[str, Any], place: str) -> None:
    (house.folder / "file").touch()
    (house.folder / "folder").mkdir()
    house.write(**changes)
    (line,) = said(house)
    assert "state.path" in line if "state" in changes else "outputs" in line
    assert line.startswith(f"poller: {place}: ")


def test_an_older_state_over_newer_files(used: House, polled: Path, vendors: Vendors) -> None:
    vendors.put("callcap")
    assert used.run("run", "--once").code() == 0
    shutil.rmtree(used.folder / "state")
    shutil.copytree(polled / "state", used.folder / "state")
    before = used.bytes("events")
    (line,) = said(used)
    assert "is newer than the state" in line
    assert line.startswith("poller: config.yaml: outputs.files")
    assert used.bytes("events") == before


def test_certificates_that_are_none(house: House, vendors: Vendors) -> None:
    Path(house.folder / "ca.pem").write_text("no certificate\n")
    house.write(sources={"acme": callcap(vendors.at, ca_file="ca.pem")})
    (line,) = said(house)
    assert "ca_file" in line


def test_streams_that_came_closed_are_nobodys_to_print_into(tmp_path: Path, vendors: Vendors) -> None:
    """A closed standard output is a closed pipe, whatever else would get its number."""
    house = House(tmp_path, {"acme": callcap(vendors.at)}, console=STDOUT, files=FILES)
    closed = house.run("run", before="import os, sys; os.close(1); sys.stdout = None")
    assert closed.code() == 1
    assert "nobody reads it any more" in closed.logged
    house.write(outputs={"files": dict(FILES)})
    without = "import os, sys; [os.close(n) for n in (0, 1, 2)]; sys.stdin = sys.stdout = sys.stderr = None"
    assert house.run("run", "--once", before=without).code() == 0
    assert sorted(house.subjects("acme")) == sorted(vendors.holds("callcap"))
