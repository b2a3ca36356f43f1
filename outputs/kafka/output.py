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
    """Posts messages to their topics, as `addressing` says; `first` are topics to be there at the start."""

    exact: bool = False

    def __init__(
        self, cluster: Cluster, addressing: RecordPreparer, producer: Producer, first: Collection[str]
    ) -> None:
        self.notices: Sequence[str] = ()
        self._cluster, self._addressing, self._producer = cluster, addressing, producer
        self._first = first

    async def __aenter__(self) -> Self:
        """Log in and see to the topics. Raises Unreachable while the cluster is away, OutputError if it refuses us."""
        self.notices = await self._addressing.learn(self._first)  # where there are none, this is the login still
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
        try:
            with anyio.fail_after(DEADLINE):
                posts = await self._addressing(batch)
                while too_large := await self._try(posts):
                    self._addressing.refuse(batch, posts, [some[0] for some in too_large if len(some) == 1])
        except TimeoutError:
            self._addressing.forget()
            raise Unreachable(f"{self._cluster.place} has not taken a batch in {DEADLINE:g} s") from None
        except OutputError:
            self._addressing.forget()  # a topic may have been deleted, or altered
            raise
        return {}

    async def _try(self, posts: Sequence[ProducerRecord]) -> Sequence[Sequence[ProducerRecord]]:
        """Post all of them, and give the batches that the broker found too large; the next try makes smaller ones."""
        try:
            await self._producer.post(posts)
        except TooLarge as error:
            return error.batches
        return ()
