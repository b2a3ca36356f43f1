"""The output to Kafka: a batch is delivered when every replica in sync has it, at least once."""

from collections.abc import Collection, Sequence
from typing import Self

import anyio

from outputs import Marks, Message, OutputError, Unreachable
from outputs.kafka.connection import Cluster
from outputs.kafka.prepare import RecordPreparer
from outputs.kafka.producer import Producer, TooLarge
from outputs.kafka.records import ProducerRecord

DEADLINE = 8.0
"""Seconds for one write."""


class KafkaOutput:
    """An output whose records `preparer` makes; the topics in `first` are there from the start."""

    exact: bool = False

    def __init__(self, cluster: Cluster, preparer: RecordPreparer, producer: Producer, first: Collection[str]) -> None:
        self.notices: Sequence[str] = ()
        self._cluster, self._preparer, self._producer = cluster, preparer, producer
        self._first = first

    async def __aenter__(self) -> Self:
        """Log in and see to the topics. Raises Unreachable while the cluster is away, OutputError if it refuses us."""
        self.notices = await self._preparer.learn(self._first)  # where there are none, this is the login still
        await self._producer.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Leave the cluster."""
        await self._producer.close()

    def announce(self, batch: Sequence[Message]) -> Marks:
        """Return no marks: what is in Kafka cannot be taken back."""
        return {}

    async def write(self, batch: Sequence[Message]) -> Marks:
        """Send every message, those that are `last` once all others are there.

        Raises OutputError; Undeliverable before anything is sent, if sizes tell it.
        """
        first = [message for message in batch if not message.last]
        try:
            with anyio.fail_after(DEADLINE):
                await self._send(first)
                await self._send([message for message in batch if message.last])
        except TimeoutError:
            self._preparer.forget()
            raise Unreachable(f"{self._cluster.place} has not taken a batch in {DEADLINE:g} s") from None
        except OutputError:
            self._preparer.forget()  # a topic may have been deleted, or altered
            raise
        return {}

    async def _send(self, batch: Sequence[Message]) -> None:
        posts = await self._preparer(batch) if batch else ()
        while too_large := await self._try(posts):
            self._preparer.refuse(batch, posts, [some[0] for some in too_large if len(some) == 1])

    async def _try(self, posts: Sequence[ProducerRecord]) -> Sequence[Sequence[ProducerRecord]]:
        """Send records; return the batches that the broker found too large. The next try makes smaller ones."""
        try:
            await self._producer.post(posts)
        except TooLarge as error:
            return error.batches
        return ()
