"""The end of a chaos run: wait until the pollers have delivered every last state, and judge by the laws."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import httpx
import orjson
import zstandard

from tests.chaos.hasty import configured_reaches
from tests.chaos.vices import AMOUNTS
from tests.laws.laws import Life, Verdict, judge
from tests.laws.meaning import read_event
from tests.laws.progress import PROGRESS, broken_promises
from tests.laws.truth import YARDSTICKS, Yardstick

Lines: TypeAlias = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""The lines delivered of each stream, named (source, stream), in order."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run's result: its troubles, counted; what it delivered; verdicts by stream; what it called a bug itself."""

    troubles: Mapping[str, int]
    events: int
    rejects: int
    verdicts: Mapping[str, Verdict]
    bugs: list[str]

    @property
    def good(self) -> bool:
        return all(self.verdicts.values()) and not self.bugs

    def __str__(self) -> str:
        befell = [f"{times} {what}" for what, times in sorted(self.troubles.items())]
        head = ", ".join([*befell, f"{self.events} events", f"{self.rejects} rejects", f"{len(self.bugs)} bugs"])
        told = [f"{stream}: {verdict}" for stream, verdict in self.verdicts.items()]
        return "\n".join([head, *self.bugs[:3], *told])


async def settled(logs: Mapping[Path, int], sources: Mapping[str, Any], quiet: datetime) -> None:
    """Wait until every sweep was complete twice after `quiet`, and so once from its first page on.

    `logs` maps the logs of the pollers that share the `sources` to the offsets from which to read them.
    """
    pages = [await _page(log, offset) for log, offset in logs.items()]
    complete: dict[tuple[str, ...], set[str]] = {
        (source, stream, sweep): set()
        for source, asked in sources.items()
        for stream, of in asked["streams"].items()
        for sweep in of["sweeps"]
    }
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        while min(map(len, complete.values())) < 2:
            answers = [await http.get(f"{page.rstrip('/')}/api/streams") for page in pages]
            for stream in (stream for answer in answers for stream in answer.json()):
                for sweep in stream["sweeps"]:
                    found = complete[stream["source"], stream["stream"], sweep["name"]]
                    if sweep["last_success"] and datetime.fromisoformat(sweep["last_success"]) > quiet:
                        found.add(sweep["last_success"])
            await anyio.sleep(0.1)


async def aftermath(
    at: str, events: Lines, rejects: Lines, troubles: Mapping[str, int], logs: Collection[Path]
) -> Result:
    """Hold what was delivered against the truth of the sandbox at `at`. Sources have the names of their vendors."""
    verdicts = {}
    for row, truth in (await truths(at)).items():
        stream = row.vendor, row.stream
        told = [line for line in events.get(stream, ()) if line["type"] != PROGRESS]
        verdict = verdicts[row.name] = judge(told, truth, row.content)
        rejected = Counter(reject["id"] for reject in rejects.get(stream, ()))
        verdict.twice += [f"{name}: a reject" for name, times in rejected.items() if times > 1]
    bugs = [bug for log in logs for bug in _bugs(log)]
    return Result(troubles, sum(map(len, events.values())), sum(map(len, rejects.values())), verdicts, bugs)


async def keep_promises(at: str, sources: Mapping[str, Any], events: Lines, rejects: Lines, result: Result) -> None:
    """Add to the result what progress events promised in vain; the lines of each stream are in order."""
    lag = timedelta(seconds=AMOUNTS["replica_seconds"])
    reach = configured_reaches(sources)
    for row, truth in (await truths(at)).items():
        stream = row.vendor, row.stream
        lines, told = events.get(stream, ()), rejects.get(stream, ())
        result.verdicts[row.name].promised += broken_promises(lines, truth, reach[stream], lag, told)


async def truths(at: str) -> Mapping[Yardstick, Mapping[str, Life]]:
    """Return what the sandbox at `at` knows of each of its streams."""
    found = {}
    async with httpx.AsyncClient(base_url=at, trust_env=False, timeout=60) as http:
        for row in YARDSTICKS.values():
            told = (await http.get("/_sandbox/truth", params={"stream": row.name})).json()["records"]
            found[row] = {name: row.life(life["versions"], life["vanished"]) for name, life in told.items()}
    return found


def from_files(folder: Path) -> Lines:
    """Read the files `folder/SOURCE/STREAM.jsonl`, those that were closed too."""
    return {
        (row.vendor, row.stream): list(stream_lines(folder / row.vendor, row.stream)) for row in YARDSTICKS.values()
    }


def written(log: Path) -> int:
    """Return the length of a log so far, in bytes."""
    return log.stat().st_size if log.exists() else 0


async def _page(log: Path, offset: int) -> str:
    """Wait until the poller says where its page is, and return that address."""
    while True:
        lines = (await anyio.Path(log).read_bytes())[offset:].splitlines(keepends=True)
        for line in lines:
            if b'"poller.started"' in line and line.endswith(b"\n"):
                return str(orjson.loads(line)["page"])
        await anyio.sleep(0.05)


def stream_lines(folder: Path, stream: str) -> Iterator[dict[str, Any]]:
    """Yield all lines of a stream's files, closed files first, in the order they were written."""
    for path in [*sorted(folder.glob(f"{stream}-??????.jsonl*")), *folder.glob(f"{stream}.jsonl")]:
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        if data and not data.endswith(b"\n"):
            raise AssertionError(f"{path}: a torn line")
        yield from map(read_event, data.splitlines())


def _bugs(log: Path) -> list[str]:
    """Return the lines of a log in which a poller reports a bug."""
    return [line for line in log.read_text().splitlines() if '"outcome":"bug"' in line or "Traceback" in line]
