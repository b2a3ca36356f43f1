"""`make soak`: a real `poller run` under load for as long as you say; memory, descriptors, threads and tasks stay flat.

The first half is the warm-up. They are flat if the median of the last quarter is above that of the third by no more
than ALLOWED, and if pages were delivered in that quarter: whoever does nothing is flat, too. Every vendor is polled,
sixty times too often, with every vice. Reads /proc: Linux only.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import anyio
import pytest
import yaml

from poller.sandbox import server as serving
from poller.sandbox.registry import new_world
from tests.chaos.files import Overlapping, configuration, poller
from tests.chaos.vices import vices

RATE = 60
"""New records a minute and stream."""
SAMPLES = 40
ALLOWED: Mapping[str, float] = {"memory": 8.0, "descriptors": 4, "threads": 2, "tasks": 10}
"""Growth that is none: in MiB (what was delivered is remembered, with some 100 bytes a record), or in numbers."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at the process: its memory (resident, MiB), descriptors, threads and tasks, and the pages it delivered."""

    memory: float
    descriptors: int
    threads: int
    tasks: int
    pages: int


def look(pid: int, tasks: Path, log: Path) -> Sample:
    """Look at a process; its tasks are those that it noted last, its pages those in its log."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines) if rest.split()}
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    noted = tasks.read_text() if tasks.exists() else ""
    pages = log.read_text().count('"page.delivered"')
    return Sample(int(fields["VmRSS"]) / 1024, descriptors, int(fields["Threads"]), int(noted or 0), pages)


def growth(samples: Sequence[Sample]) -> dict[str, float]:
    """Return by how much the last quarter is above the third, by medians."""
    quarter = len(samples) // 4
    third, last = (
        {name: median(asdict(one)[name] for one in part) for name in ALLOWED}
        for part in (samples[-2 * quarter : -quarter], samples[-quarter:])
    )
    return {name: last[name] - third[name] for name in ALLOWED}


async def soak(folder: Path, seconds: float) -> Sequence[Sample]:
    """Let a poller run for so many seconds; print each look at it, and return them."""
    world = new_world(1, RATE, lambda: datetime.now(UTC), history=timedelta(minutes=10))
    sock = serving.listen(0)
    config, tasks = folder / "config.yaml", folder / "tasks"
    config.write_text(yaml.safe_dump(configuration(f"http://127.0.0.1:{sock.getsockname()[1]}", folder)))
    samples: list[Sample] = []
    async with anyio.create_task_group() as group:
        group.start_soon(serving.serve, sock, world)
        world.vices.set(vices())
        arguments = ("tests.chaos.soaked", str(tasks), "run", "-c", str(config))
        async with poller(folder / "poller.log", *arguments) as process:
            began = time.monotonic()
            for number in range(1, SAMPLES + 1):
                await anyio.sleep(max(0.0, began + number * seconds / SAMPLES - time.monotonic()))
                samples.append(look(process.pid, tasks, folder / "poller.log"))
                sys.stdout.write(f"{number * seconds / SAMPLES:6.0f} s  {shown(samples[-1])}\n")
                sys.stdout.flush()
            process.terminate()
            await process.wait()
        group.cancel_scope.cancel()
    return samples


def shown(sample: Sample) -> str:
    counts = asdict(sample)
    told = [f"{counts[name]} {name}" for name in ("descriptors", "threads", "tasks", "pages")]
    return ", ".join([f"{sample.memory:6.1f} MiB", *told])


def main() -> int:
    """Run from the command line; return 0 if all is flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    asked = parser.parse_args()
    folder = Path(mkdtemp(prefix="poller-soak-"))
    sys.stdout.write(f"the log is in {folder}/poller.log\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poller.sandbox.vendors.flextell.Tokens", Overlapping)  # a lost answer would end its polling
        samples = anyio.run(soak, folder, asked.minutes * 60)
    found, idle = growth(samples), samples[-1].pages == samples[-1 - SAMPLES // 4].pages
    for name, by in found.items():
        verdict = "flat" if by <= ALLOWED[name] else "GROWS"
        sys.stdout.write(
            f"{name}: {by:+.1f} from the third quarter to the last, {ALLOWED[name]:g} allowed: {verdict}\n"
        )
    if idle:
        sys.stdout.write("no page was delivered in the last quarter: it was under no load\n")
    return int(idle or any(by > ALLOWED[name] for name, by in found.items()))


if __name__ == "__main__":
    sys.exit(main())
