"""`make chaos`: a real `poller run` over the sandbox with every vice on, killed at the moments around its writes."""

import argparse
import gzip
import random
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import anyio
import anyio.abc
import httpx
import orjson
import yaml
import zstandard

from poller.sandbox import serve as serving
from poller.sandbox.callcap import API_KEY
from poller.sandbox.flextell import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.vices import RATES
from poller.sandbox.world import World
from tests.laws import Verdict, judge
from tests.truth import YARDSTICKS

NEVER = {"sick_replica"}
"""A documented answer that lies: nothing a poller could see, so nothing that can be asked of it here."""
OFTEN = {"token_rotation", "empty_404", "signed_recordings", "foreign_next", "short_end_day", "pretty_body"}
SELDOM = {"unauthorized": 0.002, "forbidden": 0.002, "wrong_page_size": 0.02, "wrong_zone": 0.02, "broken_record": 0.02}
AMOUNTS = {
    "replica_seconds": 5.0,
    "stall_seconds": 2.0,
    "retry_seconds": 1.0,
    "slide_seconds": 5.0,
    "token_seconds": 5.0,
}
SETTLING = 60.0
"""Seconds that a poller gets in the end, undisturbed, to have the last word on everything."""


@dataclass(frozen=True, slots=True)
class Result:
    """How often it was killed, what it delivered, and whether the laws hold, by source."""

    kills: int
    events: int
    verdicts: Mapping[str, Verdict]

    @property
    def good(self) -> bool:
        return all(self.verdicts.values())


def configuration(at: str, folder: Path) -> dict[str, Any]:
    """Every sweep of every stream, fast, into files that are rotated and compressed."""
    fast = {"start": "all", "requests_per_minute": 6000, "timeout": "1s"}
    files = {
        "path": f"{folder}/events/{{source}}/{{stream}}.jsonl",
        "rejects_path": f"{folder}/rejects/{{source}}.jsonl",
    }
    calls = {"recent": {"every": "300ms"}, "live": {"every": "500ms"}, "audit": {"every": "5s"}}
    leads = {"live": "500ms", "converted": "2s", "synced": "2s", "trashed": "3s", "full": "5s"}
    return {
        "sources": {
            "callcap": {
                "type": "callcap",
                "base_url": f"{at}/callcap",
                "api_key": API_KEY,
                "streams": {"calls": {"sweeps": calls}},
                **fast,
            },
            "flextell": {
                "type": "flextell",
                "base_url": f"{at}/flextell/api/v1",
                "token_url": f"{at}/flextell/oauth/token",
                "tenant": TENANT,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "refresh_token": REFRESH_TOKEN,
                "streams": {"leads": {"sweeps": {name: {"every": every} for name, every in leads.items()}}},
                **fast,
            },
        },
        "outputs": {"files": {"type": "file", "rotate": {"size": "256KiB"}, "compression": "zstd", **files}},
        "state": {"type": "sqlite", "path": f"{folder}/state/poller.db"},
        "server": {"port": 0},
    }


def vices() -> dict[str, dict[str, float]]:
    """Every vice at once, none so often that nothing gets through."""
    rates = {name: 1.0 if name in OFTEN else SELDOM.get(name, 0.01) for name in RATES if name not in NEVER}
    rates |= {"shifting_pages": 0.1, "tied_stamps": 0.2, "lagging_replica": 0.1}
    return {"*": rates | AMOUNTS}


async def chaos(folder: Path, *, seconds: float, seed: int, settling: float = SETTLING, kills: int = 0) -> Result:
    """Let pollers live and die for so long, and at least so many times; then judge."""
    rng = random.Random(seed)
    world = World(seed, 60, lambda: datetime.now(UTC), history=timedelta(minutes=10))
    sock = serving.listen(0)
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(at, folder)))
    async with anyio.create_task_group() as group:
        group.start_soon(serving.serve, sock, world)
        world.vices.set(vices())
        killed, until = 0, time.monotonic() + seconds
        while time.monotonic() < until or killed < kills:
            killed += await _life(config, folder, rng)
        world.quiet()
        world.vices.clear()
        await _last_life(config, folder, settling)
        verdicts, events = await _judge(at, folder)
        result = Result(killed, events, verdicts)
        group.cancel_scope.cancel()
    return result


async def _life(config: Path, folder: Path, rng: random.Random) -> int:
    """One life: most end around a write, some at any time, some in peace. 1 if it was killed."""
    moment = int(2 ** rng.uniform(0, 10)) if rng.random() < 0.85 else 0
    async with _poller(config, folder, moment) as process:
        with anyio.move_on_after(rng.uniform(1, 12)):
            await process.wait()
        if process.returncode is None and rng.random() < 0.7:
            process.kill()
        elif process.returncode is None:
            process.terminate()
        code = await process.wait()
    if code not in {0, -signal.SIGKILL, -signal.SIGTERM}:  # the last: before it could begin to listen to signals
        raise AssertionError(f"poller ended with {code}; see {folder}/poller.log")
    return int(code == -signal.SIGKILL)


async def _last_life(config: Path, folder: Path, seconds: float) -> None:
    async with _poller(config, folder, 0) as process:
        with anyio.move_on_after(seconds):
            await process.wait()
        process.terminate()
        code = await process.wait()
    if code != 0:
        raise AssertionError(f"poller ended with {code}; see {folder}/poller.log")


@asynccontextmanager
async def _poller(config: Path, folder: Path, moment: int) -> Any:
    command = [sys.executable, "-m", "tests.killer", str(moment), "run", "-c", str(config)]
    with (folder / "poller.log").open("ab") as log:
        async with await anyio.open_process(command, stdout=log, stderr=log) as process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()


async def _judge(at: str, folder: Path) -> tuple[dict[str, Verdict], int]:
    verdicts, total = {}, 0
    async with httpx.AsyncClient(base_url=at, trust_env=False, timeout=60) as http:
        for source, yardstick in YARDSTICKS.items():
            query = {"stream": yardstick.name} | ({"view": ",".join(yardstick.view)} if yardstick.view else {})
            told = (await http.get("/_sandbox/truth", params=query)).json()["records"]
            truth = {name: yardstick.life(life["versions"], life["vanished"]) for name, life in told.items()}
            events = list(_events(folder / "events" / source))
            verdicts[source] = judge(events, truth, yardstick.content)
            total += len(events)
    return verdicts, total


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    """All lines of a stream's files, closed ones first, in the order they were written."""
    for path in sorted(folder.glob("*-??????.jsonl*")) + sorted(
        set(folder.glob("*.jsonl")) - set(folder.glob("*-??????.jsonl"))
    ):
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        elif path.suffix == ".gz":
            data = gzip.decompress(data)
        if data and not data.endswith(b"\n"):
            raise AssertionError(f"{path}: a torn line")
        yield from map(orjson.loads, data.splitlines())


def main() -> int:
    """Exit 0 if nothing was lost, nothing came twice, nothing out of order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = mkdtemp(prefix="poller-chaos-")
    result = anyio.run(lambda: chaos(Path(folder), seconds=asked.minutes * 60, seed=asked.seed))
    sys.stdout.write(f"seed {asked.seed}: {result.kills} kills, {result.events} events; files in {folder}\n")
    for source, verdict in result.verdicts.items():
        sys.stdout.write(f"{source}: {verdict}\n")
    return int(not result.good)


if __name__ == "__main__":
    sys.exit(main())
