"""Single records and gaps have their turn where sweeps are always due: what only they bring comes all the same.

Killed: a re-read, or a gap, that waits until no sweep is due; a fetch whose bug, before its first page, ends the run.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from poller.plugin.source import Source
from poller.plugin.stream import Cursor, Http, Page, Window
from poller.polling.progress.coverage import OUTAGE
from poller.polling.turns import Turns
from poller.sandbox.faults import Front
from poller.telemetry import Telemetry
from tests.simulation import Simulation, callcap, ipscape, trackdrive
from tests.support.toy import NOON, NOWHERE, running, sweep

LONG_AGO = timedelta(days=20)


def imported(simulation: Simulation) -> str:
    """A lead that is older than any sweep looks back, and that the log of changes names now."""
    return simulation.world.put("trackdrive/leads", at=simulation.now() - LONG_AGO)


def dialled(simulation: Simulation) -> str:
    """A lead that is older than any sweep looks back, and was dialled now."""
    lead = simulation.world.put("ipscape/leads", at=simulation.now() - LONG_AGO)
    simulation.world.put("ipscape/dialler_calls", {"leadId": int(lead)})
    return lead


CASES = {"changes": (trackdrive, imported), "touched": (ipscape, dialled)}


@pytest.mark.parametrize("sweep", CASES)
def test_single_records_have_their_turn_where_sweeps_are_always_due(tmp_path: Path, sweep: str) -> None:
    account: Callable[..., Source]
    account, new_lead = CASES[sweep]
    sweeps = {name: {"every": "1s"} for name in ("live", "settle", "audit", sweep)}
    one_a_second = account(requests_per_minute=60, start="1h", streams={"leads": {"sweeps": sweeps}})
    simulation = Simulation(tmp_path, {"acme": one_a_second}, history=timedelta(0), rate=0.0)
    simulation.live(30)
    leads = {new_lead(simulation) for _ in range(5)}
    before = requests(simulation)
    simulation.live(120)
    assert {event["subject"] for event in simulation.events("acme")} == leads
    assert requests(simulation) - before > 80, "the sweeps went on"


def test_a_gap_has_its_turn_where_sweeps_are_always_due(tmp_path: Path) -> None:
    sweeps = {"recent": {"every": "1s"}, "live": {"every": "2s"}, "audit": {"every": "99d"}}
    always = callcap(requests_per_minute=30, start="1h", streams={"calls": {"sweeps": sweeps}})
    simulation = Simulation(tmp_path, {"acme": always}, history=timedelta(0), rate=0.0)
    simulation.live(30)
    simulation.elapsed += timedelta(days=3).total_seconds()
    times = [simulation.now() - timedelta(hours=hours) for hours in (60, 40, 20)]
    missed = {simulation.world.put("callcap/calls", {"last_modified": time}, at=time) for time in times}
    simulation.live(10)
    assert [gap.kind for gap in simulation.pipelines[0].streams[0].checkpoint.gaps] == [OUTAGE]
    before = requests(simulation)
    simulation.live(300)
    assert {event["subject"] for event in simulation.events("acme")} == missed
    assert simulation.pipelines[0].streams[0].checkpoint.gaps == []
    assert requests(simulation) - before > 120, "the sweeps went on"


async def test_a_fetch_that_fails_at_once_fails_as_its_first_page_would() -> None:
    def fails(http: Http, cursor: Cursor | None, asked: Window) -> AsyncIterator[Page]:
        raise KeyError("a bug")

    stream = running(replace(sweep("live", timedelta(minutes=1)), fetch=fails))
    turns = Turns(stream.sweeps, [stream], lambda _: NOWHERE, Telemetry(), behind=lambda: None, once=False)
    work = turns.next(NOON)
    assert work
    with pytest.raises(KeyError, match="a bug"):
        await work.ask()


def requests(simulation: Simulation) -> int:
    front = simulation.app
    assert isinstance(front, Front)
    return len(front._log.since(0)["requests"])
