"""The laws hold for history that is ordered, too: beside live sweeps, across deaths at any moment, under vices.

Broken on purpose, and the test that caught it:

- a slice's end saved before its last page is delivered: nothing is lost
- what is silent baseline stays silent: nothing is lost
- what was delivered is forgotten, and comes again: every event once
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from poller.polling.progress import slices
from poller.polling.progress.backfill import Order
from tests.chaos.death import Death
from tests.laws.laws import judge
from tests.laws.test_laws import ALL_SWEEPS_OFTEN
from tests.laws.truth import of_vendor
from tests.simulation import ACCOUNTS, BIRTH, Simulation, truth_of

pytestmark = pytest.mark.slow

PAST = timedelta(hours=2)
ALL = Order(("all", ""), BIRTH - timedelta(days=30), BIRTH + timedelta(hours=3))
"""An order longer than the past, for some records are dated back, and into the future, which live sweeps read too."""
STREAMS: Mapping[str, list[str]] = {
    "agendize": ["calls"],
    "callcap": ["calls"],
    "flextell": ["leads"],
    "helpdesk": ["tickets"],
    "ipscape": ["activities", "dialler_calls", "leads"],
    "trackdrive": ["leads", "calls"],
}
LIVES = [(30, 0), (400, 9), (600, 40), (600, 75), (600, 120), (900, 0)]
"""For each life, its seconds, and the number of the write at which it ends (0: in peace)."""


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
def test_history_comes_once_whole_and_in_order(vendor: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "FIRST", timedelta(minutes=10))  # several slices, for several deaths
    monkeypatch.setattr(slices, "_FEW", 5)
    account = ACCOUNTS[vendor](start="1m", streams=ALL_SWEEPS_OFTEN[vendor], timeout="5s")
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        simulation = Simulation(Path(folder), {vendor: account}, seed=seed, history=PAST)
        simulation.live(120)
        silent = {yardstick.stream: len(simulation.events(vendor, yardstick.stream)) for yardstick in of_vendor(vendor)}
        simulation.world.vices.set({vendor: dict.fromkeys(("shifting_pages", "lagging_replica", "html_200"), 0.05)})
        simulation.orders = [(stream, ALL) for stream in STREAMS[vendor]]
        for seconds, moment in LIVES:
            simulation.live(seconds, Death(moment))
        simulation.world.quiet()
        simulation.world.vices.clear()
        simulation.live(3600)
        for yardstick in of_vendor(vendor):
            events = simulation.events(vendor, yardstick.stream)
            verdict = judge(events, truth_of(simulation.world, yardstick), yardstick.content)
            assert verdict, f"{yardstick.name}: {verdict}"
            assert yardstick.stream not in STREAMS[vendor] or len(events) > silent[yardstick.stream] + 10
        assert all(done(simulation, stream) for stream in STREAMS[vendor])


def done(simulation: Simulation, stream: str) -> Any:
    backfill = simulation.pipelines[0].backfill(stream)
    return backfill and backfill.done
