"""A producer for Kafka with a deadline for every step; after a failure a new client takes the place of the old one."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import anyio
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from outputs import OutputError
from outputs.kafka.batching import LARGEST, Compression, fill, packed, size
from outputs.kafka.connection import Cluster
from outputs.kafka.errors import FAILURES, ErrorCollector, cancelled_by_us_alone
from outputs.kafka.records import ProducerRecord, partition

STARTING = 20.0
"""Seconds for the start on its own: it waits until every older transaction of the same id is settled."""
POSTING = 7.0
"""Seconds for posts to be durable, the start of a new producer included."""
TRANSACTION = 10.0
"""Seconds from the begin of a transaction to the end of its commit. A leader that was killed is replaced after 12."""
_CLOSING = 1.5
_USUAL = 1_000_000
"""Bytes that a topic takes unless it is told otherwise (max.message.bytes), rounded down."""

Accept: TypeAlias = Callable[[Sequence[tuple[Any, int]]], None]
"""Looks at aiokafka's `RecordMetadata` of each batch, those of a partition in order, with the number of its records.
Raises where all is to be void."""


class TooLarge(OutputError):
    """The broker refused these `batches` for their size."""

    def __init__(self, text: str, batches: Sequence[Sequence[ProducerRecord]]) -> None:
        super().__init__(text)
        self.batches = batches


class Producer:
    """A producer whose records are acknowledged by every replica in sync, in order, none sent twice by its own retries.

    Any failure, and any deadline, ends aiokafka's producer: what became of the records on their way is not known then,
    and it would go on failing (https://github.com/aio-libs/aiokafka/issues/1017). `post` takes a new one. `largest` is
    how many bytes the batches of each topic may have, as far as others have learned that.
    With a `transactional_id`, the last that started fences all others of the same id, and `accept` is given where the
    batches of a transaction went before it is committed.
    """

    def __init__(
        self,
        cluster: Cluster,
        compression: Compression,
        largest: Mapping[str, int],
        transactional_id: str | None = None,
        accept: Accept = lambda written: None,
    ) -> None:
        self._cluster, self._accept = cluster, accept
        self._largest = largest
        self._halved: MutableMapping[str, int] = {}
        self._options = {
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": None if compression == "none" else compression,
            "max_batch_size": 2 * LARGEST,  # never reached: we pack by ourselves
            "retry_backoff_ms": 100,
            **({"transactional_id": transactional_id, "transaction_timeout_ms": 15_000} if transactional_id else {}),
        }
        self._producer: Any = None
        self._witness = ErrorCollector()

    async def start(self) -> None:
        """Connect; with a transactional id, fence the others and settle what they left. Raises OutputError."""
        async with self._attempt(STARTING):
            await self._start()

    async def post(self, posts: Sequence[ProducerRecord]) -> None:
        """Send records, and return once all are durable. Raises OutputError; TooLarge if it is for their size.

        A cancellation ends it at once. After that, as after an error, some records may have been written.
        """
        async with self._attempt(POSTING):
            await self._send(await self._start(), posts)

    async def transaction(self, posts: Sequence[ProducerRecord]) -> None:
        """Write all of the records, or none, for readers of what is committed. Only its deadline cancels it.

        Raises OutputError, after which nobody knows whether it was committed: start again, then read. What `accept`
        raises ends it before it is committed.
        """
        with anyio.CancelScope(shield=True):
            async with self._attempt(TRANSACTION):
                if not (producer := self._producer):
                    raise OutputError(f"{self._cluster.place}: the producer has ended, and is to be started first")
                await producer.begin_transaction()
                self._accept(await self._send(producer, posts))
                await producer.commit_transaction()

    async def close(self) -> None:
        """Close, and give up what is under way. It never raises, and never takes long."""
        producer, self._producer = self._producer, None
        if producer:
            with anyio.move_on_after(_CLOSING, shield=True), suppress(Exception), cancelled_by_us_alone():
                await producer.stop()  # it says once more what it died of
            await _end(producer)

    @asynccontextmanager
    async def _attempt(self, seconds: float) -> AsyncIterator[None]:
        try:
            with self._witness.listening(), anyio.fail_after(seconds):
                yield
        except BaseException as error:
            producer, self._producer = self._producer, None
            if producer:
                await _end(producer)
            if not isinstance(error, FAILURES):
                raise
            raise self._witness.judge(self._cluster.place, error) from error

    async def _start(self) -> Any:
        if not self._producer:
            self._producer = AIOKafkaProducer(**self._cluster.connection(), **self._options)
            await self._producer.start()
        return self._producer

    async def _send(self, producer: Any, posts: Sequence[ProducerRecord]) -> Sequence[tuple[Any, int]]:
        sent: list[tuple[Sequence[ProducerRecord], asyncio.Future[Any]]] = []
        try:
            for (topic, place), those in (await _by_partition(producer, posts)).items():
                for some in packed(those, self._room(topic)):
                    fill(batch := producer.create_batch(), some)
                    sent.append((some, await producer.send_batch(batch, topic, partition=place)))
            results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        finally:
            for _, future in sent:
                future.cancel()
        self._judge([(some, error) for (some, _), error in zip(sent, results, strict=True)])
        return [(result, len(some)) for (some, _), result in zip(sent, results, strict=True)]

    def _room(self, topic: str) -> int:
        return min(LARGEST, self._largest.get(topic, _USUAL), self._halved.get(topic, LARGEST))

    def _judge(self, results: Sequence[tuple[Sequence[ProducerRecord], Any]]) -> None:
        """Raise what went wrong. A batch may be too large because nobody knows how large it may be."""
        refused = [posts for posts, result in results if isinstance(result, MessageSizeTooLargeError)]
        for posts in refused:
            self._halved[posts[0].topic] = sum(map(size, posts)) // 2
        if refused:
            topics = ", ".join(sorted({posts[0].topic for posts in refused}))
            raise TooLarge(f"{self._cluster.place}: too large for topic {topics}", refused)
        for _, result in results:
            if isinstance(result, BaseException):
                raise result


async def _by_partition(
    producer: Any, posts: Sequence[ProducerRecord]
) -> Mapping[tuple[str, int], Sequence[ProducerRecord]]:
    counts = {topic: len(await producer.partitions_for(topic)) for topic in {post.topic for post in posts}}
    found: defaultdict[tuple[str, int], list[ProducerRecord]] = defaultdict(list)
    for post in posts:
        found[post.topic, partition(post, counts[post.topic])].append(post)
    return found


async def _end(producer: Any) -> None:
    """End a producer at once, whatever it waits for; its own `stop` would wait for a broker that is away.

    Privates of aiokafka 0.14: its batches are failed first, as a commit that is under way waits for them, then its
    task is cancelled, which waits for requests under way, which end as the connections close.
    """
    producer._closed = True
    accumulator, task = producer._message_accumulator, producer._sender.sender_task
    if task:  # without transactions, what it does in the end fails itself
        task.remove_done_callback(producer._sender._fail_all)
    pending = accumulator._pending_batches
    pending.update(batch for queue in accumulator._batches.values() for batch in queue)  # where each is looked for
    accumulator.fail_all(KafkaError("the producer was given up"))
    _hear(*(future for batch in pending for future in (batch.future, batch._drain_waiter)))
    with anyio.move_on_after(_CLOSING, shield=True):
        while task and not task.done():
            task.cancel()
            await producer.client.close()
            await asyncio.wait({task}, timeout=0.1)
        await producer.client.close()
    _hear(task, producer._txn_manager and producer._txn_manager._transaction_waiter)


def _hear(*futures: "asyncio.Future[Any] | None") -> None:
    """Retrieve the exceptions of futures, so that asyncio does not complain that nobody did."""
    for future in futures:
        if future and future.done() and not future.cancelled():
            future.exception()
