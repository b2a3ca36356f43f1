"""`poller backfill`: history once and whole, by itself or by a poller that runs; resumable; refused in clear words."""

import os
import re
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import HASTY, House, callcap, flextell, until, without_colours
from tests.commands.vendors import Vendors, repeating, serving

pytestmark = pytest.mark.slow

SHORT = (
    "from datetime import timedelta; from poller.polling.progress import slices; "
    "slices.FIRST = timedelta(days=1); slices._FEW = 0"
)
SLOW = {"requests_per_minute": 120}
"""Half a second between two requests: time to look, and to kill."""
SLOWER = {"requests_per_minute": 60}
SELDOM = {"streams": {"calls": {"sweeps": {name: {"every": "5s"} for name in ("recent", "live", "audit")}}}}
"""What is due goes first: at this pace it must not take all there is."""
WEEK = ("--from", "7d")


@pytest.fixture
def late(vendors: Vendors, tmp_path: Path) -> House:
    """A poller that begins only now: what there was before is silent baseline."""
    return House(tmp_path, {name: of(vendors.at, start="1s") for name, of in VENDORS.items()})


VENDORS: dict[str, Any] = {"acme": callcap, "crm": flextell}


def backfill(house: House, name: str, *options: str, **process: Any) -> Any:
    return house.run("backfill", name, *WEEK, *options, **process)


def test_by_itself_it_reads_all_there_was_and_nothing_comes_twice(late: House, vendors: Vendors) -> None:
    held = {"acme": vendors.holds("callcap"), "crm": vendors.holds("flextell")}
    for name, stream in (("acme", "calls"), ("crm", "leads")):
        first = backfill(late, f"{name}.{stream}")
        assert first.code() == 0
        assert f"{len(held[name])} events" in first.said
        assert late.has(name, held[name])
        again = backfill(late, f"{name}.{stream}")
        assert (again.code(), ", 0 events" in again.said) == (0, True)
        assert len(late.subjects(name)) == len(set(late.subjects(name)))
    assert {event["revision"] for event in late.events("acme")} == {1}


@pytest.mark.parametrize("after_the_next_request", [False, True])
def test_where_each_answer_comes_twice_all_is_read(tmp_path: Path, *, after_the_next_request: bool) -> None:
    """A copy is never taken for the answer to the next request, whose slice would then be read as empty."""
    with (
        serving(rate=0.0007, minutes=30 * 1440) as vendors,
        repeating(vendors.at, late=after_the_next_request) as gateway,
    ):
        house = House(tmp_path, {"acme": callcap(gateway, start="1s")})
        command = house.run("backfill", "acme.calls", "--from", "30d", before=SHORT)
        held = vendors.holds("callcap")
    assert command.code() == 0
    assert len(command.logs("backfill.read")) == 30, "a slice a day, and some are empty"
    assert house.has("acme", held)
    assert len(house.subjects("acme")) == len(set(house.subjects("acme")))


def test_beside_a_running_poller_that_one_reads_it_and_emits_its_silent_baseline(late: House, vendors: Vendors) -> None:
    held = vendors.holds("callcap")
    with late.start("run") as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        assert not late.has("acme", held), "they are older than `start`"
        control = late.folder / "state" / "poller.db.sock"
        assert stat.S_IMODE(control.stat().st_mode) == 0o600
        beside = backfill(late, "acme.calls")
        assert beside.code() == 0, beside.logged
        assert late.has("acme", held)
        assert poller.logs("backfill.read"), "the running one did it"
        assert beside.logs("backfill.read"), "and the command told of it"
        assert poller.metric("poller_lateness_seconds_count", source="acme") <= 2, "history is not late"
        assert poller.stop() == 0
    assert not control.exists()
    created = [event["subject"] for event in late.events("acme") if event["type"] == "call.created"]
    assert len(created) == len(set(created))


def test_killed_in_the_middle_it_goes_on_where_it_stopped(late: House, vendors: Vendors) -> None:
    late.write(sources={"acme": callcap(vendors.at, start="1s", **SLOW)})
    with late.start("backfill", "acme.calls", *WEEK, before=SHORT) as first:
        until(lambda: len(first.logs("backfill.read")) >= 3, "three slices")
        first.process.kill()
    behind = first.logs("backfill.read")[-1]["at"]
    second = backfill(late, "acme.calls", before=SHORT)
    assert second.code() == 0
    assert second.logs("backfill.read")[0]["at"] > behind, "from there on"
    assert late.has("acme", vendors.holds("callcap"))
    assert len(late.subjects("acme")) == len(set(late.subjects("acme")))


def test_a_poller_that_is_killed_meanwhile_goes_on_by_itself(late: House, vendors: Vendors) -> None:
    late.write(sources={"acme": callcap(vendors.at, start="1s", **SLOW, **SELDOM)})
    with late.start("run", before=SHORT) as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        with late.start("backfill", "acme.calls", *WEEK) as command:
            until(lambda: len(poller.logs("backfill.read")) >= 2, "two slices")
            shown = poller.streams()["acme/calls"]["backfill"]
            assert shown["start"] < shown["at"] < shown["end"]
            assert "backfill" in poller.get("/").text
            poller.process.kill()
            poller.process.wait()
            with late.start("run", before=SHORT) as next_life:
                assert command.code() == 0, "it waited for the next life"
                assert next_life.logs("backfill.read")
    assert late.has("acme", vendors.holds("callcap"))
    created = [event["subject"] for event in late.events("acme") if event["type"] == "call.created"]
    assert len(created) == len(set(created))


def test_another_order_is_refused_until_the_first_is_done_or_given_up(late: House, vendors: Vendors) -> None:
    late.write(sources={"acme": callcap(vendors.at, start="1s", **SLOWER, **SELDOM)})
    with late.start("run", before=SHORT) as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        with late.start("backfill", "acme.calls", *WEEK) as first:
            until(lambda: poller.logs("backfill.read"), "a slice")
            other = late.run("backfill", "acme.calls", "--from", "2h")
            assert other.code() == 2
            assert "--from 7d is still to be read" in other.logged
            assert "--instead" in other.logged
            assert late.run("backfill", "acme.calls", "--from", "2h", "--instead").code() == 0
            assert first.code() == 1
            assert "given up for another order, --from 2h" in first.logged


def test_an_order_is_given_up_beside_a_poller_and_without_one(late: House, vendors: Vendors) -> None:
    late.write(sources={"acme": callcap(vendors.at, start="1s", **SLOWER, **SELDOM)})
    with late.start("run", before=SHORT) as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        with late.start("backfill", "acme.calls", *WEEK) as first:
            until(lambda: poller.logs("backfill.read"), "a slice")
            given_up = late.run("backfill", "acme.calls", "--cancel")
            assert (given_up.code(), "acme.calls: given up, at " in given_up.said) == (0, True), given_up.logged
            assert first.code() == 1
            assert "given up, as `backfill --cancel` said" in first.logged
        again = late.run("backfill", "acme.calls", "--cancel")
        assert (again.code(), "there is nothing to cancel" in again.logged) == (2, True)
        assert poller.stop() == 0
    with late.start("backfill", "acme.calls", *WEEK, before=SHORT) as alone:
        until(lambda: alone.logs("backfill.read"), "a slice")
        assert alone.stop() == 1
    assert late.run("backfill", "acme.calls", "--cancel").code() == 0
    assert late.run("backfill", "acme.calls", "--from", "2h").code() == 0, "another order is taken"


def test_commands_that_wait_beside_a_poller_never_take_its_place(late: House, vendors: Vendors) -> None:
    hasty = "from poller.commands import backfill_beside; backfill_beside._AWAY = 2.0"
    state = f"state/{os.getpid()}.db"  # which no other test has meanwhile
    late.write(sources={"acme": callcap(vendors.at, start="1s", **SELDOM)}, state={"path": state})
    with late.start("run") as poller, ExitStack() as waiting:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        with poller.frozen():  # so none of the orders is taken
            commands = [
                waiting.enter_context(late.start("backfill", "acme.calls", *WEEK, before=hasty)) for _ in range(3)
            ]
            until(lambda: connected(f"{state}.sock") >= 3, "all to wait")
            poller.process.kill()
        poller.process.wait()
        assert [command.code() for command in commands] == [1, 1, 1]
        assert all("no poller came back" in command.logged for command in commands)
        assert not any("poller.started" in command.logged for command in commands)


def connected(control: str) -> int:
    """Count the connections to a socket, also those that wait to be taken.

    See https://man7.org/linux/man-pages/man5/proc_net.5.html
    """
    lines = Path("/proc/net/unix").read_text().splitlines()
    return sum(line.endswith(control) for line in lines) - 1


def test_at_a_terminal_a_bar_shows_how_far_it_is_and_how_fast(late: House, vendors: Vendors) -> None:
    code, shown = late.at_terminal("backfill", "acme.calls", *WEEK, errors=True)
    assert code == 0
    assert re.search(r"100 %.* records, [\d,]+/s", without_colours(shown)), shown
    assert f"{len(vendors.holds('callcap'))} events" in shown


def test_stopped_it_says_where_and_how_to_go_on(late: House, vendors: Vendors) -> None:
    late.write(sources={"acme": callcap(vendors.at, start="1s", **SLOW)})
    with late.start("backfill", "acme.calls", *WEEK, before=SHORT) as command:
        until(lambda: command.logs("backfill.read"), "a slice")
        assert command.stop() == 1
        assert "stopped at" in command.said
        assert "the same command goes on from there" in command.said


def test_a_vendor_that_fails_is_tried_three_times(late: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"server_error": 1.0, "retry_seconds": 0.0}})
    command = backfill(late, "acme.calls", before=HASTY)
    assert command.code() == 1
    assert len(command.logs("poll.failed", sweep="backfill")) == 3
    assert "HTTP 50" in command.said, "the last error, in the last line"


def test_what_is_remembered_no_more_is_read_only_when_told_to(late: House, vendors: Vendors) -> None:
    late.write(sources={"acme": callcap(vendors.at, start="1s", keep="5d")})
    refused = backfill(late, "acme.calls")
    assert refused.code() == 2
    assert "--again" in refused.logged
    assert backfill(late, "acme.calls", "--again").code() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["acme.leads", *WEEK], "acme.leads: there is no such stream; these there are: acme.calls, crm.leads"),
        (["acme.calls", "--from", "tomorrow"], "--from: 'tomorrow' is no time"),
        (["acme.calls"], "--from: this option is missing"),
        (["acme.calls", "--cancel", *WEEK], "takes no other option"),
        (["acme.calls", "--cancel"], "there is nothing to cancel"),
        (["acme.calls", "--from", "1d", "--to", "2d"], "is not before"),
        (["acme.calls", "--from", "2999-01-01"], "is not before"),
    ],
)
def test_a_wrong_order_is_refused_with_what_would_be_right(late: House, arguments: list[str], words: str) -> None:
    command = late.run("backfill", *arguments)
    assert command.code() == 2
    assert words in command.logged
