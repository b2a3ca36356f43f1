"""`make chaos-kafka`: replicas over one Kafka and the sandbox with every vice on, all of which fail again and again."""

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import anyio
import yaml
from anyio.to_thread import run_sync

from poller.sandbox import server as serving
from poller.sandbox.registry import new_world
from poller.sandbox.vendors import flextell
from tests.chaos.aftermath import Lines, Result, aftermath, keep_promises, settled, written
from tests.chaos.files import SETTLING, Overlapping
from tests.chaos.hasty import sources
from tests.chaos.listener import Listener
from tests.chaos.vices import vices
from tests.kafka.broker import Broker
from tests.kafka.jars import NoKafka, jars
from tests.kafka.proxy import Proxy
from tests.kafka.reading import Place
from tests.kafka.storm import SESSION, Replica, Storm
from tests.laws.meaning import read_event

REPLICAS = 3
PREFIX = "chaos."
BROKEN = {"writing": 0.01, "other": 0.001}
"""Shares of the requests whose connection breaks."""


def configuration(at: str, kafka: str) -> dict[str, Any]:
    """Return all sweeps of all streams, fast, into a topic of each kind, in one transaction with the state."""
    there = {"type": "kafka", "bootstrap_servers": kafka, "replication": 1}
    state = {"topic": f"{PREFIX}state", "group": f"{PREFIX}group", "partitions": 8, "session_timeout": f"{SESSION:g}s"}
    topics = {"topic": f"{PREFIX}{{kind}}", "rejects_topic": f"{PREFIX}rejects", "partitions": 4}
    return {
        "sources": sources(at),
        "outputs": {"bus": there | topics},
        "state": there | state | {"token_key": "a key for tests only"},
        "server": {"port": 0},
        "progress": "1s",
    }


async def chaos(folder: Path, *, seconds: float, seed: int, unfenced: bool = False) -> Result:
    """Let everything fail for this many seconds; then judge. Raises NoKafka.

    In the end the world stands still, and all replicas live until every sweep was complete twice.
    """
    await run_sync(jars)  # where there are none, it is said here, and not in a group
    rng, troubles = random.Random(seed), Counter[str]()
    world = new_world(seed, 60, lambda: datetime.now(UTC), history=timedelta(minutes=10))
    sock = serving.listen(0)
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    flextell.Tokens = Overlapping  # type: ignore[attr-defined]
    async with _kafka(folder, rng, troubles) as (proxy, broker), anyio.create_task_group() as group:
        group.start_soon(serving.serve, sock, world)
        world.vices.set(vices())
        settings = configuration(at, proxy.at)
        replicas = _replicas(folder, settings, seed, troubles, unfenced)
        listener = Listener(Place(broker.at["PLAINTEXT"], PREFIX))
        listener.start()
        end = time.monotonic() + seconds
        storm = Storm(broker, replicas, rng, lambda: time.monotonic() > end)
        await storm.rage()
        world.quiet()
        world.vices.clear()
        proxy.be_honest()
        await _last_lives(replicas, settings["sources"])
        result, rejects = await _judged(at, broker, troubles, [replica.log for replica in replicas])
        heard = await run_sync(listener.finish)
        await keep_promises(at, settings["sources"], heard, rejects, result)
        if (count := sum(map(len, heard.values()))) != result.events:
            result.bugs.append(f"a consumer heard {count} of {result.events} events")
        troubles["times that a consumer began"] = listener.began
        group.cancel_scope.cancel()
    return result


@asynccontextmanager
async def _kafka(folder: Path, rng: random.Random, troubles: Counter[str]) -> AsyncIterator[tuple[Proxy, Broker]]:
    data = folder / "kafka"
    data.mkdir()
    async with Proxy.listening(rng, troubles, **BROKEN) as proxy:
        broker = Broker(data, proxy.at)
        proxy.behind = broker.at["PROXIED"]
        try:
            await run_sync(broker.start)
            yield proxy, broker
        finally:
            broker.stop()


def _replicas(
    folder: Path, settings: Mapping[str, Any], seed: int, troubles: Counter[str], unfenced: bool
) -> Sequence[Replica]:
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(settings))
    names = [f"poller-{number}" for number in range(REPLICAS)]
    return [
        Replica(config, folder / f"{name}.log", random.Random(f"{seed} {name}"), troubles, unfenced) for name in names
    ]


async def _last_lives(replicas: Sequence[Replica], polled: Mapping[str, Any]) -> None:
    quiet, logs = datetime.now(UTC), {replica.log: written(replica.log) for replica in replicas}
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(replica.run(0)) for replica in replicas]
        try:
            with anyio.fail_after(SETTLING):
                await settled(logs, polled, quiet)
        except TimeoutError:
            raise AssertionError(f"not every sweep was complete twice in {SETTLING:g} s; see {list(logs)}") from None
        async with anyio.create_task_group() as ends:
            for replica, process in zip(replicas, processes, strict=True):
                ends.start_soon(replica.end, process)


async def _judged(at: str, broker: Broker, troubles: Mapping[str, int], logs: Sequence[Path]) -> tuple[Result, Lines]:
    """Judge what a reader of committed messages gets; also return the rejects. A record has one partition."""
    place = Place(broker.at["PLAINTEXT"], PREFIX)
    names = {name.removeprefix(PREFIX) for name in place.topics()} - {"state"}
    events, spread = await run_sync(_read, place, names - {"rejects"})
    rejects, _ = await run_sync(_read, place, names & {"rejects"})
    result = await aftermath(at, events, rejects, troubles, logs)
    for (source, stream, identity), places in spread.items():
        if len(places) > 1:
            result.verdicts[f"{source}/{stream}"].disordered.append(f"{identity}: is in {sorted(places)}")
    return result, rejects


def _read(place: Place, names: Collection[str]) -> tuple[Lines, Mapping[tuple[str, str, str], Collection[str]]]:
    """Return the lines of topics, in order, and the places of those of each (source, stream, identity)."""
    lines: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    spread: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for name in names:
        for message in place.read(name):
            line = read_event(message.value() or b"")
            stream = line["source"].rpartition("/")[2], line["stream"]
            lines[stream].append(line)
            spread[*stream, line.get("subject", "")].add(f"{name} {message.partition()}")
    return lines, spread


def main() -> int:
    """Run from the command line; return 0 if nothing was lost, nothing came twice, and nothing out of order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--control", action="store_true", help="replicas do not fence each other: this is to be found")
    asked = parser.parse_args()
    folder = Path(mkdtemp(prefix="poller-chaos-kafka-"))
    sys.stdout.write(f"seed {asked.seed}: logs in {folder}/poller-*.log, the broker and its data in {folder}/kafka\n")
    sys.stdout.flush()
    result = None
    try:
        result = anyio.run(lambda: chaos(folder, seconds=asked.minutes * 60, seed=asked.seed, unfenced=asked.control))
        sys.stdout.write(f"{result}\n")
    except* (AssertionError, NoKafka) as errors:
        sys.stdout.writelines(f"{error}\n" for error in _each(errors))
    return int(not result or not result.good)


def _each(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        yield from _each(error) if isinstance(error, BaseExceptionGroup) else [error]


if __name__ == "__main__":
    sys.exit(main())
