"""`poller streams`: where every stream stands, from the state of a poller that runs, ran, or never ran."""

import json
import os
import pty
from datetime import datetime
from functools import partial

from tests.process.running import House, until
from tests.process.vendors import Vendors

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


def test_at_a_terminal_it_is_a_table(house: House) -> None:
    master, slave = pty.openpty()
    with house.start("streams", stdout=slave) as streams:
        os.close(slave)
        assert streams.code() == 0
    text = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "last success" in text
    assert "\t" not in text
    assert text.count("acme") == 1, "said once a stream"
