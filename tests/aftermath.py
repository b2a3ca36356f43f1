"""What a chaos run left behind: when the last poller has had the last word, and whether the laws hold."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import zstandard

from tests.laws import Verdict, judge
from tests.truth import YARDSTICKS


@dataclass(frozen=True, slots=True)
class Result:
    """How often it was killed, what it delivered, whether the laws hold, by stream, and what it called a bug itself."""

    kills: int
    events: int
    verdicts: Mapping[str, Verdict]
    bugs: Sequence[str]

    @property
    def good(self) -> bool:
        return all(self.verdicts.values()) and not self.bugs

    def __str__(self) -> str:
        head = f"{self.kills} kills, {self.events} events, {len(self.bugs)} bugs"
        told = [f"{stream}: {verdict}" for stream, verdict in self.verdicts.items()]
        return "\n".join([head, *self.bugs[:3], *told])


async def settled(log: Path, offset: int, quiet: datetime) -> None:
    """Wait until every sweep was complete twice after `quiet`: so once from its first page on.

    `log` is that of the poller, from `offset` on.
    """
    page = None
    while page is None:
        await anyio.sleep(0.05)
        page = _page(log, offset)
    complete: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    async with httpx.AsyncClient(base_url=page, trust_env=False, timeout=60) as http:
        while not complete or min(map(len, complete.values())) < 2:
            for stream in (await http.get("/api/streams")).json():
                for sweep in stream["sweeps"]:
                    found = complete[stream["source"], stream["stream"], sweep["name"]]
                    if sweep["last_success"] and datetime.fromisoformat(sweep["last_success"]) > quiet:
                        found.add(sweep["last_success"])
            await anyio.sleep(0.1)


async def aftermath(at: str, folder: Path, sources: Collection[str], kills: int) -> Result:
    """Hold the files against the truth of the sandbox at `at`. Sources have the names of their vendors."""
    verdicts, total = {}, 0
    async with httpx.AsyncClient(base_url=at, trust_env=False, timeout=60) as http:
        for row in YARDSTICKS.values():
            source, _, stream = row.name.partition("/")
            if source not in sources:
                continue
            told = (await http.get("/_sandbox/truth", params={"stream": row.name})).json()["records"]
            truth = {name: row.life(life["versions"], life["vanished"]) for name, life in told.items()}
            events = list(_lines(folder / "events" / source, stream))
            verdict = verdicts[row.name] = judge(events, truth, row.content)
            rejects = Counter(reject["id"] for reject in _lines(folder / "rejects" / source, stream))
            verdict.twice += [f"{name}: a reject" for name, times in rejects.items() if times > 1]
            total += len(events)
    return Result(kills, total, verdicts, _bugs(folder / "poller.log"))


def written(log: Path) -> int:
    """How long a log is so far."""
    return log.stat().st_size


def _page(log: Path, offset: int) -> str | None:
    """Where the poller says that its page is."""
    lines = log.read_bytes()[offset:].splitlines(keepends=True)
    started = [line for line in lines if b'"poller.started"' in line and line.endswith(b"\n")]
    return str(orjson.loads(started[0])["page"]) if started else None


def _lines(folder: Path, stream: str) -> Iterator[dict[str, Any]]:
    """All lines of a stream's files, closed ones first, in the order they were written."""
    for path in [*sorted(folder.glob(f"{stream}-??????.jsonl*")), *folder.glob(f"{stream}.jsonl")]:
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        if data and not data.endswith(b"\n"):
            raise AssertionError(f"{path}: a torn line")
        yield from map(orjson.loads, data.splitlines())


def _bugs(log: Path) -> list[str]:
    """What a poller met that it had no name for."""
    return [line for line in log.read_text().splitlines() if '"outcome":"bug"' in line or "Traceback" in line]
