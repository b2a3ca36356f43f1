"""`poller state`: written out, taken in elsewhere, forgotten; not while a poller runs, and no token on stdout."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from poller.state.export import export_lines
from poller.state.offline import StateDump
from tests.commands.running import House, callcap, flextell, until, without_colours
from tests.commands.vendors import Vendors
from tests.support.toy import NOON

pytestmark = pytest.mark.slow


@pytest.fixture
def polled(house: House, vendors: Vendors) -> House:
    """A house whose state holds something, a token too."""
    house.settings["sources"]["crm"] = flextell(vendors.at, oauth=True)
    house.write()
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        until(partial(house.has, "crm", vendors.holds("flextell")), "what there was")
        poller.until_log("poll.completed", source="crm", sweep="full")
        poller.until_log("poll.completed", source="acme", sweep="audit")
        assert poller.stop() == 0
    return house


def refused(house: House, *arguments: str) -> str:
    process = house.run("state", *arguments)
    assert process.code() == 2, process.logged
    (line,) = process.logged.splitlines()
    assert line.startswith("poller: ")
    return line


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_was_written_out_and_taken_in_elsewhere_goes_on_where_it_was(polled: House, vendors: Vendors) -> None:
    file = polled.folder / "backup.jsonl"
    assert polled.run("state", "export", "backup.jsonl").code() == 0
    assert file.stat().st_mode & 0o777 == 0o600
    polled.write(state={"path": "other/poller.db"})
    taken = polled.run("state", "import", "backup.jsonl")
    assert (taken.code(), taken.logged) == (0, "poller: taken in: acme, crm\n")
    assert polled.run("state", "export", "again.jsonl").code() == 0
    again = lines(polled.folder / "again.jsonl")
    assert again[1:] == lines(file)[1:], "all but when it was written"
    before = len(polled.events("acme")), len(polled.events("crm"))
    new = vendors.put("callcap")
    assert polled.run("run", "--once").code() == 0
    assert polled.subjects("acme")[before[0] :] == [new], "nothing came twice"
    assert len(polled.events("crm")) == before[1]


def test_tokens_go_into_a_file_only(polled: House) -> None:
    assert polled.run("state", "export", "backup.jsonl").code() == 0
    assert any(line.get("kind") == "token" for line in lines(polled.folder / "backup.jsonl"))
    shown = polled.run("state", "export")
    assert shown.code() == 0
    assert '"kind":"token"' not in shown.said
    assert shown.logged == "poller: left out, as standard output is no place for secrets: the tokens of crm\n"
    assert json.loads(shown.lines[-1]) == {"end": len(shown.lines) - 2}


def test_from_standard_output_to_standard_input(polled: House) -> None:
    (polled.folder / "piped").write_text(polled.run("state", "export").said)
    polled.write(state={"path": "other/poller.db"})
    with (polled.folder / "piped").open("rb") as pipe, polled.start("state", "import", stdin=pipe) as taken:
        assert taken.code() == 0
    again = polled.run("state", "export").said.splitlines()
    assert again[1:] == (polled.folder / "piped").read_text().splitlines()[1:]


@pytest.mark.parametrize("damage", ["its end is missing", "some are missing", "no export", "newer"])
def test_an_export_that_is_not_whole_is_refused_and_nothing_is_made(polled: House, damage: str) -> None:
    assert polled.run("state", "export", "backup.jsonl").code() == 0
    file = polled.folder / "backup.jsonl"
    whole = file.read_text().splitlines(keepends=True)
    newer = whole[0].replace('"format":2', '"format":99').replace('"version":"', '"version":"99-')
    damaged = {
        "its end is missing": whole[:-1],
        "some are missing": [*whole[:3], *whole[4:]],
        "no export": [*whole[:2], whole[2][:-9] + "\n", *whole[3:]],
        "newer": [newer, *whole[1:]],
    }[damage]
    file.write_text("".join(damaged))
    polled.write(state={"path": "other/poller.db"})
    said = refused(polled, "import", "backup.jsonl")
    assert ("poller 99-" if damage == "newer" else damage) in said
    assert "backup.jsonl" in said
    assert not (polled.folder / "other").exists()


def test_a_state_that_holds_something_takes_nothing_in(polled: House) -> None:
    assert polled.run("state", "export", "backup.jsonl").code() == 0
    before = polled.bytes("state")
    assert "is not empty: reset its sources, or move it away" in refused(polled, "import", "backup.jsonl")
    assert polled.bytes("state") == before


def test_another_accounts_state_is_not_taken_in(polled: House, vendors: Vendors) -> None:
    assert polled.run("state", "export", "backup.jsonl").code() == 0
    polled.write(sources={"acme": flextell(vendors.at)}, state={"path": "other/poller.db"})
    assert "belongs to another account (callcap" in refused(polled, "import", "backup.jsonl")


@pytest.mark.parametrize("command", [["export"], ["import", "empty.jsonl"], ["reset", "acme", "--yes"]])
def test_while_a_poller_runs_it_is_refused(house: House, command: list[str]) -> None:
    (house.folder / "empty.jsonl").write_bytes(b"".join(export_lines(StateDump(), NOON)))
    with house.start("run") as poller:
        poller.until_log("poll.completed", source="acme", sweep="live")
        assert "in use by another poller" in refused(house, *command)
        assert poller.stop() == 0


def test_a_stream_that_is_forgotten_begins_anew(polled: House, vendors: Vendors) -> None:
    there = sorted(polled.subjects("acme"))
    forgotten = polled.run("state", "reset", "acme/calls", "--yes")  # as `streams` and the page show it
    assert forgotten.code() == 0
    assert forgotten.lines[0] == f"forgotten: acme/calls: {len(there)} records, 3 sweeps"
    assert "records come again as created" in forgotten.lines[1]
    assert polled.run("run", "--once").code() == 0
    again = polled.events("acme")[len(there) :]
    assert sorted(event["subject"] for event in again) == there
    assert {(event["type"], event["revision"]) for event in again} == {("call.created", 1)}


def test_a_source_is_forgotten_with_its_token_and_its_account_also_when_it_is_not_configured_any_more(
    polled: House, vendors: Vendors
) -> None:
    polled.write(sources={"acme": callcap(vendors.at)})
    said = polled.run("state", "reset", "crm", "--yes")
    assert said.code() == 0
    assert "crm: its token" in said.said
    polled.write()
    assert polled.run("state", "export", "left.jsonl").code() == 0
    names = {line.get("name", "") for line in lines(polled.folder / "left.jsonl")}
    assert not {name for name in names if name.startswith("crm")}
    assert "acme/calls" in names


def test_a_name_that_the_state_does_not_know_is_refused_with_those_it_does(polled: House) -> None:
    assert "it holds acme.calls, crm.leads" in refused(polled, "reset", "acme.leads", "--yes")


def test_a_terminal_is_asked_and_no_means_no(polled: House) -> None:
    before = polled.bytes("state")
    code, shown = polled.at_terminal("state", "reset", "acme", stdin=b"n\n")
    assert code == 0
    assert "nothing was forgotten" in without_colours(shown)
    assert polled.bytes("state") == before
    assert "forgotten: acme/calls" in polled.at_terminal("state", "reset", "acme", stdin=b"y\n")[1]


def test_without_a_terminal_nothing_is_forgotten_unless_told_to(house: House) -> None:
    assert house.run("run", "--once").code() == 0
    before = house.bytes("state")
    assert "--yes" in refused(house, "reset", "acme")
    assert house.bytes("state") == before
    assert house.run("state", "reset", "acme", "--yes").code() == 0


def test_a_file_that_cannot_be_read_or_written_is_said(polled: House) -> None:
    assert "nowhere.jsonl: cannot be read: No such file" in refused(polled, "import", "nowhere.jsonl")
    assert "nowhere/b.jsonl: cannot be written: No such file" in refused(polled, "export", "nowhere/b.jsonl")


def test_where_nothing_was_saved_yet_there_is_nothing_to_write_out(house: House) -> None:
    assert "nothing was saved yet" in refused(house, "export")
    assert not (house.folder / "state").exists()
