"""Contestants: each is a process of its own, on a core of its own."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from tests.bench.server import Vendor

CORES = sorted(os.sched_getaffinity(0))
CLIENT, SERVER = CORES[0], CORES[-1]
POLLER = (sys.executable, "-m", "poller", "run")
SCRIPTS = Path(__file__).parent / "contestants"
DEADLINE = 300.0


class Failed(Exception):
    """Raised where a contestant does not end well; it says how."""


async def run(arguments: Sequence[str], vendor: Vendor, folder: Path, *, requests: int | None = None) -> float:
    """Run a contestant to its end, or until it has made so many counted requests; return its CPU seconds, all in all.

    `vendor.marks` are those of this run. Raises Failed.
    """
    before = _children()
    async with running(arguments, vendor, folder) as process:
        vendor.enough = lambda count: _stop(process) if count == requests else None
        await asyncio.wait_for(process.wait(), DEADLINE)
    return _children() - before


@asynccontextmanager
async def running(arguments: Sequence[str], vendor: Vendor, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A contestant under way, which is stopped in the end. Raises Failed where it does not end well."""
    with (folder / "stderr").open("wb") as errors, (folder / "stdout").open("wb") as out:
        process = await asyncio.create_subprocess_exec(*arguments, cwd=folder, stdout=out, stderr=errors)
    os.sched_setaffinity(process.pid, {CLIENT})
    vendor.client, vendor.marks = process.pid, []
    try:
        yield process
        if process.returncode is None:
            _stop(process)
            await asyncio.wait_for(process.wait(), DEADLINE)
    finally:
        vendor.client = 0
        if process.returncode is None:
            process.kill()
    if process.returncode:
        said = (folder / "stderr").read_text()[-3000:]
        raise Failed(f"{' '.join(arguments)} ended with {process.returncode}:\n{said}")


def prefer(pid: int) -> None:
    """Give a process, and this one, precedence over what else the machine does, where that is allowed.

    For what is measured by the clock on the wall.
    """
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -10)
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def megabytes(pid: int) -> float:
    """Return how much memory a process has resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _stop(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGTERM)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def configure(folder: Path, sources: Mapping[str, Any], **settings: Any) -> None:
    """Write a configuration of poller: into files, with the state in SQLite, unless `settings` say otherwise."""
    files = {"type": "file", "path": "events/{source}.jsonl", "rejects_path": "rejects/{source}.jsonl"}
    whole = {"sources": dict(sources), "outputs": {"files": files}, "server": {"port": 0}, **settings}
    (folder / "config.yaml").write_text(yaml.safe_dump(whole))


def callcap(address: str, **changes: Any) -> dict[str, Any]:
    """Return a source of Callcap's that no rate limit holds up."""
    fixed = {"type": "callcap", "base_url": address, "api_key": "made-up", "requests_per_minute": 10_000_000}
    return {**fixed, **changes}
