"""A Date that cannot be true moves no cursor past what is still to come, nor back over what nobody asked for.

One narrow sweep alone polls here: no wide one mends what it skips. Beside them, a Retry-After that cannot be meant.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from poller.plugin.source import Source
from poller.sandbox.registry import KINDS
from poller.sandbox.sloppy.bodies import DATES
from poller.sandbox.world.records import second
from tests.laws.sloppy import SWEEPS
from tests.simulation import ACCOUNTS, Simulation

pytestmark = pytest.mark.slow

WHOLE = {"trashed", "full"}
"""Sweeps that have no lookback."""
WITH_KEEP = {"callcap", "ipscape", "trackdrive"}
STREAMS = {
    "agendize": ["calls"],
    "callcap": ["calls"],
    "flextell": ["leads"],
    "helpdesk": ["tickets"],
    "ipscape": ["activities", "dialler_calls"],
    "trackdrive": ["leads", "calls"],
}
"""The streams with a sweep for what is new, by vendor."""


def narrow(vendor: str) -> Source:
    """Return an account with the sweeps `live`, every 10 s; others run once, and none looks back more than 5 min."""
    streams: dict[str, Any] = {}
    for stream in STREAMS[vendor]:
        sweeps = {name: {"every": "300d", "lookback": "5m"} for name in SWEEPS[vendor][stream]}
        for name in WHOLE & sweeps.keys():
            del sweeps[name]["lookback"]
        streams[stream] = {"sweeps": {**sweeps, "live": {"every": "10s", "lookback": "90s"}}}
    keep = {"keep": "1000d"} if vendor in WITH_KEEP else {}
    return ACCOUNTS[vendor](start="5m", streams=streams, **keep)


@contextmanager
def empty_world(vendor: str) -> Iterator[Simulation]:
    """Yield a world in which nothing happens but by hand."""
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        yield Simulation(Path(folder), {vendor: narrow(vendor)}, rate=0, history=timedelta())


def born(simulation: Simulation, vendor: str, ago: timedelta) -> set[str]:
    """Add to each stream a record that came to be `ago` and was not touched since; return the records' names.

    A lead that was imported is in no change log.
    """
    at, names = second(simulation.now() - ago), set()
    for kind in (kind for kind in KINDS if kind.name.partition("/")[2] in STREAMS[vendor] and kind.vendor == vendor):
        fields = {kind.born: at, kind.stamp: at} | ({"lead_import_id": 1} if kind.name == "trackdrive/leads" else {})
        identity = simulation.world.put(kind.name, fields, at=at)
        names.add(f"{kind.name.partition('/')[2]}/{identity}")
    return names


def delivered(simulation: Simulation, vendor: str) -> list[str]:
    return sorted(f"{event['stream']}/{event['subject']}" for event in simulation.events(vendor))


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
@pytest.mark.parametrize("date", DATES)
def test_what_is_new_comes_and_what_is_old_does_not(date: str, vendor: str) -> None:
    with empty_world(vendor) as simulation:
        born(simulation, vendor, timedelta(hours=3))
        simulation.live(40)
        expected = set()
        for kind in (date, date, None, date, None):
            simulation.world.vices.set({vendor: {kind: 1.0}} if kind else {})
            expected |= born(simulation, vendor, timedelta(seconds=5))
            simulation.live(40)
        assert delivered(simulation, vendor) == sorted(expected)


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
def test_who_is_told_to_wait_for_a_year_waits_for_a_day_at_most(vendor: str) -> None:
    """In one life: a poller that starts anew has not been told."""
    with empty_world(vendor) as simulation:
        simulation.live(40)
        vices = simulation.world.vices
        vices.set({vendor: {"retry_after_a_year": 1.0}})
        strikes = vices.strikes

        def once(name: str, vice: str, rng: Random | None = None) -> bool:
            struck = strikes(name, vice, rng)
            if struck:
                vices.clear()
            return struck

        vices.strikes = once  # type: ignore[method-assign, assignment]
        expected = born(simulation, vendor, timedelta(seconds=5))
        simulation.live(86_400 + 600)
        assert delivered(simulation, vendor) == sorted(expected)
