"""Many sources in one process: `python -m tests.bench.sources [SOURCES] [EVERY] [SECONDS]` prints what they cost.

A whole `poller run` in this process: Callcap sources that are polled every so many seconds, and bring nothing; another
process is their vendor, and a third one scrapes `/metrics` four times in that time. The lateness of a poll is the time
from its due time to the moment at which the loop begins it. Start-up is not counted. CPU is that of this process.
"""

import asyncio
import gc
import multiprocessing
import os
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any

from poller.clock import utc_now
from poller.commands.run import run
from poller.config.settings import Settings
from poller.polling.turns import Turns
from poller.telemetry import Telemetry, configure_logging
from tests.bench.idle import vendor

SOURCES, EVERY, SECONDS = 5000, 60.0, 60.0


def settings(folder: Path, url: str, sources: int, every: float) -> Settings:
    rare = {"every": "24h", "lookback": "5m"}
    sweeps = {"recent": rare, "live": {"every": f"{every}s", "lookback": "5m"}, "audit": {**rare, "lookback": "72h"}}
    source = {"type": "callcap", "api_key": "key", "base_url": url, "streams": {"calls": {"sweeps": sweeps}}}
    return Settings.model_validate(
        {
            "sources": {f"source-{number}": source for number in range(sources)},
            "outputs": {"files": {"type": "file", "path": f"{folder}/events/{{source}}.jsonl"}},
            "state": {"type": "sqlite", "path": f"{folder}/poller.db"},
            "server": {"port": 0, "control": f"{folder}/control.sock"},
        }
    )


def megabytes() -> float:
    gc.collect()
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def scrape(orders: Connection) -> None:
    """Fetch an address whenever one comes, and say how long it took, and how much came."""
    with suppress(EOFError):
        while True:
            address, began = orders.recv(), time.monotonic()
            size = len(urllib.request.urlopen(address).read())  # noqa: S310  ours
            orders.send((time.monotonic() - began, size))


class Watch:
    """What is measured: the lateness of polls, and the longest that the event loop was held."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.held: list[float] = []
        self.page = ""

    def begin(self) -> None:
        known = Turns._pass  # nothing else knows both when a poll was due and when it begins

        def begun(turns: Turns, sweep: Any, now: datetime, gap: Any = None) -> Any:
            due = sweep.state.due
            if due and sweep.current is None:
                self.late.append((utc_now() - due).total_seconds())
            return known(turns, sweep, now, gap)

        Turns._pass = begun  # type: ignore  # this process ends with the measurement

    async def hold(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.held.append(time.perf_counter() - before - 0.001)


class Telling(Telemetry):
    """Telemetry that knows the address of the page."""

    page = ""

    def started(self, version: str, replica: str, **fields: object) -> None:
        self.page = str(fields["page"])
        super().started(version, replica, **fields)


async def measure(folder: Path, url: str, sources: int, every: float, seconds: float) -> None:
    configure_logging((folder / "log").open("w"), json=True)
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=scrape, args=(theirs,), daemon=True).start()
    empty = megabytes()
    watch, telemetry = Watch(), Telling()
    watch.begin()
    running = asyncio.create_task(run(settings(folder, url, sources, every), telemetry))
    await asyncio.sleep(every + 15)
    holding = asyncio.create_task(watch.hold())
    watch.late.clear()
    began, cpu, scrapes = time.monotonic(), time.process_time(), list[tuple[float, int]]()
    for number in range(1, 5):
        await asyncio.sleep(began + (number - 0.5) * seconds / 4 - time.monotonic())
        ours.send(f"{telemetry.page}metrics")
        scrapes.append(await asyncio.to_thread(ours.recv))
    await asyncio.sleep(began + seconds - time.monotonic())
    used, took = time.process_time() - cpu, time.monotonic() - began
    holding.cancel()
    before = time.process_time()
    telemetry.render()
    alone = time.process_time() - before
    late = quantiles(watch.late, n=100)
    sys.stdout.write(
        f"{sources} sources, a poll each {every:g} s: {100 * used / took:.1f} % of a core; "
        f"{(megabytes() - empty) / sources * 1000:.1f} MB a 1000 streams; polls {len(watch.late)}, begun late: "
        f"p50 {late[49] * 1000:.1f} ms, p99 {late[98] * 1000:.1f} ms, most {max(watch.late) * 1000:.1f} ms; "
        f"loop held: p99 {quantiles(watch.held, n=100)[98] * 1000:.1f} ms, most {max(watch.held) * 1000:.1f} ms; "
        f"a scrape: {scrapes[-1][1] / 1e6:.1f} MB, {scrapes[-1][0]:.2f} s; rendered at once {alone:.2f} s CPU\n"
    )
    running.cancel()


def main() -> None:
    sources, every, seconds = (
        float(sys.argv[at]) if len(sys.argv) > at else default
        for at, default in ((1, SOURCES), (2, EVERY), (3, SECONDS))
    )
    process, url = vendor()
    with tempfile.TemporaryDirectory() as folder, suppress(asyncio.CancelledError):
        asyncio.run(measure(Path(folder), url, int(sources), every, seconds))
    process.terminate()


if __name__ == "__main__":
    main()
