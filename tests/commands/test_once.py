"""`poller run --once`: every sweep once, to its end; who fails or is refused is given up, and the exit code says so."""

import socket
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from tests.commands.running import HASTY, House, flextell
from tests.commands.vendors import Vendors, serving

SHORT_PATIENCE = f"{HASTY}; from poller.commands import run; run.PATIENCE = 0.5"


def test_every_sweep_runs_once_and_that_is_all(house: House, vendors: Vendors) -> None:
    before = vendors.number()
    once = house.run("run", "--once")
    assert once.code() == 0
    swept = {(line["source"], line["sweep"]) for line in once.logs("poll.completed")}
    assert swept == {("acme", sweep) for sweep in ("recent", "live", "audit")} | {
        ("crm", sweep) for sweep in ("live", "converted", "synced", "trashed", "full")
    }
    assert house.has("acme", vendors.holds("callcap"))
    assert house.has("crm", vendors.holds("flextell"))
    assert len(vendors.asked("callcap", before)) == 3
    assert len(vendors.asked("flextell", before)) == 5
    again = vendors.number()
    assert house.run("run", "--once").code() == 0, "what is not due yet is run all the same"
    assert len(vendors.asked("callcap", again)) == 3
    assert len(house.subjects("acme")) == len(vendors.holds("callcap"))


def test_it_opens_no_port(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house.write(server={"port": taken.getsockname()[1]})
        once = house.run("run", "--once")
    assert once.code() == 0
    assert once.logs("poller.started")[0]["page"] is None


def test_a_vendor_that_is_down_is_asked_three_times_a_sweep(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"server_error": 1.0, "retry_seconds": 0.0}})
    before = vendors.number()
    once = house.run("run", "--once", before=HASTY)
    assert once.code() == 1
    assert len(vendors.asked("callcap", before)) == 9
    assert [len(once.logs("poll.failed", sweep=sweep)) for sweep in ("recent", "live", "audit")] == [3, 3, 3]
    assert house.has("crm", vendors.holds("flextell")), "the other source is none the worse"


def test_a_source_that_refuses_us_is_given_up_at_the_second_refusal(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"unauthorized": 1.0}})
    before = vendors.number()
    once = house.run("run", "--once")
    assert once.code() == 1
    assert [entry["status"] for entry in vendors.asked("callcap", before)] == [401, 401]
    assert house.has("crm", vendors.holds("flextell"))


def test_ended_before_all_was_read_it_is_no_success(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"stall": 1.0, "stall_seconds": 30.0}})
    with house.start("run", "--once") as once:
        once.until_log("poll.completed", source="crm", sweep="live")
        assert once.stop() == 1


def test_the_one_more_try_has_a_fresh_token(tmp_path: Path) -> None:
    with serving() as vendors:
        house = House(tmp_path, {"crm": flextell(vendors.at, oauth=True)})
        assert house.run("run", "--once").code() == 0
        before = vendors.number()
        vendors.clock.ahead = timedelta(hours=2)  # so the token is no good, though we can't know
        assert house.run("run", "--once").code() == 0
        asked = [(entry["method"], entry["status"]) for entry in vendors.asked("flextell", before)]
        assert asked == [("GET", 401), ("POST", 200)] + [("GET", 200)] * 5


def test_an_output_that_stays_away_ends_it_and_the_next_run_delivers(house: House, vendors: Vendors) -> None:
    (house.folder / "events").mkdir()
    with house.start("run", "--once", before=SHORT_PATIENCE) as once, ExitStack() as stack:
        with vendors.asked_for("callcap"):
            stack.enter_context(house.no_room(once))
        assert once.code() == 1
        assert "output files is away" in once.logs("run.failed")[0]["reason"]
    assert house.run("run", "--once").code() == 0
    assert sorted(house.subjects("acme")) == sorted(vendors.holds("callcap"))


def test_it_says_how_far_each_stream_is_complete(house: House) -> None:
    house.write(progress="1m")
    assert house.run("run", "--once").code() == 0
    for source, stream in (("acme", "calls"), ("crm", "leads")):
        told = [event for event in house.events(source) if event["type"] == "stream.progress"]
        assert [event["stream"] for event in told] == [stream] * len(told)
        assert told[-1]["data"]["covered_until"], "what the last pass covered"
        assert told[-1]["data"]["settled_until"], "and what its audit did"
        assert house.events(source)[-1]["type"] == "stream.progress"
