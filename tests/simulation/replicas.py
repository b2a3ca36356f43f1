"""Replicas in one process: several members over one ledger, between which sources move, and which fence each other.

A double of the consumer group and of Kafka's fencing, not of Kafka: `make chaos-kafka` has the real ones. Its vice: who
loses a source may hear of it late, polls on meanwhile, and learns it from a commit that is refused.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from random import Random

import anyio

from poller.events.seen import Seen
from poller.plugin.credentials import SaveToken, Token
from poller.state.ledger import Change, Ledger, OwnershipLost
from poller.state.reader import Restored

LONGEST_PEACE = 3600.0
"""Seconds between two rebalances."""
LATEST_NEWS = 2400.0
"""Seconds after which a member has heard of what it lost: long enough for a poll, which are seldom here."""


class Member:
    """Implements `Ledger` over the one that all share; commits of what is another member's are refused."""

    def __init__(self, shared: Ledger, save: SaveToken) -> None:
        self.owned: set[str] = set()
        self._told: frozenset[str] = frozenset()
        self._shared, self._save, self._news = shared, save, anyio.Event()

    def tell(self) -> None:
        """Let the member hear what it owns."""
        self._told = frozenset(self.owned)
        self._news.set()
        self._news = anyio.Event()

    async def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        async for _ in self._shared.sources(configured):
            pass
        while True:
            news = self._news
            yield self._told
            await news.wait()

    async def restore(self, stream: str, keep: float | None) -> Restored:
        return await self._shared.restore(stream, keep)

    async def commit(self, change: Change) -> None:
        await self.prove(change.stream.partition("/")[0])
        await self._shared.commit(replace(change, may_wait=False))  # who is fenced leaves nothing that waits

    async def flush(self) -> None:
        await self._shared.flush()

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        await self._shared.tidy(stream, seen, before)

    async def token(self, source: str) -> Token | None:
        return await self._shared.token(source)

    async def prove(self, source: str) -> None:
        if source not in self.owned:
            raise OwnershipLost(f"{source} is another member's")

    async def save_token(self, source: str, token: Token) -> None:
        await self.prove(source)
        await self._save(source, token)


async def rebalance(members: Sequence[Member], sources: Sequence[str], rng: Random) -> None:
    """Give every source an owner, and now and then another one, until cancelled."""
    async with anyio.create_task_group() as group:
        while True:
            for member in members:
                member.owned.clear()
            for source in sources:
                rng.choice(members).owned.add(source)
            for member in members:
                group.start_soon(_hear, member, rng.choice((0.0, 1.0, rng.uniform(0, LATEST_NEWS))))
            await anyio.sleep(rng.uniform(60, LONGEST_PEACE))


async def _hear(member: Member, seconds: float) -> None:
    await anyio.sleep(seconds)
    member.tell()
