"""New records by other ways: small pages, over TLS, to standard output, into Kafka."""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import trustme

from tests.bench import calls
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import ECHO, by_echo, by_poller, first, records_cell
from tests.kafka.broker import Broker

SMALL, SMALL_PAGES = 25, 225


@lru_cache
def small() -> Sequence[bytes]:
    return calls.pages(range(SMALL_PAGES * SMALL), SMALL)


async def pages_of_25() -> Found:
    pages = small()
    return {ECHO: await by_echo(pages, SMALL), "poller": await by_poller(pages, size=SMALL)}


async def over_tls() -> Found:
    authority = trustme.CA()
    return {ECHO: await by_echo(first(), tls=authority), "poller": await by_poller(first(), tls=authority)}


async def to_stdout() -> Found:
    poller = await by_poller(first(), outputs={"lines": {"type": "stdout"}})
    return {ECHO: await by_echo(first()), "poller": poller}


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    """A broker of this round, on the vendor's core."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        node = Broker(Path(folder))
        try:
            await asyncio.to_thread(node.start)
            yield node
        finally:
            await asyncio.to_thread(node.stop)


async def into_kafka() -> Found:
    """Compare with a file: events and checkpoint are one transaction."""
    async with broker() as node:
        fixed: dict[str, Any] = {"type": "kafka", "bootstrap_servers": node.at["PLAINTEXT"], "replication": 1}
        run = uuid.uuid4().hex
        kafka = await by_poller(
            first(),
            outputs={"bus": {**fixed, "topic": f"{run}.{{kind}}", "rejects_topic": f"{run}.rejects"}},
            state={**fixed, "topic": f"{run}.state", "group": run},
        )
    return {ECHO: await by_echo(first()), "file": await by_poller(first()), "Kafka": kafka}


CELLS: Sequence[Cell] = (
    records_cell("pages-25", "new records, 25 a page", None, pages_of_25),
    records_cell("tls", "new records, over TLS", None, over_tls),
    records_cell("stdout", "new records, to standard output", None, to_stdout),
    Cell("kafka", "new records, into Kafka, transactional", "µs a record", into_kafka, [Goal("Kafka", 1.4, "file")], 3),
)
