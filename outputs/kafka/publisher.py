"""The output to Kafka: a batch is delivered when every replica in sync has it, at least once."""

from collections.abc import Collection, Sequence
from typing import Self

import anyio

from outputs import Marks, Message, OutputError, Undeliverable, Unreachable
from outputs.kafka.batches import Compression, compressed_size, size
from outputs.kafka.cluster import Cluster
from outputs.kafka.posts import Post, Posts
from outputs.kafka.producer import Producer, TooLarge
from outputs.kafka.topics import ensure

DEADLINE = 8.0
"""Seconds for one write."""


class Publisher:
    """Posts messages to their topics. Which these are shows when a message comes; then they are made where missing."""

    exact: bool = False

    def __init__(
        self,
        cluster: Cluster,
        posts: Posts,
        compression: Compression,
        first: Collection[str],
        partitions: int,
        replication: int | None,
    ) -> None:
        """`first`: topics to be there at the start."""
        self.notices: Sequence[str] = ()
        self._cluster = cluster
        self._posts = posts
        self._compression = compression
        self._first = first
        self._making = partitions, replication
        self._known: set[str] = set()
        self._largest: dict[str, int] = {}
        self._producer = Producer(cluster, compression, self._largest)

    async def __aenter__(self) -> Self:
        """Log in and see to the topics. Raises Unreachable while the cluster is away, OutputError if it refuses us."""
        self.notices = await self._learn(self._first)  # where there are none, this is the login still
        await self._producer.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Leave the cluster."""
        await self._producer.close()

    def announce(self, batch: Sequence[Message]) -> Marks:
        """Promise nothing."""
        return {}

    async def write(self, batch: Sequence[Message]) -> Marks:
        """Post every message. Raises Undeliverable, of which nothing is sent where sizes tell, or OutputError."""
        posts = [self._posts(message) for message in batch]
        try:
            with anyio.fail_after(DEADLINE):
                if unknown := {post.topic for post in posts} - self._known:
                    await self._learn(unknown)
                await self._refuse_oversized(batch, posts)
                while too_large := await self._try(posts):
                    self._refuse(batch, posts, [some[0] for some in too_large if len(some) == 1])
        except TimeoutError:
            self._known.clear()
            raise Unreachable(f"{self._cluster.place} has not taken a batch in {DEADLINE:g} s") from None
        except OutputError:
            self._known.clear()  # a topic may have been deleted, or altered
            raise
        return {}

    async def _try(self, posts: Sequence[Post]) -> Sequence[Sequence[Post]]:
        """Post all of them, and give the batches that the broker found too large; the next try makes smaller ones."""
        try:
            await self._producer.post(posts)
        except TooLarge as error:
            return error.batches
        return ()

    async def _learn(self, topics: Collection[str]) -> Sequence[str]:
        """See to topics, and give what is to be warned of."""
        found, warnings = await ensure(self._cluster, topics, *self._making)
        self._known |= found.keys()
        self._largest |= {name: topic.largest for name, topic in found.items() if topic.largest}
        return warnings

    async def _refuse_oversized(self, batch: Sequence[Message], posts: Sequence[Post]) -> None:
        if found := self._oversized(posts):
            await self._learn({post.topic for post in found})  # it may take more by now
            self._refuse(batch, posts, self._oversized(found))

    def _oversized(self, posts: Sequence[Post]) -> Sequence[Post]:
        return [
            post
            for post in posts
            if (most := self._largest.get(post.topic))
            and size(post) > most
            and compressed_size(post, self._compression) > most
        ]

    def _refuse(self, batch: Sequence[Message], posts: Sequence[Post], refused: Sequence[Post]) -> None:
        if refused:
            found = [message for message, post in zip(batch, posts, strict=True) if post in refused]
            topics = ", ".join(sorted({post.topic for post in refused}))
            raise Undeliverable(f"{self._cluster.place}: too large for topic {topics}", found)
