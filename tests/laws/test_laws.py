"""The laws hold whatever fails, wherever, and however the lists change under us: vendor, vice, moment of death.

Broken on purpose, one way at a time (`make mutants` does it again), and the law and the test that caught it:

- saved before delivered: nothing is lost; both tests
- the cursor moved by every page: nothing is lost; live alone
- windows that do not overlap: nothing is lost; live alone (a wide sweep would have mended it)
- windows that do not share their boundary: nothing is lost; live alone
- sweeps of a stream that do not wait for each other's pages: the last word comes last; all sweeps together
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from poller.plugin.source import Source
from poller.sandbox.world.vices import RATES
from poller.sources.callcap import api as callcap_api
from tests.chaos.death import Death
from tests.laws.laws import judge
from tests.laws.truth import YARDSTICKS, Yardstick, of_vendor
from tests.simulation import ACCOUNTS, Simulation, callcap, truth_of

pytestmark = pytest.mark.slow

ALL_SWEEPS_OFTEN: Mapping[str, dict[str, Any]] = {
    "agendize": {"calls": {"sweeps": {"audit": {"every": "10m"}}}},
    "callcap": {"calls": {"sweeps": {"audit": {"every": "10m", "lookback": "6h"}}}},
    "flextell": {"leads": {"sweeps": {"trashed": {"every": "5m"}, "full": {"every": "10m"}}}},
    "helpdesk": {"tickets": {"sweeps": {"live": {}, "audit": {"every": "10m"}}}},
    "ipscape": {
        "activities": {"sweeps": {"audit": {"every": "10m", "lookback": "72h"}}},
        "dialler_calls": {"sweeps": {"audit": {"every": "10m", "lookback": "72h"}}},
        "leads": {"sweeps": {"audit": {"every": "10m", "lookback": "72h"}}},
        "campaigns": {"sweeps": {"snapshot": {"every": "5m"}}},
        "lead_lists": {"sweeps": {"snapshot": {"every": "5m"}}},
        "users": {"sweeps": {"snapshot": {"every": "5m"}}},
    },
    "trackdrive": {
        "leads": {"sweeps": {"audit": {"every": "10m", "lookback": "12h"}}},
        "calls": {"sweeps": {"audit": {"every": "10m", "lookback": "12h"}}},
    },
}
"""These sweeps are so frequent that the widest one has the last word within a simulated half hour.

A record of ipSCAPE's can come up half a day after its own time.
"""
LIES = {"sick_replica"}
"""A documented answer that lies cannot be told from the truth by one answer: the wide sweeps' business, below."""
SILENCE = {"retry_after_a_year"}
"""A day without a request is longer than these lives; test_odd_dates.py waits for its end."""


def account(vendor: str, **more: Any) -> Source:
    if vendor == "flextell":
        more |= {"oauth": True}
    return ACCOUNTS[vendor](start="all", streams=ALL_SWEEPS_OFTEN[vendor], timeout="5s", **more)


NO_SHRINKING = (Phase.explicit, Phase.generate)
"""Phases without shrinking: an example is a life of hours, and shrinking it would take longer than reading it."""
vices = st.dictionaries(
    st.sampled_from(sorted(RATES.keys() - LIES - SILENCE)),
    st.sampled_from([0.02, 0.1, 0.3]),
    max_size=4,
)
Lives = list[tuple[int, int, int]]
"""For each life, the seconds without polling before it, its seconds at most, and the moment of death (0: in peace)."""
lives = st.lists(
    st.tuples(st.sampled_from([0, 0, 60, 1200]), st.integers(20, 900), st.integers(0, 300)), min_size=1, max_size=4
)


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
@settings(max_examples=2, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10_000), vices=vices, lives=lives, concurrency=st.sampled_from([1, 1, 3]))
def test_the_last_word_arrives_every_event_once_and_in_order(
    vendor: str, seed: int, vices: dict[str, float], lives: Lives, concurrency: int
) -> None:
    poller = account(vendor, max_concurrency=concurrency)
    run_and_judge(vendor, poller, of_vendor(vendor), seed, vices, lives)


def test_many_requests_at_once_keep_the_pages_of_a_stream_apart() -> None:
    poller = account("flextell", max_concurrency=3)
    run_and_judge("flextell", poller, of_vendor("flextell"), 1, {"lagging_replica": 0.3}, [(0, 900, 0)], rate=20)


SELDOM = {"every": "300d"}
LIVE_ALONE = {"calls": {"sweeps": {"recent": SELDOM, "live": {"lookback": "90s"}, "audit": SELDOM}}}
UNSTAMPED = {"sentiment"}
"""Callcap changes it without touching `last_modified`: only an audit can see that."""

MID_PASS = (30, 60, 90, 140, 200)
"""A start takes some fifty moments, a page as many, and a pass after a quarter of an hour has eight pages."""


@settings(max_examples=1, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10_000), vices=vices, lives=lives)
@example(seed=4, vices={"lagging_replica": 0.5, "replica_seconds": 60.0}, lives=[(0, 1800, 0)])
@example(seed=3, vices={}, lives=[(0, 120, 0), *((900, 120, moment) for moment in MID_PASS)])
@example(seed=4, vices={"shifting_pages": 0.5}, lives=[(0, 120, 0), (900, 300, 40), (900, 300, 0)])
def test_live_alone_loses_nothing_that_is_stamped(seed: int, vices: dict[str, float], lives: Lives) -> None:
    """After the first minute no wide sweep mends what it skips; pages are short, deaths come in mid-pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callcap_api.ask_list, "__defaults__", (20,))
        yardstick = replace(YARDSTICKS["callcap/calls"], volatile=YARDSTICKS["callcap/calls"].volatile | UNSTAMPED)
        poller = callcap(start="all", streams=LIVE_ALONE, timeout="5s", keep="1000d")
        run_and_judge("callcap", poller, [yardstick], seed, vices, lives, rate=10)


def run_and_judge(
    vendor: str,
    poller: Source,
    yardsticks: Sequence[Yardstick],
    seed: int,
    vices: dict[str, float],
    lives: Lives,
    rate: float = 2.0,
) -> None:
    """Run a quiet minute, then lives of a poller, each for its seconds or until its n-th moment, then peace; judge."""
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one: simulated lives sync a thousand times a second
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        amounts = {"replica_seconds": 20.0, "stall_seconds": 10.0, "retry_seconds": 5.0, "token_seconds": 120.0}
        simulation = Simulation(
            Path(folder),
            {vendor: poller},
            seed=seed,
            rate=rate,
            history=timedelta(hours=1),
        )
        simulation.live(60)
        simulation.world.vices.set({vendor: amounts | vices})
        for pause, seconds, moment in lives:
            simulation.elapsed += pause
            simulation.live(seconds, Death(moment))
        simulation.world.quiet()
        simulation.world.vices.clear()
        simulation.live(3600)
        for yardstick in yardsticks:
            events = simulation.events(vendor, yardstick.stream)
            verdict = judge(events, truth_of(simulation.world, yardstick), yardstick.content)
            assert verdict, f"{yardstick.name}: {verdict}"
