"""`make crash`: a crash before, within and after every write and every request of a deed, one by one, not by chance.

The deeds: a page, a token's rotation, a file's rotation, a gap, a rebalance (tests/chaos/takeover.py). After each crash
a restart in peace must bring all, once each. A migration's crashes are in tests/state/test_migration_killed.py.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from poller.config.settings import Settings
from poller.sandbox.accounts import account
from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.sandbox.world.world import World
from poller.testing.simulation import Distant
from tests.chaos.aftermath import stream_lines
from tests.chaos.death import Death
from tests.chaos.files import Overlapping
from tests.chaos.hasty import paced
from tests.chaos.takeover import KINDS, crash_takeovers
from tests.laws.laws import judge
from tests.laws.truth import of_vendor
from tests.simulation import AT, truth_of
from tests.simulation.program import Program

BIRTH = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REBALANCE = "rebalance"
PEACE = 1800.0
"""Seconds in which a program that is left in peace has read everything twice."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed: of which `vendor`, after which preparation, within how many seconds of a life."""

    vendor: str
    prepare: Callable[[Program, World], None]
    seconds: float
    vices: Mapping[str, float]
    rotate: str = "64MiB"


def _put(world: World, vendor: str, records: int) -> None:
    """Let records come up now."""
    for row in of_vendor(vendor):
        for number in range(records):
            world.put(row.name, at=world.now() - number * MINUTE)


def _news(records: int, vendor: str) -> Callable[[Program, World], None]:
    return lambda program, world: _put(world, vendor, records)


def _away_for_days(program: Program, world: World) -> None:
    """Stand still for three days, on each of which something happens: too much for one pass."""
    for _ in range(3):
        program.elapsed += 86_400
        _put(world, "callcap", 3)


DEEDS: Mapping[str, Deed] = {
    "page": Deed("callcap", _news(3, "callcap"), 120, {}),
    "token": Deed("flextell", _news(2, "flextell"), 120, {"token_rotation": 1.0, "token_seconds": 30.0}),
    "file": Deed("callcap", _news(4, "callcap"), 120, {}, rotate="4KiB"),
    "gap": Deed("callcap", _away_for_days, 300, {}),
}


class Crashed:
    """A program that was killed at the n-th moment of a deed, and left in peace after that."""

    def __init__(self, deed: Deed, folder: Path, moment: int) -> None:
        self.deed, self.folder, self.death = deed, folder, Death(moment)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.program = Program(folder, _configuration(deed, folder), BIRTH, 1)
        self.program.known = _settings(deed.vendor, deed.rotate, folder)
        self.world = new_world(1, 0, self.program.now, timedelta())
        self.world.vices.set({deed.vendor: deed.vices} if deed.vices else {})
        self.program.app = sandbox(self.world)

    def run(self) -> bool:
        """Return True if the deed was over before the n-th moment came."""
        _put(self.world, self.deed.vendor, 2)
        self.program.live(60, Death())
        self.deed.prepare(self.program, self.world)
        with _requests_are_moments(self.death):
            self.program.live(self.deed.seconds, self.death)
        over = not self.death.is_now
        self.program.live(PEACE, Death())
        return over

    def objections(self) -> Iterator[str]:
        """Say what is not as it should be."""
        for row in of_vendor(self.deed.vendor):
            lines = stream_lines(self.folder / "events" / row.vendor, row.stream)
            verdict = judge(list(lines), truth_of(self.world, row), row.content)
            if not verdict:
                yield f"{row.name}: {verdict}"


@contextmanager
def _requests_are_moments(death: Death) -> Iterator[None]:
    send = Distant.handle_async_request

    async def mortal_send(self: Distant, request: httpx.Request) -> httpx.Response:
        death.moment()
        answer = await send(self, request)
        death.moment()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Distant, "handle_async_request", mortal_send)
        yield


def _configuration(deed: Deed, folder: Path) -> dict[str, Any]:
    asked = account(AT, deed.vendor) | {"start": "all", "requests_per_minute": 600, "timeout": "10s"}
    paths = {name: f"{folder}/{name}/{{source}}/{{stream}}.jsonl" for name in ("events", "rejects")}
    output = {"type": "file", "rotate": {"size": deed.rotate}, "compression": "zstd"}
    return {
        "sources": {deed.vendor: paced(asked, lambda every: max(MINUTE, min(every, 10 * MINUTE)))},
        "outputs": {"files": {**output, "path": paths["events"], "rejects_path": paths["rejects"]}},
        "state": {"type": "sqlite", "path": f"{folder}/state.db"},
    }


@cache
def _settings(vendor: str, rotate: str, folder: Path) -> Settings:
    deed = next(deed for deed in DEEDS.values() if (deed.vendor, deed.rotate) == (vendor, rotate))
    return Program(folder, _configuration(deed, folder), BIRTH, 1).settings()


def crash_everywhere(deed: Deed, folder: Path, stride: int = 1) -> tuple[int, list[str]]:
    """Crash at every moment of a deed, or at each `stride`-th; return how many there were, and what went wrong."""
    found: list[str] = []
    moment = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poller.sandbox.vendors.flextell.Tokens", Overlapping)
        while True:
            crashed = Crashed(deed, folder, moment)
            if crashed.run():
                return (moment - 1) // stride, found
            found += [f"moment {moment}: {objection}" for objection in crashed.objections()]
            moment += stride


def crash_rebalances(folder: Path) -> tuple[int, list[str]]:
    """Crash at every moment of a rebalance, of a source with a fixed credential and of one whose token rotates."""
    folder.mkdir()
    results = [crash_takeovers(vendor, kind, folder) for vendor in ("callcap", "flextell") for kind in KINDS]
    return sum(points for points, _ in results), [objection for _, found in results for objection in found]


def main() -> int:
    """Run from the command line; return 0 if all was well after each crash."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("deeds", nargs="*", choices=[*DEEDS, REBALANCE, []], default=[])
    wrong = 0
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    for name in parser.parse_args().deeds or (*DEEDS, REBALANCE):
        with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
            here = Path(folder) / "here"
            points, found = crash_rebalances(here) if name == REBALANCE else crash_everywhere(DEEDS[name], here)
        sys.stdout.write("\n".join([f"{name}: {points} crashes, {len(found)} objections", *found[:5], ""]))
        sys.stdout.flush()
        wrong += len(found)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
