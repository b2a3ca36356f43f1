"""Many sources in one process: what they cost, and how late their polls begin."""

import asyncio
import json
import os
import resource
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

from tests.bench import calls, clients
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import workshop
from tests.bench.server import Answer, cpu_nanoseconds

MANY, EVERY, SCRAPE_EVERY = 5000, 60.0, 15.0
T = TypeVar("T")


@dataclass
class Arrivals:
    """When the polls of each source came: the vendor of a source is told by the first part of the path."""

    at: dict[str, list[float]] = field(default_factory=dict)

    def answer(self, target: str) -> Answer:
        """Answer that there is nothing to say."""
        if "search_last_modified_start=" in target:
            self.at.setdefault(target.split("/", 2)[1], []).append(time.time())
        return calls.EMPTY, False

    def lateness(self, due: Mapping[str, float]) -> list[float]:
        """Return how long after it was due the next poll of each source came, in seconds; without those yet to come."""
        found = [(at, [came for came in self.at[name] if came > at - 1]) for name, at in due.items()]
        return [came[0] - at for at, came in found if came]


@dataclass
class Process:
    """A poller that runs, and where its HTTP endpoints are."""

    pid: int
    port: int

    def cpu(self) -> float:
        """Return the seconds of processor time that it has used."""
        return cpu_nanoseconds(self.pid) / 1e9

    async def get(self, path: str) -> bytes:
        """Read one of its endpoints, in a thread."""
        return await asyncio.to_thread(self._read, path)

    def _read(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            body: bytes = answer.read()
            return body


@asynccontextmanager
async def polling(sources: int) -> AsyncIterator[tuple[Process, Arrivals]]:
    """So many sources, polled once a minute; begins when each was."""
    arrivals = Arrivals()
    async with workshop(arrivals.answer) as (vendor, address, folder):
        sweeps = {"recent": {"every": "24h"}, "live": {"every": f"{EVERY:.0f}s"}, "audit": {"every": "24h"}}
        streams: Mapping[str, Any] = {"calls": {"sweeps": sweeps}}
        names = [f"s{number}" for number in range(sources)]
        accounts = {name: clients.callcap(f"{address}/{name}", streams=streams) for name in names}
        port = _free_port()
        clients.configure(folder, accounts, server={"port": port})
        async with clients.running(clients.POLLER, vendor, folder) as process:
            clients.prefer(process.pid)
            await _until(lambda: len(arrivals.at) == sources, process)
            await asyncio.sleep(EVERY / 6 if sources > 1 else 1)
            yield Process(process.pid, port), arrivals


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


async def _until(holds: Callable[[], bool], process: asyncio.subprocess.Process) -> None:
    """Wait until something holds. Raises Failed where it does not come, or the process ends."""
    for _ in range(int(clients.DEADLINE * 10)):
        if holds():
            return
        if process.returncode is not None:
            break
        await asyncio.sleep(0.1)
    raise clients.Failed("its sources are not polled")


@dataclass
class Scrapes:
    """What scrapes of /metrics came to."""

    bytes: int = 0
    cpu: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def take(self, process: Process) -> None:
        """Scrape once."""
        began, cpu = time.monotonic(), process.cpu()
        self.bytes = len(await process.get("/metrics"))
        self.cpu.append(process.cpu() - cpu)
        self.seconds.append(time.monotonic() - began)


async def due_times(process: Process) -> dict[str, float]:
    """Return when the next poll of each source is due."""
    streams = json.loads(await process.get("/api/streams"))
    found = {}
    for stream in streams:
        (live,) = [sweep for sweep in stream["sweeps"] if sweep["name"] == "live"]
        found[stream["source"]] = datetime.fromisoformat(live["next_poll"]).timestamp()
    return found


async def longest_hold(process: Process, scrapes: Scrapes) -> float:
    """Return the longest time in seconds for which /livez had to wait while /metrics were scraped.

    Who waits is a process of its own: in this one it would wait for whoever reads the scrape, too.
    """
    asked, loop = partial(_waits, process.port), asyncio.get_running_loop()
    with ProcessPoolExecutor(1, get_context("spawn")) as beside, NamedTemporaryFile() as under_way:
        quiet = await loop.run_in_executor(beside, asked, under_way.name, 200)
        asking = loop.run_in_executor(beside, asked, under_way.name, None)
        for _ in range(2):
            await scrapes.take(process)
        under_way.close()
        return max(await asking) - median(quiet)


def _waits(port: int, under_way: str, most: int | None) -> list[float]:
    """Return how long /livez waited, asked so often, or until this file is gone.

    On two cores this process has one together with the vendor and whoever reads the scrape, so it goes before them.
    """
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    connection, waits = HTTPConnection("127.0.0.1", port, timeout=60), list[float]()
    while Path(under_way).exists() and (most is None or len(waits) < most):
        began = time.monotonic()
        connection.request("GET", "/livez")
        connection.getresponse().read()
        waits.append(time.monotonic() - began)
        time.sleep(0.001)
    connection.close()
    return waits


async def many() -> Found:
    """Watch the sources for as long as all of them are polled once."""
    wanted = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    async with polling(1) as (process, _):
        alone = clients.megabytes(process.pid)
    async with polling(MANY) as (process, arrivals):
        due, scrapes = await due_times(process), Scrapes()
        await asyncio.sleep(1)
        began, cpu = time.monotonic(), process.cpu()
        while time.monotonic() - began < EVERY:
            await asyncio.sleep(SCRAPE_EVERY - 1)
            await scrapes.take(process)
            await asyncio.sleep(1)
        seconds, used = time.monotonic() - began, process.cpu() - cpu
        late = arrivals.lateness(due)
        hold, memory = await longest_hold(process, last := Scrapes()), clients.megabytes(process.pid)
    besides = (used - sum(scrapes.cpu)) / (seconds - sum(scrapes.seconds))
    own = [cpu - besides * lasted for cpu, lasted in zip(scrapes.cpu, scrapes.seconds, strict=True)]
    return {
        "core, %": used / seconds * 100,
        "1000 streams, MB": (memory - alone) / MANY * 1000,
        "p99 lateness, ms": quantiles(late, n=100)[98] * 1000,
        "a scrape, CPU ms": median(own) * 1000,
        "a scrape, MB": last.bytes / 1e6,
        "longest hold, ms": hold * 1000,
    }


CELLS = (
    Cell(
        "sources",
        f"{MANY:,} sources, a poll a minute each",
        "",
        many,
        [
            Goal("core, %", 20),
            Goal("1000 streams, MB", 30),
            Goal("p99 lateness, ms", 20),
            Goal("a scrape, CPU ms", 300),
            Goal("longest hold, ms", 5),
        ],
        rounds=1,
    ),
)
