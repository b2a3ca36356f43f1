"""A key that lies in a file and is rotated: polling goes on with it within seconds, with no restart; shown nowhere."""

import os
from functools import partial
from pathlib import Path

import httpx
import pytest

from poller.sandbox.accounts import DESCRIBED, account
from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import REFRESH_TOKEN
from poller.sandbox.vendors.helpdesk import TOKEN
from tests.commands.running import FILES, House, Poller, callcap, flextell, until
from tests.commands.vendors import Vendors
from tests.support.loopback import NO_AUTHORITIES

pytestmark = pytest.mark.slow

SOON = "from poller.config import reload as rereading; rereading.EVERY = 0.2"
WRONG = "an old key that nobody takes"


@pytest.fixture
def house(vendors: Vendors, tmp_path: Path) -> House:
    """Two sources, one with a key in a file that is wrong."""
    secret(tmp_path, WRONG)
    return House(tmp_path, {"acme": callcap(vendors.at, api_key="${file:key}"), "crm": flextell(vendors.at)})


def secret(folder: Path, key: str) -> None:
    """As an editor, or a secrets agent, writes it: another file in its place."""
    (folder / "key.new").write_text(key + "\n")
    (folder / "key.new").replace(folder / "key")


def goes_on(house: House, vendors: Vendors, poller: Poller) -> None:
    until(partial(house.has, "acme", vendors.holds("callcap")), f"what there was: {poller.logged[-2000:]}")
    assert poller.logs("secrets.reread") == [poller.until_log("secrets.reread", source="acme")], "once, of that one"
    until(lambda: poller.streams()["acme/calls"]["state"] == "ok", "all is well")


def test_a_refused_source_goes_on_within_seconds_of_its_new_key(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        poller.until_log("source.denied", source="acme", retry_in=60.0)
        assert poller.streams()["acme/calls"]["state"] == "denied"
        poller.until_log("poll.completed", source="crm", sweep="live")
        secret(house.folder, API_KEY)
        goes_on(house, vendors, poller)
        assert len(poller.logs("poll.completed", source="crm", sweep="live")) == 1, "told anew where it was begun anew"
        assert poller.stop() == 0
        assert WRONG not in poller.logged
    assert len(house.subjects("acme")) == len(set(house.subjects("acme"))), "nothing came twice"


def test_a_refresh_token_of_a_new_login_wins(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": flextell(vendors.at, oauth=True, refresh_token="${file:key}")})
    with house.start("run", before=SOON) as poller:
        assert "refresh token is refused" in poller.until_log("source.denied", source="acme", retry_in=60.0)["error"]
        secret(house.folder, REFRESH_TOKEN)
        until(partial(house.has, "acme", vendors.holds("flextell")), "what there was")
        assert poller.stop() == 0


@pytest.mark.long
def test_the_auth_of_a_described_source_is_read_again_wherever_the_secret_stands_in_it(
    house: House, vendors: Vendors
) -> None:
    ways = {"bearer": "${file:key}"}, {"headers": {"Authorization": "Bearer ${file:key}"}}
    described = account(vendors.at, DESCRIBED)
    house.write(sources={f"desk{number}": {**described, "auth": auth} for number, auth in enumerate(ways)})
    with house.start("run", before=SOON) as poller:
        for name in ("desk0", "desk1"):
            poller.until_log("source.denied", source=name, retry_in=60.0)
        secret(house.folder, TOKEN)
        for name in ("desk0", "desk1"):
            poller.until_log("secrets.reread", source=name)
            until(partial(house.has, name, vendors.holds(DESCRIBED)), "what there was")
        assert poller.stop() == 0
        assert TOKEN not in poller.logged


def test_a_key_behind_a_link_that_is_turned_as_kubernetes_does(house: House, vendors: Vendors) -> None:
    for name, key in (("..one", WRONG), ("..two", API_KEY)):
        (house.folder / name).mkdir()
        (house.folder / name / "key").write_text(key)
        os.utime(house.folder / name / "key", (0, 0))
    (house.folder / "..data").symlink_to("..one")
    (house.folder / "key").unlink()
    (house.folder / "key").symlink_to("..data/key")
    with house.start("run", before=SOON) as poller:
        poller.until_log("source.denied", source="acme", retry_in=60.0)
        (house.folder / "..tmp").symlink_to("..two")
        (house.folder / "..tmp").replace(house.folder / "..data")
        goes_on(house, vendors, poller)
        assert poller.stop() == 0


def test_a_file_that_is_gone_or_empty_changes_nothing_and_is_said_once(house: House, vendors: Vendors) -> None:
    secret(house.folder, API_KEY)
    with house.start("run", before=SOON) as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        (house.folder / "key").unlink()
        assert "sources.acme.api_key" in poller.until_log("secrets.unreadable")["error"]
        asked = poller.metric("poller_requests_total", source="acme")
        until(lambda: poller.metric("poller_requests_total", source="acme") > asked + 30, "some more looks at it")
        assert len(poller.logs("secrets.unreadable")) == 1, "once"
        secret(house.folder, "")
        until(lambda: len(poller.logs("secrets.unreadable")) > 1, "that it is empty")
        new = vendors.put("callcap")
        until(partial(house.has, "acme", [new]), "what is new, with the key of before")
        secret(house.folder, API_KEY)
        secret(house.folder, API_KEY)
        new = vendors.put("callcap")
        until(partial(house.has, "acme", [new]), "what is new")
        assert len(poller.logs("secrets.unreadable")) == 2
        assert poller.logs("secrets.reread") == [], "it is the same key"
        assert poller.stop() == 0


def test_what_an_output_is_told_waits_for_the_next_start(house: House, vendors: Vendors) -> None:
    secret(house.folder, API_KEY)
    (house.folder / "place").write_text("events/{source}.jsonl")
    house.settings["outputs"] = {"files": {**FILES, "path": "${file:place}"}}
    house.write()
    with house.start("run", before=SOON) as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        (house.folder / "place").write_text("elsewhere/{source}.jsonl")
        assert "next start" in poller.until_log("secrets.changed", output="files")["when"]
        new = vendors.put("callcap")
        until(partial(house.has, "acme", [new]), "what is new, where it was")
        assert poller.logs("secrets.reread") == []
        assert poller.stop() == 0


def test_the_token_of_the_endpoints_is_read_again(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": callcap(vendors.at)}, server={"port": 0, "token": "${file:key}"})
    with house.start("run", before=SOON) as poller:
        assert (poller.get("/livez").status_code, poller.get("/api/status").status_code) == (200, 401)
        page = poller.logs("poller.started")[0]["page"]
        with httpx.Client(base_url=page, trust_env=False, verify=NO_AUTHORITIES, auth=("", API_KEY)) as browser:
            assert browser.get("/").status_code == 401
            secret(house.folder, API_KEY)
            poller.until_log("secrets.reread", part="server")
            assert browser.get("/").status_code == 200
        assert poller.stop() == 0
        assert poller.logs("secrets.changed") == []


def test_another_account_waits_for_the_next_start_too(house: House, vendors: Vendors) -> None:
    secret(house.folder, API_KEY)
    (house.folder / "url").write_text(f"{vendors.at}/callcap")
    house.settings["sources"]["acme"] |= {"base_url": "${file:url}"}
    house.write()
    with house.start("run", before=SOON) as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        (house.folder / "url").write_text("http://127.0.0.1:1/nobody")
        poller.until_log("secrets.changed", source="acme")
        new = vendors.put("callcap")
        until(partial(house.has, "acme", [new]), "what is new, from where it was")
        assert poller.stop() == 0


def test_the_text_of_the_configuration_is_that_of_the_start(house: House, vendors: Vendors) -> None:
    with house.start("run", before=SOON) as poller:
        poller.until_log("source.denied", source="acme")
        (house.folder / "config.yaml").write_text("sources: {}")
        secret(house.folder, API_KEY)
        goes_on(house, vendors, poller)
        assert poller.stop() == 0
