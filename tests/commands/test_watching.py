"""What a running poller tells of itself: health, metrics, streams, gaps, refusals, log lines; and never a secret."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import HASTY, SECRETS, House, Poller, callcap, flextell, until
from tests.commands.vendors import Vendors, serving


def at_peace(stream: dict[str, Any]) -> bool:
    """Every sweep was complete once."""
    return stream["state"] == "ok" and all(sweep["last_success"] for sweep in stream["sweeps"])


@pytest.fixture(scope="module")
def shared(sandbox: Vendors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Poller]]:
    folder = tmp_path_factory.mktemp("shared")
    house = House(folder, {"acme": callcap(sandbox.at), "crm": flextell(sandbox.at)})
    with house.start("run", before=HASTY) as running:
        yield house, running
        assert running.stop() == 0


@pytest.fixture
def house(shared: tuple[House, Poller]) -> House:
    """Where the poller of these tests runs."""
    return shared[0]


@pytest.fixture
def poller(shared: tuple[House, Poller], vendors: Vendors) -> Poller:
    """One for all tests: both vendors polled, all of what they hold delivered, and no trouble."""
    house, running = shared
    until(partial(house.has, "acme", vendors.holds("callcap")), "what callcap holds")
    until(partial(house.has, "crm", vendors.holds("flextell")), "what flextell holds")
    until(lambda: all(map(at_peace, running.streams().values())), "peace")
    return running


def test_it_is_alive_ready_and_counts(poller: Poller, house: House, vendors: Vendors) -> None:
    assert poller.get("/livez").status_code == 200
    assert poller.get("/readyz").json() == {"ready": True, "reasons": []}
    events = poller.metric("poller_events_total", source="acme", type="call.created")
    polls = poller.metric("poller_polls_total", source="crm", sweep="full", outcome="complete")
    assert events == len(vendors.holds("callcap"))
    assert poller.metric("poller_seen_records", source="crm") == len(vendors.holds("flextell"))
    assert poller.metric("poller_output_up", output="files") == 1
    assert poller.metric("poller_source_owned", source="acme") == 1
    assert poller.metric("poller_stream_state", source="acme", state="ok") == 1
    assert poller.metric("poller_stream_state", source="acme") == 1
    assert 0 < poller.metric("poller_lag_seconds", source="acme") < 60
    new = vendors.put("callcap")
    until(partial(house.has, "acme", {new}), "a new record")
    until(lambda: poller.metric("poller_events_total", source="acme", type="call.created") == events + 1, "its event")
    until(lambda: poller.metric("poller_polls_total", source="crm", sweep="full", outcome="complete") > polls, "a poll")


def test_streams_have_all_that_dashboards_need(poller: Poller) -> None:
    streams = poller.streams()
    assert list(streams) == ["acme/calls", "crm/leads"]
    for stream in streams.values():
        assert stream["lag_seconds"] < 60
        assert (stream["gaps"], stream["last_error"]) == ([], None)
        assert stream["owner"]
        for sweep in stream["sweeps"]:
            assert datetime.fromisoformat(sweep["last_success"]) < datetime.now(UTC)
            assert datetime.fromisoformat(sweep["next_poll"]).tzinfo
    assert [sweep["name"] for sweep in streams["acme/calls"]["sweeps"]] == ["recent", "live", "audit"]
    page = poller.get("/").text
    assert "acme" in page
    assert "crm" in page


def test_an_output_that_is_down_makes_it_unready_and_is_caught_up_with(
    poller: Poller, house: House, vendors: Vendors
) -> None:
    with house.no_room(poller):
        new = vendors.put("callcap"), vendors.put("flextell")
        until(lambda: poller.get("/readyz").status_code == 503, "no")
        assert any("output files is down" in reason for reason in poller.get("/readyz").json()["reasons"])
        assert {one["state"] for one in poller.streams().values()} == {"paused"}
        assert poller.get("/livez").status_code == 200
        assert poller.metric("poller_output_up", output="files") == 0
        assert poller.metric("poller_output_errors_total", output="files") >= 1
        assert "files" in poller.get("/").text
    until(lambda: poller.get("/readyz").status_code == 200, "yes again")
    until(partial(house.has, "acme", {new[0]}), "what came meanwhile")
    until(partial(house.has, "crm", {new[1]}), "what came meanwhile")
    assert sorted(house.subjects("acme")) == sorted(vendors.holds("callcap"))
    assert sorted(house.subjects("crm")) == sorted(vendors.holds("flextell"))


def test_lag_grows_while_a_vendor_is_down_and_shrinks_when_it_is_back(poller: Poller, vendors: Vendors) -> None:
    def lag() -> float:
        return float(poller.streams()["acme/calls"]["lag_seconds"])

    vendors.vices({"callcap": {"server_error": 1.0, "retry_seconds": 0.0}})
    poller.until_log("poll.failed", source="acme", sweep="live")
    down = lag()
    until(lambda: lag() > down + 1, "a growing lag")
    assert poller.get("/readyz").status_code == 200, "one vendor being down is no reason"
    assert re.match(r"live: HTTP 50\d|.*; live: HTTP 50\d", poller.streams()["acme/calls"]["last_error"])
    assert poller.streams()["crm/leads"]["state"] == "ok", "the other source is none the worse"
    assert poller.metric("poller_requests_total", source="acme", code="200") > 0
    assert sum(poller.metric("poller_requests_total", source="acme", code=str(code)) for code in (500, 502, 503)) > 0
    longest = lag()
    vendors.vices({})
    until(lambda: lag() < min(longest, down + 1), "a lag that shrinks")
    until(lambda: poller.streams()["acme/calls"]["last_error"] is None, "no error any more")


def test_logs_are_json_lines_with_names(poller: Poller, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"html_200": 1.0}})
    poller.until_log("poll.failed", source="acme", stream="calls", sweep="recent", outcome="unexpected")
    for line in poller.logs():
        assert {"event", "level", "timestamp"} <= line.keys()
        if line["event"].startswith(("poll.", "page.")):
            assert line["source"] in {"acme", "crm"}
            assert line["stream"] in {"calls", "leads"}
            assert line["sweep"]


def test_a_refused_credential_is_loud_and_makes_its_source_wait(tmp_path: Path, vendors: Vendors) -> None:
    house = House(tmp_path, {"acme": callcap(vendors.at, api_key="a-wrong-key"), "crm": flextell(vendors.at)})
    with house.start("run", before=HASTY) as poller:
        line = poller.until_log("source.denied", source="acme", retry_in=60.0)
        assert line["level"] == "error"
        assert poller.streams()["acme/calls"]["state"] == "denied"
        assert poller.metric("poller_stream_state", source="acme", state="denied") == 1
        before = vendors.number()
        new = vendors.put("flextell")
        until(partial(house.has, "crm", {new}), "the other source goes on")
        assert [entry for entry in vendors.asked("callcap", before) if entry["status"] == 401] == []
        assert poller.get("/readyz").status_code == 200
        assert poller.stop() == 0, "a source that waits keeps nobody"


def test_a_pass_that_breaks_off_leaves_a_gap_until_one_is_complete(tmp_path: Path) -> None:
    with serving(rate=0) as vendors:
        for _ in range(250):
            vendors.put("flextell")
        house = House(tmp_path, {"crm": flextell(vendors.at)})
        with house.start("run", before=HASTY) as poller:
            until(partial(house.has, "crm", vendors.holds("flextell")), "what there was")
            vendors.vices({"flextell": {"server_error": 0.5, "retry_seconds": 0.0}})
            opened = poller.until_log("gap.opened", source="crm", stream="leads")
            until(lambda: poller.streams()["crm/leads"]["state"] == "gap", "the gap in the status")
            stream = poller.streams()["crm/leads"]
            assert stream["gaps"][0].keys() >= {"start", "end", "kind"}
            assert poller.metric("poller_gap_seconds", source="crm") >= 0
            vendors.vices({})
            poller.until_log("gap.closed", source="crm", sweep=opened["sweep"])
            until(lambda: poller.streams()["crm/leads"]["gaps"] == [], "no gap")
            assert poller.stop() == 0


def test_no_secret_is_shown_anywhere(tmp_path: Path, vendors: Vendors) -> None:
    """Logs and output are searched after every test here; this one has all kinds of trouble, and looks everywhere."""

    def met(since: int) -> bool:
        return any(entry["vice"] for entry in vendors.asked("flextell", since))

    key = "a-key-with-%-and-"
    house = House(tmp_path, {"acme": callcap(vendors.at, api_key=key), "crm": flextell(vendors.at, oauth=True)})
    with house.start("run", before=HASTY) as poller:
        until(partial(house.has, "crm", vendors.holds("flextell")), "what there was")
        for vice in ("server_error", "html_200", "error_in_body", "reset", "unauthorized"):
            before = vendors.number()
            vendors.vices({"flextell": {vice: 1.0, "retry_seconds": 0.0}})
            until(partial(met, before), vice)
        shown = "".join(poller.get(path).text for path in ("/metrics", "/api/streams", "/", "/readyz"))
        assert poller.stop() == 0
    shown += poller.logged + poller.said
    for arguments in (["streams"], ["check"], ["run", "--dry-run", "--once"]):
        done = house.run(*arguments)
        shown += done.logged + done.said
    assert "HTTP 401" in shown
    assert not [secret for secret in (*SECRETS, key) if secret in shown]
    errors = b"".join(house.bytes("state").values())
    assert key.encode() not in errors
