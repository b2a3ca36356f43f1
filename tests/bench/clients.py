"""Contestants: each is a process of its own, on a core of its own."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
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
    with (folder / "stderr").open("wb") as errors, (folder / "stdout").open("wb") as out:
        process = await asyncio.create_subprocess_exec(*arguments, cwd=folder, stdout=out, stderr=errors)
        os.sched_setaffinity(process.pid, {CLIENT})
        vendor.client, vendor.marks = process.pid, []
        vendor.enough = lambda count: _stop(process) if count == requests else None
        try:
            code = await asyncio.wait_for(process.wait(), DEADLINE)
        finally:
            vendor.client = 0
            if process.returncode is None:
                process.kill()
    if code:
        raise Failed(f"{' '.join(arguments)} ended with {code}:\n{(folder / 'stderr').read_text()[-3000:]}")
    return _children() - before


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
