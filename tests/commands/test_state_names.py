"""A source is renamed, or moves to another address: it goes on where it was, and nothing comes again."""

import pytest

from tests.commands.running import House, callcap
from tests.commands.vendors import Vendors

pytestmark = pytest.mark.slow


@pytest.fixture
def used(house: House) -> House:
    assert house.run("run", "--once").code() == 0
    return house


def refused(house: House, *arguments: str) -> str:
    process = house.run(*arguments)
    assert process.code() == 2, process.said
    return process.logged


def test_a_source_that_is_renamed_goes_on_and_nothing_comes_again(used: House, vendors: Vendors) -> None:
    held = set(used.subjects("acme"))
    hint = "sales is not known, and acme, which is not configured, is of the same account"
    assert hint not in used.run("check").said
    used.write("sales.yaml", sources={"sales": callcap(vendors.at)})
    assert f"warning: {hint}" in used.run("check", "-c", "sales.yaml").said
    done = used.run("state", "rename", "acme", "sales")
    assert (done.code(), done.said) == (0, "renamed: acme is sales now: sales/calls\n")
    assert "config.yaml does not name sales yet" in done.logged
    used.write(sources={"sales": callcap(vendors.at)})
    assert hint not in used.run("check").said
    new = vendors.put("callcap")
    assert used.run("run", "--once").code() == 0
    assert used.subjects("sales") == [new], "with its new name, and nothing else"
    assert set(used.subjects("acme")) == held
    known = used.run("explain", "sales.calls", "--id", min(held))
    assert "revision 1" in known.said


def test_a_name_that_is_taken_wrong_or_unknown_is_refused(used: House) -> None:
    used.settings["sources"]["other"] = used.settings["sources"]["acme"]
    used.write()
    assert used.run("run", "--once").code() == 0
    before = used.bytes("state")
    assert "other: the state holds a source of that name already" in refused(used, "state", "rename", "acme", "other")
    assert "it holds acme, crm, other" in refused(used, "state", "rename", "acne", "sales")
    assert "another name goes here" in refused(used, "state", "rename", "acme", "a/b")
    assert "another name goes here" in refused(used, "state", "rename", "acme", "acme")
    assert used.bytes("state") == before


def test_an_account_that_moved_is_accepted_and_nothing_comes_again(used: House, vendors: Vendors) -> None:
    held = used.subjects("acme")
    used.write(sources={"acme": callcap(vendors.at.replace("127.0.0.1", "localhost"))})
    assert "`poller state accept acme`" in refused(used, "run", "--once")
    accepted = used.run("state", "accept", "acme")
    assert (accepted.code(), accepted.said.startswith("acme: accepted")) == (0, True)
    assert used.run("run", "--once").code() == 0
    assert used.subjects("acme") == held
    again = used.run("state", "accept", "acme")
    assert (again.code(), again.said.startswith("acme: nothing to accept")) == (0, True)


def test_what_is_of_another_type_or_unknown_is_not_accepted(used: House, vendors: Vendors) -> None:
    flextell = {"type": "flextell", "base_url": f"{vendors.at}/flextell/api/v1", "tenant": 42, "access_token": "x"}
    used.write(sources={"acme": flextell, "new": callcap(vendors.at)})
    assert "of the type callcap" in refused(used, "state", "accept", "acme")
    assert "`poller state accept` cannot help" in refused(used, "run", "--once")
    assert "holds no source of that name" in refused(used, "state", "accept", "new")
    assert "nobody: there is no such source; these there are: acme, new" in refused(used, "state", "accept", "nobody")
