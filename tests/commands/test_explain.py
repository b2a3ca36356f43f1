"""`poller explain`: what would be asked next and why, from the state alone; what is known of a record."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

import pytest

from poller.plugin.stream import Cursor
from poller.state.checkpoint import Backfill, Checkpoint, Gap, SweepState
from poller.state.rows import encode
from poller.state.sqlite.database import Database
from tests.commands.running import SECRETS, House, callcap, flextell, until
from tests.commands.vendors import Vendors

pytestmark = pytest.mark.slow

LABELS = ("next", "window", "request", "brought")


def explained(house: House, *arguments: str) -> Any:
    told = house.run("explain", *arguments, "--json")
    assert told.code() == 0, told.logged
    return json.loads(told.said)


def sweeps(house: House, stream: str) -> dict[str, dict[str, Any]]:
    return {one["sweep"]: one for one in explained(house, stream)["sweeps"]}


def span(plan: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(plan["window"]["end"]) - datetime.fromisoformat(plan["window"]["start"])


def test_before_the_first_poll_it_reaches_back_to_start_and_asks_nobody(house: House, vendors: Vendors) -> None:
    before = vendors.number()
    found = sweeps(house, "acme.calls")
    assert list(found) == ["recent", "live", "audit"]
    assert "reaches back to start" in found["live"]["why_there"]
    assert span(found["live"]) == timedelta(hours=1)
    assert span(found["audit"]) == timedelta(hours=72)
    assert "further than start" in found["audit"]["why_there"]
    assert found["recent"]["why_there"] == "a fast look at the last 5m, which moves no cursor"
    assert span(found["recent"]) == timedelta(minutes=5)
    assert found["live"]["request"].startswith(f"GET {vendors.at}/callcap/v2/get/calls/?")
    assert found["live"]["note"] == "its times are those of US/Arizona"
    assert found["live"]["brought"] is None
    assert sweeps(house, "crm/leads")["full"]["window"] is None, "named as `streams` and the page show it"
    assert not [*vendors.asked("callcap", before), *vendors.asked("flextell", before)], "no vendor was asked"
    assert not (house.folder / "state").exists()


def test_where_there_is_no_state_that_is_said_beside_what_looks_like_a_first_poll(house: House) -> None:
    for arguments in (["acme.calls"], ["acme.calls", "--id", "7"]):
        told = house.run("explain", *arguments)
        assert told.code() == 0
        assert told.said
        assert told.logged == "poller: state.path: state/poller.db is not there: nothing was saved yet\n"


def test_after_a_pass_it_says_what_that_brought_and_where_the_next_begins(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        with poller.frozen():
            before = house.bytes("state")
            found = sweeps(house, "acme.calls")
            assert house.bytes("state") == before, "it changes nothing beside a running poller"
        assert poller.stop() == 0
    found = sweeps(house, "acme.calls")
    live = found["live"]
    assert live["brought"]
    assert found["audit"]["brought"]["records"] >= len(vendors.holds("callcap")) - 1, "each of its passes reads all"
    assert "complete pass covered" in live["why_there"]
    assert "less lookback 5m" in live["why_there"]
    assert timedelta(minutes=5) < span(live) < timedelta(minutes=6)
    asked = datetime.fromisoformat(live["window"]["start"]) - timedelta(hours=7)  # Arizona
    assert f"search_last_modified_start={asked:%Y-%m-%d %H:%M}" in live["request"]


def test_the_request_is_the_one_that_a_run_makes(house: House, vendors: Vendors) -> None:
    wanted = sweeps(house, "crm.leads")["live"]["request"]
    before = vendors.number()
    assert house.run("run", "--once").code() == 0
    asked = [f"GET {vendors.at}{one['path']}?{unquote_plus(one['query'])}" for one in vendors.asked("flextell", before)]
    assert wanted in asked


def test_a_refusal_is_said_and_the_key_is_not(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": callcap(vendors.at, api_key="no such key")})
    assert house.run("run", "--once").code() == 1
    failed = [one for one in sweeps(house, "acme.calls").values() if one["last_error"]]
    assert failed
    assert all("HTTP 401" in one["last_error"] and "backing off" in one["why_then"] for one in failed)
    told = house.run("explain", "acme.calls")
    assert "HTTP 401" in told.said
    assert "no such key" not in told.said


def test_a_gap_is_said_with_what_becomes_of_it(house: House) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    since, end = now - timedelta(hours=5), now - timedelta(hours=4)
    cursor = SweepState(Cursor(now), origin=now, due=now + timedelta(milliseconds=200), complete=True)
    gaps = [Gap("live", since, end, kind, now) for kind in ("shifted", "unreadable")]
    left = {"live": cursor, "audit": SweepState(origin=now, due=now + timedelta(days=1), to_fetch={"a": now, "b": now})}
    database = Database.open(house.folder / "state/poller.db")
    database.write({"c|acme/calls": encode(Checkpoint(now, now, left, gaps))})
    database.close()
    found = sweeps(house, "acme.calls")
    shifted, unreadable = found["live"]["gaps"]
    assert shifted["how"].startswith("it is read in slices, oldest first")
    asked = since - timedelta(hours=7, minutes=5)
    assert f"search_last_modified_start={asked:%Y-%m-%d %H:%M}" in shifted["request"]
    assert "left to audit (every 300ms)" in unreadable["how"]
    assert unreadable["request"] is None
    assert found["audit"]["left"] == 2
    assert "2 records to be read one by one" in house.run("explain", "acme.calls").said


def test_history_that_is_left_is_said_with_its_next_slice(house: House, vendors: Vendors) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    start, at = now - timedelta(days=9), now - timedelta(days=7)
    ordered = Backfill(("9d", ""), start, now, at, timedelta(days=1).total_seconds(), now, 2, 11, 7)
    database = Database.open(house.folder / "state/poller.db")
    database.write({"c|acme/calls": encode(Checkpoint(now, now, backfill=ordered))})
    database.close()
    history = explained(house, "acme.calls")["history"]
    assert history["ordered"]["records"] == 11
    assert span(history) == timedelta(days=1)
    assert history["request"].startswith(f"GET {vendors.at}/callcap/")
    assert "slices 2, records 11, events 7" in house.run("explain", "acme.calls").said
    assert explained(house, "crm.leads")["history"] is None


def test_a_record_that_is_known_and_one_that_is_not(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        assert poller.stop() == 0
    some = house.events("acme")[-1]
    found = explained(house, "acme.calls", "--id", some["subject"])
    assert (found["known"], found["revision"], found["deleted"], found["baseline"]) == (
        True, some["revision"], False, False
    )  # fmt: skip
    lag = datetime.fromisoformat(found["delivered"]) - datetime.fromisoformat(some["observedtime"])
    assert abs(lag) < timedelta(seconds=5)
    assert explained(house, "acme.calls", "--id", "nobody")["known"] is False
    assert "never seen" in house.run("explain", "acme.calls", "--id", "nobody").said
    house.write(sources={"acme": callcap(vendors.at, keep="73h")})
    assert "revision 1" in house.run("explain", "acme.calls", "--id", some["subject"]).said


def test_a_wrong_name_is_refused_with_those_there_are(house: House) -> None:
    refused = house.run("explain", "acme.leads")
    assert refused.code() == 2
    assert refused.logged == "poller: acme.leads: there is no such stream; these there are: acme.calls, crm.leads\n"


def test_at_a_terminal_it_is_coloured_and_in_a_pipe_it_is_not(house: House) -> None:
    code, shown = house.at_terminal("explain", "acme.calls")
    assert code == 0
    assert "\x1b[1mlive" in shown
    plain = house.run("explain", "acme.calls").said
    assert "\x1b[" not in plain
    labels = [line.split()[0] for line in plain.splitlines()]
    assert labels == [label for sweep in ("recent", "live", "audit") for label in (sweep, *LABELS)]


def test_no_secret_is_shown(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": callcap(vendors.at), "crm": flextell(vendors.at, oauth=True)})
    for stream in ("acme.calls", "crm.leads"):
        said = house.run("explain", stream).said
        assert "request" in said
        assert not [secret for secret in SECRETS if secret in said]
