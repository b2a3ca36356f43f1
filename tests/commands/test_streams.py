"""`poller streams`: where every stream stands, from the state of a poller that runs, ran, or never ran."""

import json
import re
from datetime import datetime
from functools import partial

from tests.commands.running import House, until, without_colours
from tests.commands.vendors import Vendors

SWEEPS = [
    ("acme", "calls", "recent"),
    ("acme", "calls", "live"),
    ("acme", "calls", "audit"),
    ("crm", "leads", "live"),
    ("crm", "leads", "converted"),
    ("crm", "leads", "synced"),
    ("crm", "leads", "trashed"),
    ("crm", "leads", "full"),
]
KEYS = {"source", "stream", "state", "lag_seconds", "gaps", "last_error", "owner", "sweeps"}


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_before_the_first_run(house: House) -> None:
    streams = house.run("streams")
    assert streams.code() == 0
    found = rows(streams.said)
    assert [(row[0], row[1], row[5]) for row in found] == SWEEPS
    assert {(row[2], row[3], row[4], row[6], row[8]) for row in found} == {("waiting", "-", "-", "-", "-")}
    assert streams.logged == "poller: state.path: state/poller.db is not there: nothing was saved yet\n"
    assert not (house.folder / "state").exists()


def test_after_a_run_a_line_a_sweep_with_nine_cells(house: House, vendors: Vendors) -> None:
    vendors.vices({"flextell": {"server_error": 1.0, "retry_seconds": 0.0}})
    with house.start("run") as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        poller.until_log("poll.failed", source="crm", sweep="live")
        assert poller.stop() == 0
    found = rows(house.run("streams").said)
    assert [(row[0], row[1], row[5]) for row in found] == SWEEPS
    assert {len(row) for row in found} == {9}
    for _, _, state, lag, gaps, _, success, due, error in found[:3]:
        assert (state, gaps, error) == ("ok", "-", "-")
        assert 0 <= int(lag) < 60
        assert datetime.fromisoformat(success).tzinfo
        assert datetime.fromisoformat(due).tzinfo
    live = found[3]
    assert live[6] == "-"
    assert live[8].startswith("HTTP 50")


def test_json_has_all_that_the_endpoint_has(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        for sweep in ("live", "full"):
            poller.until_log("poll.completed", source="crm", sweep=sweep)
        beside = json.loads(house.run("streams", "--json").said)
        served = poller.get("/api/streams").json()
        assert poller.stop() == 0
    after = json.loads(house.run("streams", "--json").said)
    for told in (beside, served, after):
        assert [(one["source"], one["stream"]) for one in told] == [("acme", "calls"), ("crm", "leads")]
        assert [(one["source"], one["stream"], sweep["name"]) for one in told for sweep in one["sweeps"]] == SWEEPS
        for one in told:
            assert one.keys() >= KEYS
            assert one["state"] == "ok"
            assert one["lag_seconds"] < 60
            assert one["gaps"] == []
            assert one["last_error"] is None
            assert all({"name", "last_success", "next_poll"} <= sweep.keys() for sweep in one["sweeps"])
    assert served[0]["owner"] != ""
    assert after[0]["seen"] == len(vendors.holds("callcap"))


def test_at_a_terminal_it_is_a_table_that_fits(house: House) -> None:
    code, text = house.at_terminal("streams", columns=80)
    assert code == 0
    assert "last success" in text
    assert "\t" not in text
    assert text.count("acme") == 1, "said once a stream"
    assert "\x1b[" in text, "coloured"
    assert all(len(line) <= 80 for line in without_colours(text).splitlines())


def test_no_colour_where_that_is_wished(house: House) -> None:
    code, text = house.at_terminal("streams", NO_COLOR="1")
    assert code == 0
    assert "waiting" in text, "a state is a word, whatever its colour"
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)


def test_at_a_terminal_errors_and_gaps_stand_below(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"server_error": 1.0, "retry_seconds": 0.0}})
    assert house.run("run", "--once").code() == 1
    text = without_colours(house.at_terminal("streams", columns=80)[1])
    assert "live (failed)" in text
    assert "acme/calls live: HTTP 50" in text


def test_beside_a_running_poller_it_says_what_that_one_knows(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"unauthorized": 1.0}})
    with house.start("run") as poller:
        poller.until_log("source.denied", source="acme", retry_in=60.0)
        found = {(row[0], row[1]): row for row in rows(house.run("streams").said)}
        assert found["acme", "calls"][2] == "denied", "the state alone does not know"
        explained = house.run("explain", "acme.calls").said
        assert "denied" in explained
        assert "the running poller waits" in explained
        assert "no poller runs" not in explained
        assert poller.stop() == 0
    assert "denied" not in house.run("streams").said
