"""`make simulate`: days of the whole program on a clock that jumps, with every vice, outages, kills and restarts.

It begins the evening before Europe puts its clocks forward; within a week Australia has put them back. The same seed
leaves the same log, the same files and so the same digest.
"""

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from poller.sandbox.accounts import ACCOUNTS, account
from poller.sandbox.registry import new_world
from tests.chaos.aftermath import stream_lines
from tests.chaos.death import Death
from tests.chaos.hasty import paced
from tests.laws.laws import Verdict, judge
from tests.laws.progress import broken_promises, reaches
from tests.laws.truth import YARDSTICKS
from tests.simulation import AT, truth_of
from tests.simulation.program import Program
from tests.simulation.weather import REPLICAS, Weather

BIRTH = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=6)
"""No sweep runs more often, for a request costs milliseconds of real time; and none so seldom that the end is far."""
FURTHER: Mapping[str, Any] = {
    "ipscape": {
        "keep": "60d",
        "streams": {
            name: {"sweeps": {"audit": {"lookback": "30d"}} if name in {"activities", "dialler_calls"} else {}}
            for name in ("activities", "dialler_calls", "leads", "campaigns", "lead_lists", "users")
        },
    },
    "trackdrive": {"streams": {"leads": {"sweeps": {"audit": {"lookback": "30d"}}}, "calls": {}}},
}
"""Audits that reach as far back as the sandbox edits: an edit without a stamp, or one that TrackDrive's log of changes
does not name (a redaction), is never seen further back."""
REPLICATED = 2
"""Replicas, between which the sources move about twice an hour."""
LONGEST_END = 4 * DAY
"""Time in which, undisturbed, every sweep must have been complete twice."""


def configuration(folder: Path, names: Collection[str]) -> dict[str, Any]:
    """Return these vendors, with the sweeps they have by themselves but at ease, into rotated files."""
    sources = {}
    for name in names:
        asked = (
            account(AT, name) | {"start": "all", "requests_per_minute": 600, "timeout": "10s"} | FURTHER.get(name, {})
        )
        sources[name] = paced(asked, lambda every: min(max(every, SHORTEST), LONGEST))
    files = {name: f"{folder}/{name}/{{source}}/{{stream}}.jsonl" for name in ("events", "rejects")}
    paths = {"path": files["events"], "rejects_path": files["rejects"]}
    return {
        "sources": sources,
        "outputs": {"files": {"type": "file", "rotate": {"size": "1MiB"}, "compression": "zstd", **paths}},
        "state": {"type": "sqlite", "path": f"{folder}/state.db"},
        "progress": "10m",
    }


class Simulated:
    """A world, a program that lives in it again and again, and what befell it."""

    def __init__(self, folder: Path, seed: int, rate: float, sources: Collection[str]) -> None:
        self.folder, self._rng = folder, Random(seed)
        self.program = Program(folder, configuration(folder, sources), BIRTH, seed, replicas=REPLICATED)
        self.world = new_world(seed, rate, self.program.now, history=12 * HOUR)
        self.weather = self.program.app = Weather(self.world, seed)
        self.ends: Counter[str] = Counter()

    def day(self, length: timedelta) -> None:
        """Let so much time pass: lives that end in peace or by sudden death, and pauses between them."""
        end = self.program.elapsed + length.total_seconds()
        while (left := end - self.program.elapsed) > 60:
            moment = int(2 ** self._rng.uniform(0, 13)) if self._rng.random() < 0.7 else 0
            seconds = min(left, self._rng.uniform(600, 6 * 3600))
            self.ends[self.program.live(seconds, Death(moment))] += 1
            self.program.elapsed += (
                self._rng.uniform(1, 60) if self._rng.random() < 0.9 else self._rng.uniform(60, 9000)
            )

    def settle(self) -> None:
        """Let the world stand still, and the program live until every sweep was complete twice."""
        self.weather.calm()
        quiet, complete = self.program.now(), dict[tuple[str, ...], set[datetime]]()

        def settled() -> bool:
            for name, since in self._last_successes():
                complete.setdefault(name, set()).update({since} if since and since > quiet else ())
            return bool(complete) and min(map(len, complete.values())) >= 2

        self.program.live(LONGEST_END.total_seconds(), Death(), settled)
        late = [".".join(name) for name, found in complete.items() if len(found) < 2]
        if late:
            raise AssertionError(f"not complete twice within {LONGEST_END}: {', '.join(late)}")

    def _last_successes(self) -> Iterator[tuple[tuple[str, ...], datetime | None]]:
        for source in self.program.configuration["sources"]:
            loop = self.program.loop(source)
            for run in loop.streams if loop else ():
                for name, state in run.checkpoint.sweeps.items():
                    yield (*run.names, name), state.last_success

    def verdicts(self) -> Mapping[str, Verdict]:
        """Hold what was delivered against the truth, stream by stream."""
        found = {}
        asked = self.program.configuration["sources"]
        for yardstick in (row for row in YARDSTICKS.values() if row.vendor in asked):
            source, stream = yardstick.vendor, yardstick.stream
            lines = list(stream_lines(self.folder / "events" / source, stream))
            events = [event for event in lines if "subject" in event]
            truth = truth_of(self.world, yardstick)
            verdict = found[yardstick.name] = judge(events, truth, yardstick.content)
            rejects = stream_lines(self.folder / "rejects" / source, stream)
            reach = reaches(self.program.stream(source, stream))
            verdict.promised = broken_promises(lines, truth, reach, REPLICAS, rejects)
        return found

    def digest(self) -> str:
        """Return a digest of the log, of the events and of the rejects, without the folder's name."""
        found = hashlib.sha256()
        for path in sorted(path for path in self.folder.rglob("*") if path.suffix in {".log", ".jsonl", ".zst"}):
            found.update(f"{path.relative_to(self.folder)}".encode())
            found.update(path.read_bytes().replace(str(self.folder).encode(), b""))
        return found.hexdigest()[:16]

    def told(self, began: float) -> str:
        """Return what befell it so far, in one line; `began` is of the monotonic clock."""
        ends = ", ".join(f"{times} {how}" for how, times in sorted(self.ends.items()))
        out = ", ".join(f"{vendor} {hours} h" for vendor, hours in sorted(self.weather.hours_out.items()))
        asked, seconds = self.weather.requests, time.monotonic() - began
        return (
            f"{self.program.now():%a %d %H:%M}, {asked} requests, lives {ends}; out: {out or 'none'}; {seconds:.0f} s"
        )


def simulate(
    folder: Path, days: float, seed: int, rate: float, sources: Collection[str] = tuple(ACCOUNTS)
) -> tuple[bool, str]:
    """Simulate so many days, and tell of each; return whether all was right, and the digest."""
    simulated = Simulated(folder, seed, rate, sources)
    left, began = days * DAY, time.monotonic()
    while left > timedelta():
        simulated.day(min(left, DAY))
        left -= DAY
        tell(simulated.told(began))
    simulated.settle()
    tell(f"settled: {simulated.told(began)}")
    verdicts = simulated.verdicts()
    bugs = [line for line in simulated.program.log.read_text().splitlines() if '"outcome":"bug"' in line]
    for line in [f"{name}: {verdict}" for name, verdict in verdicts.items()] + bugs[:3]:
        tell(line)
    return all(verdicts.values()) and not bugs, simulated.digest()


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return 0 if what was delivered is the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.05, help="new records a minute and stream")
    asked = parser.parse_args(arguments)
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one: it syncs after every page
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        good, digest = simulate(Path(folder), asked.days, asked.seed, asked.rate)
    tell(f"seed {asked.seed}, digest {digest}: {'good' if good else 'BAD'}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
