"""`poller run --dry-run`: shows what would be delivered, and changes nothing, also beside a running poller."""

import json
from functools import partial

from tests.commands.running import House, Poller, flextell, until
from tests.commands.vendors import Vendors


def subjects(process: Poller) -> list[str]:
    return [json.loads(line)["subject"] for line in process.lines]


def test_it_prints_what_is_new_and_saves_nothing(house: House, vendors: Vendors) -> None:
    first = house.run("run", "--once", "--dry-run")
    assert first.code() == 0
    assert sorted(subjects(first)) == sorted(vendors.holds("callcap") | vendors.holds("flextell"))
    assert not (house.folder / "state").exists()
    assert not (house.folder / "events").exists()


def test_what_was_delivered_is_not_new_and_the_state_stays_as_it_is(house: House, vendors: Vendors) -> None:
    house.run("run", "--once")
    new = {vendors.put("callcap"), vendors.put("flextell")}
    before = house.bytes("state"), house.bytes("events")
    dry = house.run("run", "--once", "--dry-run")
    assert dry.code() == 0
    assert sorted(subjects(dry)) == sorted(new)
    assert (house.bytes("state"), house.bytes("events")) == before


def test_it_works_beside_a_running_poller_and_goes_on_until_it_is_stopped(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        with house.start("run", "--dry-run") as dry:
            dry.until_log("poll.completed", source="acme", sweep="audit")
            new = vendors.put("callcap")
            until(lambda: new in subjects(dry), "what would be delivered")
            until(lambda: new in house.subjects("acme"), "what is delivered")
            assert dry.stop() == 0
        with poller.frozen():
            before = house.bytes("state")
            assert house.run("run", "--once", "--dry-run").code() == 0
            assert house.bytes("state") == before
        assert poller.stop() == 0
    assert subjects(dry).count(new) == 1
    assert house.subjects("acme").count(new) == 1


def test_a_state_that_a_crash_left_stays_as_it_is(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "crm", vendors.holds("flextell")), "what there was")
        poller.process.kill()
    before = house.bytes("state")
    assert any(name.endswith("-wal") for name in before)
    dry = house.run("run", "--once", "--dry-run")
    assert dry.code() == 0
    assert house.bytes("state") == before


def test_a_refresh_token_is_never_spent(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": house.settings["sources"]["acme"], "crm": flextell(vendors.at, oauth=True)})
    before = vendors.number()
    without = house.run("run", "--once", "--dry-run")
    assert len(without.logs("source.left_out", source="crm")) == 1
    assert vendors.holds("callcap") <= set(subjects(without)), "the other source is read"
    assert vendors.asked("flextell", before) == []

    assert house.run("run", "--once").code() == 0  # this one asks for a token, which is good for an hour
    before = vendors.number()
    assert house.run("run", "--once", "--dry-run").code() == 0
    assert {(entry["method"], entry["status"]) for entry in vendors.asked("flextell", before)} == {("GET", 200)}

    vendors.vices({"flextell": {"unauthorized": 1.0}})
    before = vendors.number()
    assert house.run("run", "--once", "--dry-run").code() == 1
    assert [(entry["method"], entry["status"]) for entry in vendors.asked("flextell", before)] == [("GET", 401)]
