"""Ledgers on a real Kafka: opened as after a start, and watched while sources come and go."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import anyio

from poller.state.delivery import Delivery
from poller.state.kafka import KafkaState
from poller.state.kafka.ledger import KafkaLedger
from poller.telemetry import Telemetry
from tests.kafka.reading import DEADLINE, Place
from tests.state.ledgers import Sink
from tests.support.toy import NOON

KEY = "a key for tests only"


def state(kafka: Place, **changes: Any) -> KafkaState:
    """Configure a state of one partition in a topic of our own."""
    names = {"topic": f"{kafka.prefix}state", "group": f"{kafka.prefix}group", "session_timeout": "6s"}
    usual = {"type": "kafka", "bootstrap_servers": kafka.at, "partitions": 1, "replication": 1, "token_key": KEY}
    return KafkaState.model_validate(usual | names | changes)


class Replica:
    """A ledger at work: `ours` is the last that it said, `said` all of it."""

    def __init__(self, ledger: KafkaLedger) -> None:
        self.ledger = ledger
        self.said: list[Collection[str]] = []

    @property
    def ours(self) -> Collection[str]:
        return self.said[-1] if self.said else ()

    async def listen(self, configured: Collection[str]) -> None:
        async for ours in self.ledger.sources(configured):
            self.said.append(ours)

    async def until(self, wanted: Callable[["Replica"], bool], seconds: float = DEADLINE) -> float:
        """Wait for it, and give how many seconds that took."""
        begun = anyio.current_time()
        with anyio.fail_after(seconds):
            while not wanted(self):  # noqa: ASYNC110  what it waits for is not all told
                await anyio.sleep(0.01)
        return anyio.current_time() - begun

    async def has(self, *sources: str) -> float:
        return await self.until(lambda replica: set(replica.ours) == set(sources))


@asynccontextmanager
async def unheard(
    kafka: Place, *sinks: Sink, now: Callable[[], datetime] = lambda: NOON, outputs: bool = True, **changes: Any
) -> AsyncIterator[KafkaLedger]:
    """Open a ledger that was not asked for its sources yet."""
    telemetry = Telemetry()
    config: Mapping[str, Any] = {"bus": kafka.config(partitions=2)} if outputs else {}
    async with (
        Delivery({sink.name: sink for sink in sinks}, telemetry) as delivery,
        KafkaLedger(state(kafka, **changes), config, delivery, telemetry, now, "replica") as ledger,
    ):
        yield ledger


@asynccontextmanager
async def replica(kafka: Place, *sources: str, **options: Any) -> AsyncIterator[Replica]:
    """Open a ledger and follow its sources; what goes wrong there ends the test."""
    async with unheard(kafka, *options.pop("sinks", ()), **options) as ledger, anyio.create_task_group() as group:
        one = Replica(ledger)
        group.start_soon(one.listen, sources)
        yield one
        group.cancel_scope.cancel()


@asynccontextmanager
async def owner(kafka: Place, *sources: str, **options: Any) -> AsyncIterator[KafkaLedger]:
    """Open a ledger whose are all of these sources (`acme` if none is named)."""
    sources = sources or ("acme",)
    async with replica(kafka, *sources, **options) as one:
        await one.has(*sources)
        yield one.ledger
