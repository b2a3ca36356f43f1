"""`poller check --deep SOURCE`: a line for each assumption, its exit code, and that it changes nothing."""

import json
from functools import partial

from tests.commands.running import House, Poller, callcap, flextell, until
from tests.commands.vendors import Vendors

SOON = "from poller.commands import check_deep\ncheck_deep.APART = 0.2"
"""Python for a process that does not wait long between two looks."""


def deep(house: House, *arguments: str) -> Poller:
    return house.run("check", "--deep", *arguments, before=SOON)


def words(process: Poller) -> list[str]:
    return [line.split()[0] for line in process.lines]


def test_each_assumption_has_a_line_and_all_is_well(house: House, vendors: Vendors) -> None:
    before = vendors.number()
    check = deep(house, "acme")
    assert check.code() == 0, check.said
    assert check.lines[0].startswith("ok   acme: 14 assumptions; 40 requests at most")
    asked = len(vendors.asked("callcap", before))
    assert 0 < asked <= 40
    untold = [line.split(": ")[1] for line in check.lines if line.startswith("?")]
    assert check.lines[-1] == f"ok   acme: {asked} requests were made; could not be told: {', '.join(untold)}"
    assert set(words(check)) == {"ok", "holds", "?"}
    assert any(line.startswith("holds acme.calls: zone-obeyed: ") for line in check.lines)
    assert [path.name for path in house.folder.iterdir() if path.is_dir()] == [], "nothing was made"


def test_what_fails_says_what_to_do_and_exits_1_in_words_and_in_json(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"wrong_zone": 1.0}})
    check = deep(house, "acme")
    assert check.code() == 1
    (line,) = [line for line in check.lines if line.startswith("FAILS")]
    assert "zone-obeyed: asked in US/Arizona" in line
    assert "; so: set `timezone` to a zone that the vendor takes" in line
    told = deep(house, "acme", "--json")
    assert told.code() == 1
    found = {one["details"].get("assumption"): one for one in json.loads(told.said)}
    assert {"name", "ok", "words", "package", "details", "keys"} == found["zone-obeyed"].keys()
    assert found["zone-obeyed"]["ok"] is False
    assert found["zone-obeyed"]["details"]["verdict"] == "fails"
    assert found["zone-obeyed"]["details"]["consequence"].startswith("set `timezone`")


def test_an_unknown_source_is_a_mistake_of_the_command_line(house: House) -> None:
    check = deep(house, "nobody")
    assert check.code() == 2
    assert check.logged == "poller: nobody: there is no such source; these there are: acme, crm\n"


def test_a_refused_credential_is_told_once(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": callcap(vendors.at, api_key="no such key")})
    check = deep(house, "acme")
    assert check.code() == 1
    assert words(check) == ["ok", "FAIL"]
    assert "the vendor refuses the credential (api_key)" in check.lines[-1]


def test_a_refresh_token_is_not_spent(house: House, vendors: Vendors) -> None:
    house.write(sources={"crm": flextell(vendors.at, oauth=True)})
    before = vendors.number()
    check = deep(house, "crm")
    assert check.code() == 0
    assert check.lines == [
        "ok   crm: left out: no valid access token at hand, and none is asked for here, so it is not checked"
    ]
    assert vendors.asked("flextell", before) == []


def test_a_vendor_that_asks_for_patience_is_asked_no_more(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"throttle": 1.0}})
    before = vendors.number()
    check = deep(house, "acme")
    assert check.code() == 1
    assert len(vendors.asked("callcap", before)) == 1
    assert set(words(check)) == {"ok", "?", "FAIL"}
    asked = [line for line in check.lines[1:] if "places-kept" not in line]
    assert all("asks for patience: HTTP 429" in line for line in asked)


def test_it_changes_nothing_beside_a_running_poller(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        with poller.frozen():
            before = house.bytes("state"), house.bytes("events")
            assert deep(house, "acme").code() == 0
            assert (house.bytes("state"), house.bytes("events")) == before
        assert poller.stop() == 0


def test_at_a_terminal_a_verdict_has_its_mark(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"throttle": 1.0}})
    code, shown = house.at_terminal("check", "--deep", "acme")
    assert code == 1
    assert "! ?" in shown
    assert "✓ ok" in shown
    assert "✗ FAIL" in shown
