"""Progress events: what they promise holds, whatever happens; they come in the commit that makes them true.

Killed: a progress event of a pass that broke off; one that is written before the records it promises; a value that
goes back, also across a restart; a gap that holds nothing back; one event for each page; a subject or a revision in it.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from poller.events.batch import Batch
from poller.plugin.stream import Cursor
from poller.polling.progress.announce import announce
from poller.polling.progress.coverage import SHIFTED, UNREADABLE
from poller.state.checkpoint import Checkpoint, Gap, SweepState
from tests.chaos.death import Death
from tests.laws.progress import PROGRESS, broken_promises, reaches
from tests.laws.sloppy import SWEEPS
from tests.laws.test_odd_dates import STREAMS, WHOLE, WITH_KEEP, born
from tests.laws.truth import YARDSTICKS
from tests.simulation import ACCOUNTS, BIRTH, Simulation, callcap, truth_of
from tests.support.toy import NOON, SHAPE, VALIDATOR

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def reached(simulation: Simulation, stream: str) -> list[dict[str, Any]]:
    return [event for event in simulation.events("acme", stream) if event["type"] == PROGRESS]


def test_they_come_once_a_minute_and_are_true_when_they_come(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {"acme": callcap()}, progress=MINUTE)
    simulation.live(600)
    events = reached(simulation, "calls")
    for event in events:
        VALIDATOR.validate(event)
    assert {event["partitionkey"] for event in events} == {"acme/calls"}
    assert not any("subject" in event or "revision" in event for event in events)
    assert 8 <= len(events) <= 13
    assert len({event["id"] for event in events}) == len(events)
    covered = [datetime.fromisoformat(event["data"]["covered_until"]) for event in events]
    assert covered == sorted(covered)
    assert simulation.now() - covered[-1] < 2 * MINUTE
    assert events[-1]["data"]["settled_until"]


def test_without_the_key_there_are_none(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {"acme": callcap()})
    simulation.live(300)
    assert reached(simulation, "calls") == []


def broken(simulation: Simulation, vendor: str, lag: timedelta = timedelta()) -> list[str]:
    """Say of each record that came as created after a progress event had promised that it had been delivered."""
    found = []
    for stream in simulation.pipelines[0].streams:
        name = stream.stream.name
        lives = truth_of(simulation.world, YARDSTICKS[f"{vendor}/{name}"])
        found += broken_promises(simulation.events("acme", name), lives, reaches(stream.stream), lag)
    return found


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
@pytest.mark.parametrize("seed", [1])
def test_nothing_that_was_promised_comes_later(tmp_path: Path, vendor: str, seed: int) -> None:
    simulation = Simulation(tmp_path, {"acme": ACCOUNTS[vendor]()}, seed=seed, progress=MINUTE, rate=4.0)
    simulation.world.vices.set({vendor: {"server_error": 0.1}})
    for life in range(6):
        simulation.live(200, Death(15 + 7 * life))
    simulation.live(300)
    assert any(reached(simulation, stream.stream.name) for stream in simulation.pipelines[0].streams)
    assert broken(simulation, vendor) == []


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
@pytest.mark.parametrize("behind", [0, 30])
def test_a_first_pass_promises_no_more_than_the_vendor_showed(tmp_path: Path, vendor: str, behind: int) -> None:
    """No sweep reaches back to anything but by its lookback: the first cursor is not where our clock was."""
    streams: dict[str, Any] = {
        stream: {"sweeps": {name: short(name) for name in SWEEPS[vendor][stream]}} for stream in STREAMS[vendor]
    }
    keep = {"keep": "1000d"} if vendor in WITH_KEEP else {}
    account = ACCOUNTS[vendor](start="1m", streams=streams, **keep)
    ahead, nothing = timedelta(seconds=behind), timedelta()
    simulation = Simulation(tmp_path, {"acme": account}, rate=0, history=nothing, progress=MINUTE, ahead=ahead)
    born(simulation, vendor, timedelta(seconds=91 - behind))
    simulation.live(3)
    late = born(simulation, vendor, timedelta(seconds=5))
    simulation.live(100)
    told = [event for event in simulation.events("acme") if event["type"] != PROGRESS]
    assert {f"{event['stream']}/{event['subject']}" for event in told} == late, "nothing from before the first window"
    assert broken(simulation, vendor, lag=timedelta(seconds=-5)) == []


def short(name: str) -> dict[str, str]:
    """Return a sweep that looks back for a minute and a half; `live` runs again and again, all others once."""
    every = {"every": "10s" if name == "live" else "300d"}
    return every if name in WHOLE else {**every, "lookback": "90s"}


def checkpoint(until: datetime, *gaps: Gap, **others: datetime) -> Checkpoint:
    sweeps = {"live": SweepState(cursor=Cursor(until), complete=True)}
    sweeps |= {name: SweepState(cursor=Cursor(end), complete=True) for name, end in others.items()}
    return Checkpoint(started=BIRTH, start=None, sweeps=sweeps, gaps=list(gaps))


def told(found: Checkpoint, now: datetime) -> list[dict[str, Any]]:
    batch = Batch()
    announce(batch, SHAPE, found, MINUTE, now)
    return [orjson.loads(message.value)["data"] for message in batch.messages]


def test_a_gap_holds_both_back_and_neither_goes_back() -> None:
    gap = Gap("live", NOON - HOUR, NOON - HOUR / 2, SHIFTED, NOON)
    found = checkpoint(NOON, gap, audit=NOON - 2 * HOUR)
    (first,) = told(found, NOON)
    assert first == {"covered_until": "2026-03-14T11:00:00Z", "settled_until": "2026-03-14T10:00:00Z", "gaps": 1}
    found.gaps = [Gap("audit", NOON - 3 * HOUR, NOON, SHIFTED, NOON)]
    found.sweeps["live"].cursor = Cursor(NOON + MINUTE)
    assert told(found, NOON + MINUTE) == [], "nothing new"
    found.gaps = []
    (last,) = told(found, NOON + MINUTE)
    assert last == {"covered_until": "2026-03-14T12:01:00Z", "settled_until": "2026-03-14T10:00:00Z", "gaps": 0}


def test_what_a_list_does_not_reach_holds_nothing_back() -> None:
    gap = Gap("updated", NOON - HOUR, NOON - HOUR / 2, UNREADABLE, NOON)
    (event,) = told(checkpoint(NOON, gap), NOON)
    assert event == {"covered_until": "2026-03-14T12:00:00Z", "settled_until": None, "gaps": 1}
    for sweep, settled in {"updated": "12:00:00Z", "live": "12:00:00Z", "audit": "11:00:00Z"}.items():
        found = checkpoint(NOON, msgspec.structs.replace(gap, sweep=sweep), audit=NOON)
        (event,) = told(found, NOON)
        assert event["settled_until"] == f"2026-03-14T{settled}", "nobody makes up for what an audit could not read"
        assert event["covered_until"] == "2026-03-14T12:00:00Z"


def test_it_is_silent_before_the_first_complete_pass_and_says_at_once_what_is_settled() -> None:
    found = checkpoint(NOON)
    found.sweeps["live"].complete = False
    assert told(found, NOON) == []
    found.sweeps["live"].complete = True
    assert len(told(found, NOON)) == 1
    found.sweeps["live"].cursor = Cursor(NOON + MINUTE / 2)
    assert told(found, NOON + MINUTE / 2) == [], "not yet a minute"
    found.sweeps["audit"] = SweepState(cursor=Cursor(NOON), complete=True)
    (event,) = told(found, NOON + MINUTE / 2)
    assert event["settled_until"] == "2026-03-14T12:00:00Z"
