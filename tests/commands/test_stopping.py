"""How `poller run` ends on a signal: with what it read delivered and saved, in ten seconds, whatever hangs."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.commands.running import FAST, STDOUT, House, callcap, flextell, until
from tests.commands.vendors import Vendors, serving


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_page_in_hand_is_finished_delivered_and_saved(
    tmp_path: Path, vendors: Vendors, number: signal.Signals
) -> None:
    only_live = {"calls": {"sweeps": {"recent": {"every": "1h"}, "live": {"every": FAST}, "audit": {"every": "1h"}}}}
    house = House(tmp_path, {"acme": callcap(vendors.at, streams=only_live)})
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        for sweep in ("recent", "audit"):
            poller.until_log("poll.completed", sweep=sweep)
        with vendors.asked_for("callcap") as new:
            poller.process.send_signal(number)
        assert poller.code(10) == 0
    assert new in house.subjects("acme")
    assert house.run("run", "--once").code() == 0
    assert sorted(house.subjects("acme")) == sorted(vendors.holds("callcap"))


def test_a_signal_that_comes_before_the_first_poll_is_obeyed(house: House) -> None:
    with house.start("run") as poller:
        until((house.folder / "state/poller.db.lock").exists, "the state to be opened")
        assert poller.stop() == 0


@dataclass
class End:
    """What became of a poller that was told to end while something hung; `left` is what its pipe took."""

    house: House
    vendors: Vendors
    code: int
    seconds: float
    left: bytes = b""


HANGING = ["vendor", "reader", "output"]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, End]]:
    """All at once, since each takes its nine seconds."""
    with serving() as sick, serving() as well:
        houses = {name: _house(tmp_path_factory.mktemp(name), name, sick, well) for name in HANGING}
        sick.vices({"callcap": {"stall": 1.0, "stall_seconds": 60.0}})
        reading, writing = os.pipe()
        with (
            houses["vendor"].start("run") as vendor,
            houses["reader"].start("run", stdout=writing) as reader,
            houses["output"].start("run") as output,
        ):
            os.close(writing)
            until(partial(houses["output"].has, "acme", well.holds("callcap")), "what there was")
            until(partial(houses["vendor"].has, "crm", sick.holds("flextell")), "the other vendor")
            until(
                lambda: [entry for entry in sick.asked("callcap") if entry["vice"] == "stall"], "a request that hangs"
            )
            reader.until_log("poller.started")
            left = os.read(reading, 1)
            with houses["output"].no_room(output):
                well.put("callcap")
                output.until_log("output.failed")
                began = time.monotonic()
                processes = {"vendor": vendor, "reader": reader, "output": output}
                for poller in processes.values():
                    poller.process.terminate()
                found = {}
                for name, poller in processes.items():
                    code = poller.code(15)
                    found[name] = End(houses[name], sick if name == "vendor" else well, code, time.monotonic() - began)
        while part := os.read(reading, 1 << 16):
            left += part
        found["reader"].left = left
        os.close(reading)
        sick.vices({})
        yield found


def _house(folder: Path, name: str, sick: Vendors, well: Vendors) -> House:
    if name == "vendor":
        return House(folder, {"acme": callcap(sick.at, timeout="60s"), "crm": flextell(sick.at)})
    return House(folder, {"acme": callcap(well.at)}, **({"console": STDOUT} if name == "reader" else {}))


@pytest.mark.parametrize("name", HANGING)
def test_it_ends_well_within_ten_seconds(ends: dict[str, End], name: str) -> None:
    assert ends[name].code == 0
    assert ends[name].seconds < 10


@pytest.mark.parametrize("name", HANGING)
def test_afterwards_the_rest_arrives(ends: dict[str, End], name: str) -> None:
    end = ends[name]
    again = end.house.run("run", "--once")
    assert again.code() == 0
    told = end.house.subjects("acme") if name != "reader" else [*_subjects(end.left), *_subjects(again.said.encode())]
    assert set(told) == end.vendors.holds("callcap")
    assert len(told) == len(set(told)) or name == "reader"


def _subjects(lines: bytes) -> list[str]:
    return [json.loads(line)["subject"] for line in lines[: lines.rfind(b"\n") + 1].splitlines()]


def test_a_second_signal_ends_it_at_once(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"stall": 1.0, "stall_seconds": 60.0}})
    before = vendors.number()
    with house.start("run") as poller:
        until(lambda: vendors.asked("callcap", before), "a request that hangs")
        poller.process.terminate()
        poller.process.send_signal(signal.SIGINT)
        assert poller.code(3) == 130
