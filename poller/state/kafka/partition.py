"""One partition of the state while it is ours: events and the checkpoints they make true, in one transaction."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice

import anyio
import anyio.lowlevel
import anyio.to_thread

from outputs import OutputError
from outputs.kafka.producer import Producer
from outputs.kafka.records import ProducerRecord
from poller.clock import Now
from poller.events.seen import Seen, pack_keys
from poller.state.commit_queue import CommitQueue
from poller.state.delivery import Delivery
from poller.state.kafka import KafkaState, reader
from poller.state.kafka.contents import Contents, Rows, parts
from poller.state.kafka.event_topics import EventTopics
from poller.state.ledger import Change, OwnershipLost
from poller.state.reader import Restored
from poller.state.rows import CHECKPOINT, IN_DOUBT, doubts_of, encode
from poller.telemetry import Telemetry

_MOST = 5_000
"""Messages, or records of the state, of one transaction: it is to last milliseconds. A page is never split: one of
20,000 calls, 50 MB, takes half a second."""
_TOO_SPARSE = 4
"""Chunks are rewritten once they hold this many times what is live,"""
_SMALL = 1 << 20
"""and so many bytes more;"""
_TOO_MANY = 1_000
"""or once there are so many more than twice what the last rewriting left,"""
_FEW = 500
"""and more than one for so many entries."""
_AT_ONCE = 32
"""Chunks that are rewritten at once: eight megabytes at most."""


class Partition:
    """A claimed partition; it is ours until it is `lost`, which is for good: after a failed write nobody knows what is
    true there, until the partition is claimed and read again.

    Restore a stream before you commit to it: what was restored under an earlier claim is not true any more.
    """

    def __init__(
        self,
        state: KafkaState,
        partition: int,
        contents: Contents,
        producer: Producer,
        event_topics: EventTopics,
        delivery: Delivery,
        telemetry: Telemetry,
        now: Now,
    ) -> None:
        self._state, self._partition = state, partition
        self._contents, self._producer, self._event_topics = contents, producer, event_topics
        self._delivery, self._now = delivery, now
        self._queue = CommitQueue(self._commit, telemetry, _MOST)
        self._producer_free = anyio.Lock()
        self._doubts: dict[str, set[int]] = {}
        self._rewritten: dict[str, int] = {}
        self._seen: dict[str, Seen] = {}
        self._loading: dict[str, Iterator[None]] = {}
        self.lost = anyio.Event()
        self.why = ""
        self.committed = False

    def lose(self, why: str) -> None:
        """Give the partition up: nothing is written to it any more. The first reason stays."""
        if not self.lost.is_set():
            self.why = why
            self.lost.set()

    def get(self, key: str) -> bytes | None:
        """Return one value. Raises OwnershipLost."""
        self._check()
        return self._contents.get(key)

    def under(self, prefix: str) -> Mapping[str, bytes]:
        """Return all values whose key begins with the prefix, by the rest of the key."""
        return self._contents.under(prefix)

    async def restore(self, stream: str, keep: float | None) -> Restored:
        """Read what is known of a stream, or give it again with what was committed since. Raises OwnershipLost."""
        self._check()
        seen = self._seen.setdefault(stream, Seen(keep))
        seen.keep = keep
        steps = self._loading.pop(stream, None) or seen.loading(
            self._contents.take(stream), self._contents.size(stream)
        )
        try:
            for _ in steps:
                await anyio.lowlevel.checkpoint()
        except BaseException:  # what was taken is neither here nor there: the next time goes on with it
            self._loading[stream] = steps
            raise
        self._check()
        doubts = doubts_of(self._contents, stream)
        self._doubts[stream] = set(doubts)
        return Restored(CHECKPOINT.read(self._contents, stream), seen, doubts)

    async def commit(self, change: Change) -> None:
        """Deliver and save; several that wait together are one transaction. Raises OwnershipLost."""
        self._check(change.stream)
        await self._queue.put(change)

    async def flush(self) -> None:
        """Save the changes that wait, in one transaction; where the partition is lost, nobody wants them any more."""
        with suppress(OwnershipLost):
            await self._queue.flush()

    async def _commit(self, group: Sequence[Change]) -> None:
        self._check()
        messages = [message for change in group for message in change.batch.messages]
        posts = await self._event_topics.posts(messages)
        if messages and self._delivery.doubtful:
            if doubted := self._doubt_rows(self._doubts_after(group, delivered=False)):
                await self.save(doubted)
            await self._delivery.deliver(messages)
        certain = self._doubts_after(group, delivered=True)
        rows = {CHECKPOINT.key(change.stream): encode(change.checkpoint) for change in group} | self._doubt_rows(
            certain
        )
        at = int(self._now().timestamp())
        for change in group:
            self._let_go(change.stream)
            rows |= self._contents.added(change.stream, at, change.batch.seen.rows())
        await self.save(rows, posts)
        self._doubts |= certain
        self.committed = True

    def _doubts_after(self, group: Sequence[Change], *, delivered: bool) -> Mapping[str, set[int]]:
        """Return what is in doubt of each stream while the batches are on their way, or once they are `delivered`."""
        found = {change.stream: self._doubts[change.stream] for change in group}
        for change in group:
            doubts, delivered_now = found[change.stream], change.batch.seen.delivered
            found[change.stream] = doubts - delivered_now if delivered else doubts | delivered_now
        return found

    def _doubt_rows(self, doubts: Mapping[str, Collection[int]]) -> dict[str, bytes | None]:
        rows = {IN_DOUBT.key(stream): pack_keys(keys) or None for stream, keys in doubts.items()}
        return {key: value for key, value in rows.items() if value != self._contents.get(key)}

    async def save(self, rows: Rows, posts: Sequence[ProducerRecord] = ()) -> None:
        """Write rows and events in one transaction. Raises OwnershipLost, and the partition is lost with it."""
        async with self._transaction() as producer:
            state = [reader.post(self._state, self._partition, key, value) for key, value in rows.items()]
            await producer.transaction([*posts, *state])
            self._contents.put(rows)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Producer]:
        async with self._producer_free:
            self._check()
            try:
                yield self._producer
            except BaseException as error:
                self.lose(str(error) or type(error).__name__)
                if isinstance(error, OutputError):
                    self._event_topics.failed(error)
                    raise OwnershipLost(f"nobody knows whether the commit holds: {error}") from error
                raise

    def _let_go(self, stream: str) -> None:
        """Hold no longer what former commits saved: who commits again has put it into `seen`."""
        seen = self._seen[stream]
        for chunk in self._contents.take(stream):
            if not seen.has_chunk(chunk):
                seen.load(chunk)

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Forget what was committed before this time, and rewrite the rest where most of it is superseded.

        The stream itself commits nothing meanwhile; the others do.
        """
        self._check(stream)
        old = [chunk.key for chunk in self._contents.chunks(stream) if chunk.at < before]
        await self._save_in_parts(dict.fromkeys(old))
        for _ in seen.expire(self._now().timestamp()):
            await anyio.lowlevel.checkpoint()
        if self._is_wasteful(stream, seen):
            await self._rewrite(stream, seen)

    def _is_wasteful(self, stream: str, seen: Seen) -> bool:
        most = _TOO_MANY + max(2 * self._rewritten.get(stream, 0), len(seen) // _FEW)
        too_large = self._contents.size(stream) > _TOO_SPARSE * seen.packed_size + _SMALL
        return too_large or len(self._contents.chunks(stream)) > most

    async def _rewrite(self, stream: str, seen: Seen) -> None:
        """Write new chunks before the old ones are forgotten: new ones win, so a crash in between loses nothing."""
        old = [chunk.key for chunk in self._contents.chunks(stream)]
        chunks, written = seen.pack_by_day(), 0
        while some := await anyio.to_thread.run_sync(lambda: list(islice(chunks, _AT_ONCE))):
            await self._save_in_parts(self._contents.appended(stream, some))
            self._let_go(stream)
            written += len(some)
        await self._save_in_parts(dict.fromkeys(old))
        self._rewritten[stream] = written

    async def _save_in_parts(self, rows: Rows) -> None:
        for some in parts(rows, _MOST):
            await self.save(some)

    def _check(self, stream: str | None = None) -> None:
        if self.lost.is_set():
            raise OwnershipLost(self.why)
        if stream is not None and stream not in self._doubts:
            raise OwnershipLost(f"{stream} is to be restored anew: it was claimed again since")
