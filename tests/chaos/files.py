"""`make chaos`: a real `poller run` over the sandbox with every vice on, killed at the moments around its writes."""

import argparse
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import anyio
import anyio.abc
import orjson
import yaml
from starlette.requests import Request
from starlette.responses import Response

from poller.sandbox import server as serving
from poller.sandbox.api.oauth import Tokens
from poller.sandbox.registry import new_world
from poller.sandbox.vendors import flextell
from tests.chaos.aftermath import Result, aftermath, from_files, keep_promises, settled, written
from tests.chaos.hasty import sources
from tests.chaos.vices import vices

SETTLING = 300.0
"""Seconds that a poller gets at most, in the end and undisturbed, to deliver the last state of everything."""


class Overlapping(Tokens):
    """Tokens that rotate, where the former refresh token stays good until one of the new tokens is used.

    A vendor that takes the newest one alone loses any poller to a kill between the rotation and the poller's write.
    So a run still shows a poller that uses an access token before the refresh token that came with it is safe.
    """

    _former, _newest = "", ""

    def good(self, authorization: str) -> bool:
        if authorization == f"Bearer {self._newest}":
            self._former = ""
        return super().good(authorization)

    async def endpoint(self, request: Request) -> Response:
        if self._former and self._former.encode() in await request.body():
            self._refresh = self._former
        return await super().endpoint(request)

    def _issued(self) -> Response:
        self._former = self._refresh
        answer = super()._issued()
        self._newest = orjson.loads(answer.body)["access_token"]
        return answer


def configuration(at: str, folder: Path) -> dict[str, Any]:
    """Return a configuration of every sweep of every stream, fast, into files that are rotated and compressed."""
    files = {
        "path": f"{folder}/events/{{source}}/{{stream}}.jsonl",
        "rejects_path": f"{folder}/rejects/{{source}}/{{stream}}.jsonl",
    }
    return {
        "sources": sources(at),
        "outputs": {"files": {"type": "file", "rotate": {"size": "256KiB"}, "compression": "zstd", **files}},
        "state": {"type": "sqlite", "path": f"{folder}/state/poller.db"},
        "server": {"port": 0},
        "progress": "1s",
    }


async def chaos(folder: Path, *, seconds: float, seed: int, settling: float = SETTLING, kills: int = 0) -> Result:
    """Let pollers live and die for this many seconds, and at least `kills` times; then judge.

    In the end the world stands still, and one poller lives until every sweep was complete twice, or `settling` is over.
    """
    rng = random.Random(seed)
    world = new_world(seed, 60, lambda: datetime.now(UTC), history=timedelta(minutes=10))
    sock = serving.listen(0)
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    config, settings = folder / "config.yaml", configuration(at, folder)
    config.write_text(yaml.safe_dump(settings))
    flextell.Tokens = Overlapping  # type: ignore[attr-defined]
    async with anyio.create_task_group() as group:
        group.start_soon(serving.serve, sock, world)
        world.vices.set(vices())
        killed, until = 0, time.monotonic() + seconds
        while time.monotonic() < until or killed < kills:
            killed += await _life(config, folder, rng)
        world.quiet()
        world.vices.clear()
        await _last_life(config, folder, settings["sources"], settling)
        events, rejects = from_files(folder / "events"), from_files(folder / "rejects")
        result = await aftermath(at, events, rejects, {"kills": killed}, [folder / "poller.log"])
        await keep_promises(at, settings["sources"], events, rejects, result)
        group.cancel_scope.cancel()
    return result


async def _life(config: Path, folder: Path, rng: random.Random) -> int:
    """Run one life: most end around a write, some at any time, some in peace. Return 1 if it was killed, else 0."""
    moment = int(2 ** rng.uniform(0, 10)) if rng.random() < 0.85 else 0
    async with poller(folder / "poller.log", "tests.chaos.killer", str(moment), "run", "-c", str(config)) as process:
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


async def _last_life(config: Path, folder: Path, polled: Mapping[str, Any], seconds: float) -> None:
    log, quiet = folder / "poller.log", datetime.now(UTC)
    before = written(log)
    async with poller(log, "tests.chaos.killer", "0", "run", "-c", str(config)) as process:
        try:
            with anyio.fail_after(seconds):
                await settled({log: before}, polled, quiet)
        except TimeoutError:
            raise AssertionError(f"not every sweep was complete twice in {seconds:g} s; see {log}") from None
        process.terminate()
        code = await process.wait()
    if code != 0:
        raise AssertionError(f"poller ended with {code}; see {log}")


@asynccontextmanager
async def poller(log: Path, module: str, *arguments: str) -> AsyncIterator[anyio.abc.Process]:
    """Run a poller that is `python -m module`, until it ends or is left."""
    with log.open("ab") as out:
        async with await anyio.open_process(
            [sys.executable, "-m", module, *arguments], stdout=out, stderr=out
        ) as process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()


def main() -> int:
    """Run from the command line; return 0 if nothing was lost, nothing came twice, and nothing out of order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = Path(mkdtemp(prefix="poller-chaos-"))
    sys.stdout.write(f"seed {asked.seed}: logs in {folder}/poller.log, beside events, rejects, state\n")
    result = anyio.run(lambda: chaos(folder, seconds=asked.minutes * 60, seed=asked.seed))
    sys.stdout.write(f"{result}\n")
    return int(not result.good)


if __name__ == "__main__":
    sys.exit(main())
