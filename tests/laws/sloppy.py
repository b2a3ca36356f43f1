"""A whole poller over a vendor whose answers are right, but careless in one way; the laws must hold all the same."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from poller.plugin.source import Source
from poller.sandbox.accounts import DESCRIBED
from poller.sandbox.registry import KINDS
from poller.sandbox.sloppy.kinds import SLOPPY
from poller.sandbox.world.world import World
from tests.laws.laws import judge, said_again
from tests.laws.truth import of_vendor
from tests.simulation import ACCOUNTS, BIRTH, Simulation, truth_of

SWEEPS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "agendize": {"calls": ("live", "settle", "audit")},
    "callcap": {"calls": ("recent", "live", "audit")},
    "flextell": {"leads": ("live", "converted", "synced", "trashed", "full")},
    "helpdesk": {"tickets": ("live", "audit")},
    "ipscape": {
        "activities": ("live", "settle", "audit"),
        "dialler_calls": ("live", "settle", "audit"),
        "leads": ("live", "settle", "audit", "touched"),
        "campaigns": ("snapshot",),
        "lead_lists": ("snapshot",),
        "users": ("snapshot",),
    },
    "trackdrive": {
        "leads": ("live", "settle", "audit", "changes"),
        "calls": ("live", "ended", "updated", "audit"),
    },
}
ELSEWHERE = {"answer_twice", "closed_when_reused"}
"""Kinds that need a real connection: tests/sandbox/test_connections.py has them."""
COUNTED = frozenset({"callcap", "flextell", DESCRIBED, "trackdrive"})
PAGED = frozenset({"callcap", "flextell", DESCRIBED, "ipscape"})
NUMBERED = COUNTED | PAGED
ZONED = frozenset({"agendize", "callcap"})
ONLY: Mapping[str, frozenset[str]] = {
    "total_one_more": COUNTED,
    "total_one_less": COUNTED,
    "total_as_text": COUNTED,
    "total_with_fraction": COUNTED,
    "page_as_text": PAGED,
    "page_with_fraction": PAGED,
    "size_as_text": PAGED,
    "envelope_as_text": NUMBERED,
    "envelope_with_fraction": NUMBERED,
    "ids_as_text": NUMBERED,
    "ids_with_fraction": NUMBERED,
    "ids_as_numbers": frozenset({"agendize", "trackdrive"}),
    "numbers_as_text": frozenset({"agendize", "callcap", DESCRIBED, "ipscape", "trackdrive"}),
    "text_as_numbers": frozenset({"callcap", "trackdrive"}),
    "booleans_as_digits": NUMBERED - {DESCRIBED},
    "booleans_as_words": NUMBERED - {DESCRIBED},
    "booleans_as_quoted_digits": NUMBERED - {DESCRIBED},
    "object_for_list": frozenset({"flextell", DESCRIBED, "ipscape"}),
    "list_for_object": frozenset({"ipscape"}),
    "null_for_text": frozenset({"agendize", "callcap", "ipscape"}),
    "zone_alias": ZONED,
    "windows_zone": ZONED,
    "empty_pages": frozenset({"agendize", "ipscape", "trackdrive"}),
    "size_capped": COUNTED,
    "last_uncounted": frozenset({"callcap", "flextell"}),
    "stray_row": frozenset({"agendize", "callcap", "ipscape", "trackdrive"}),
}
"""Kinds that not every vendor's documented answers have room for."""
PAIRS = [
    pytest.param(kind, vendor, marks=[pytest.mark.exhaustive] if vendor == DESCRIBED else [])
    for kind in SLOPPY
    if kind not in ELSEWHERE
    for vendor in sorted(ONLY.get(kind, ACCOUNTS))
]
IN_TURN = [
    pytest.param(kind, vendor, marks=[] if place == 0 else [pytest.mark.exhaustive])
    for number, kind in enumerate(sorted(SLOPPY.keys() - ELSEWHERE))
    for vendors in [sorted(ONLY.get(kind, ACCOUNTS.keys()) - {DESCRIBED})]
    for turn in [number % len(vendors)]
    for place, vendor in enumerate([*vendors[turn:], *vendors[:turn], DESCRIBED])
    if vendor in ONLY.get(kind, ACCOUNTS)
]
"""The same pairs, of which `make test` has one for each kind: a whole poller takes a hundred times what a page does."""
LONG_ENOUGH = timedelta(seconds=120)


def account(vendor: str) -> Source:
    """Return an account of this vendor with all sweeps, each every 40 s."""
    streams = {
        stream: {"sweeps": {name: {"every": "40s"} for name in sweeps}} for stream, sweeps in SWEEPS[vendor].items()
    }
    return ACCOUNTS[vendor](start="all", streams=streams, timeout="5s")


def put(world: World, name: str, at: datetime) -> str:
    """Add a record of this kind that came to be on this minute, with some fields that are still unknown."""
    kind = next(kind for kind in KINDS if kind.name == name)
    unknown: dict[str, Any] = {"clientId": ""} if kind.vendor == "agendize" else {}
    return world.put(name, {key: value for key, value in {**unknown, kind.born: at}.items() if key}, at=at)


@contextmanager
def careless(kind: str, vendor: str) -> Iterator[Simulation]:
    """Yield a small world of this vendor, with records on full minutes, whose every answer is careless in this way."""
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        simulation = Simulation(Path(folder), {vendor: account(vendor)}, rate=1, history=timedelta(minutes=30))
        simulation.world.vices.set({vendor: {kind: 1.0}})
        for yardstick in of_vendor(vendor):
            for n in range(60 if kind == "size_capped" else 3):
                put(simulation.world, yardstick.name, BIRTH - timedelta(minutes=10 + n))
            if kind == "stray_row" and yardstick.own_time:
                simulation.world.put(yardstick.name, at=datetime(1970, 1, 1, 12, tzinfo=UTC))
        yield simulation


def objections(simulation: Simulation, vendor: str) -> list[str]:
    """Return what breaks the laws in all that was delivered so far, one line each."""
    found = [f"rejected: {reject['data']['reason']}" for reject in simulation.rejects(vendor)[:2]]
    for yardstick in of_vendor(vendor):
        events = simulation.events(vendor, yardstick.stream)
        verdict = judge(events, truth_of(simulation.world, yardstick), yardstick.content)
        found += [] if verdict else [f"{yardstick.stream}: {verdict}"]
        found += said_again(events, yardstick.meant)[:2]
    return found


def standing_still(simulation: Simulation) -> list[str]:
    """Return the sweeps that for long neither were complete nor went on behind a gap, and what they said last."""
    now, found = simulation.now(), []
    for run in simulation.pipelines[0].streams:
        for name, state in run.checkpoint.sweeps.items():
            moved: list[Any] = [state.last_success, state.cursor and state.cursor.until]
            if not any(at and now - at < LONG_ENOUGH for at in moved):
                found.append(f"{run.stream.name} {name} stands still: {state.last_error}")
    return found
