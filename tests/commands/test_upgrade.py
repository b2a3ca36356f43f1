"""An upgrade over the state of an older version: who looks changes nothing, who polls keeps a copy and goes on."""

import json
import sqlite3
from functools import partial

import pytest

from poller.state.account import AccountId
from poller.state.rows import encode
from poller.state.sqlite.database import Database
from poller.state.sqlite.file import _seal
from tests.commands.running import House, until
from tests.commands.vendors import Vendors
from tests.state.states import HELD, content, old_state

pytestmark = pytest.mark.slow


def inherited(house: House, vendors: Vendors) -> None:
    """The old state, of accounts that are where ours are."""
    (house.folder / "state").mkdir()
    connection = sqlite3.connect(old_state(house.folder / "state"))
    connection.create_function("seal", -1, _seal, deterministic=True)
    owners = {
        "acme": AccountId("callcap", f"{vendors.at}/callcap", None),
        "crm": AccountId("flextell", f"{vendors.at}/flextell/api/v1", "42"),
    }
    with connection:
        for source, owner in owners.items():
            put = "INSERT OR REPLACE INTO state VALUES (?1, ?2, seal(?1, ?2))"
            connection.execute(put, (f"a|{source}", encode(owner)))
    connection.close()


def test_who_writes_it_out_keeps_a_copy_too_and_says_so(house: House, vendors: Vendors) -> None:
    inherited(house, vendors)
    exported = house.run("state", "export", "all.jsonl")
    assert exported.code() == 0
    (told,) = exported.logs("state.migrated")
    assert content(Database.read(house.folder / told["copy"]))["seen"] == HELD["seen"]


def test_looking_changes_nothing_and_polling_keeps_a_copy_and_goes_on(house: House, vendors: Vendors) -> None:
    inherited(house, vendors)
    before = house.bytes("state")
    for command in (["check"], ["streams"], ["explain", "acme.calls"], ["run", "--once", "--dry-run"]):
        assert house.run(*command).code() == 0
    assert house.bytes("state") == before
    started = json.loads(HELD["values"]["c|acme/calls"])["started"]
    with house.start("run") as poller:
        told = poller.until_log("state.migrated")
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        assert poller.stop() == 0
    assert content(Database.read(house.folder / told["copy"]))["seen"] == HELD["seen"]
    (stream, _) = json.loads(house.run("streams", "--json").said)
    assert stream["seen"] == len(HELD["seen"]["acme/calls"]) + len(vendors.holds("callcap"))
    assert house.run("state", "export", "all.jsonl").code() == 0
    assert started in (house.folder / "all.jsonl").read_text(), "its first poll was then"
    with house.start("run") as poller:
        poller.until_log("poll.completed", source="acme", sweep="live")
        assert poller.logs("state.migrated") == []
        assert poller.stop() == 0
