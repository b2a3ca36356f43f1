"""Makes records that Kafka will take: their topics are there, and none is larger than its topic allows."""

from collections.abc import Collection, MutableMapping, Sequence

from outputs import Message, Undeliverable
from outputs.kafka.batching import Compression, compressed_size, size
from outputs.kafka.connection import Cluster
from outputs.kafka.records import ProducerRecord, RecordBuilder
from outputs.kafka.topics import ensure


class RecordPreparer:
    """A maker of records. It creates a missing topic as soon as a message comes for it.

    `largest` is how many bytes the batches of each topic may have; what is learned goes there.
    """

    def __init__(
        self,
        cluster: Cluster,
        build: RecordBuilder,
        compression: Compression,
        partitions: int,
        replication: int | None,
        largest: MutableMapping[str, int],
    ) -> None:
        self._cluster = cluster
        self._build = build
        self._compression = compression
        self._making = partitions, replication
        self._largest = largest
        self._known: set[str] = set()

    async def __call__(self, messages: Sequence[Message]) -> Sequence[ProducerRecord]:
        """Make the records of messages. Raises OutputError; Undeliverable for messages known to be too large."""
        posts = [self._build(message) for message in messages]
        if unknown := {post.topic for post in posts} - self._known:
            await self.learn(unknown)
        if found := self._oversized(posts):
            await self.learn({post.topic for post in found})  # it may take more by now
            self.refuse(messages, posts, self._oversized(found))
        return posts

    async def learn(self, topics: Collection[str]) -> Sequence[str]:
        """Prepare topics, and return what to warn of. Raises OutputError."""
        found, warnings = await ensure(self._cluster, topics, *self._making)
        self._known |= found.keys()
        self._largest.update({name: topic.largest for name, topic in found.items() if topic.largest})
        return warnings

    def forget(self) -> None:
        """Look at every topic again: one may have been deleted, or altered."""
        self._known.clear()

    def refuse(
        self, messages: Sequence[Message], posts: Sequence[ProducerRecord], refused: Collection[ProducerRecord]
    ) -> None:
        """Raise Undeliverable with the messages whose records were `refused`, if there are any."""
        if refused:
            found = [message for message, post in zip(messages, posts, strict=True) if post in refused]
            topics = ", ".join(sorted({post.topic for post in refused}))
            raise Undeliverable(f"{self._cluster.place}: too large for topic {topics}", found)

    def _oversized(self, posts: Sequence[ProducerRecord]) -> Sequence[ProducerRecord]:
        return [
            post
            for post in posts
            if (most := self._largest.get(post.topic))
            and size(post) > most
            and compressed_size(post, self._compression) > most
        ]
