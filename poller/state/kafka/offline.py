"""A state in Kafka while its group has no members: read as a whole, and changed by hand."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from outputs import OutputError
from outputs.kafka.producer import Producer
from poller.errors import ConfigError
from poller.events.buckets import ITEM
from poller.state.kafka import KafkaState, reader
from poller.state.kafka.contents import Contents, Rows, parts, pieces
from poller.state.kafka.encryption import TokenCipher
from poller.state.kafka.owners import partition_of, require_no_members
from poller.state.kafka.reader import contents_of, missing_topic
from poller.state.kafka.topic import Prepared, begin, prepare
from poller.state.offline import StateDump
from poller.state.rows import MARK, TOKEN, encode, name_of, source_of

_MOST = 5_000
"""Records of one transaction."""


class OfflineTopic:
    """Implements `OfflineState`. The rows of a partition are one transaction, unless they are very many.

    We write under the transactional ids of replicas: one that starts meanwhile fences us, and reads what we wrote.
    """

    def __init__(self, prepared: Prepared, contents: Contents) -> None:
        self._prepared, self._state, self._contents = prepared, prepared.state, contents
        self._cipher = TokenCipher(self._state.token_key)

    def all(self) -> StateDump:
        """Return everything in it. Raises ConfigError if a token was encrypted with another key."""
        rows = self._contents.under("")
        for key in [key for key in rows if TOKEN.has(key)]:
            rows[key] = encode(self._cipher.open(name_of(key), rows[key]))
        streams = self._contents.streams()
        return StateDump(rows, [(name, at, data) for name in streams for at, data in self._contents.data(name)])

    async def forget(self, keys: Collection[str], streams: Collection[str]) -> None:
        """Remove these rows, and the chunks of these streams."""
        rows: dict[str, bytes | None] = dict.fromkeys(keys)
        rows |= {chunk.key: None for stream in streams for chunk in self._contents.chunks(stream)}
        await self._save(rows)

    async def move(self, added: StateDump, keys: Collection[str], streams: Collection[str]) -> None:
        """Write, and then write tombstones: what is cut short between the two holds both."""
        await self.fill(added)
        await self.forget(keys, streams)

    async def fill(self, whole: StateDump) -> list[str]:
        """Write all of a dump, tokens encrypted, and return what was left out: the ends of files mean nothing here."""
        rows: dict[str, bytes | None] = {key: value for key, value in whole.rows.items() if not MARK.has(key)}
        for source in whole.tokens:
            key = TOKEN.key(source)
            rows[key] = self._cipher.close(source, TOKEN.decode(whole.rows[key]))
        for stream, at, data in whole.chunks:
            rows |= self._contents.appended(stream, [(at, piece) for piece in pieces(data, ITEM)])
        await self._save(rows)
        marks = sum(map(MARK.has, whole.rows))
        return [f"where {marks} files ended: with state in Kafka there are no file outputs"] if marks else []

    async def _save(self, rows: Rows) -> None:
        by_partition: dict[int, dict[str, bytes | None]] = {}
        for key, value in rows.items():
            by_partition.setdefault(partition_of(self._state, source_of(key)), {})[key] = value
        try:
            if self._prepared.fresh:
                await begin(self._prepared)
            for partition, some in sorted(by_partition.items()):
                await self._write(partition, some)
        except OutputError as error:
            raise ConfigError(f"state: {error}; look at what is there, and do it again") from None

    async def _write(self, partition: int, rows: Rows) -> None:
        producer = Producer(self._state, "zstd", {}, self._state.transactional_id(partition))
        try:
            await producer.start()
            for some in parts(rows, _MOST):
                await producer.transaction(
                    [reader.post(self._state, partition, key, value) for key, value in some.items()]
                )
        finally:
            await producer.close()


@asynccontextmanager
async def open_offline_topic(state: KafkaState, *, make: bool) -> AsyncIterator[OfflineTopic]:
    """Open a state that nobody polls with. Raises ConfigError where somebody does, and where there is none, unless
    `make`."""
    try:
        await require_no_members(state)
        if not make and (missing := await missing_topic(state)):
            raise ConfigError(missing)
        prepared = await prepare(state, {})
        found = await contents_of(state, range(prepared.look.topic.partitions))
    except OutputError as error:
        raise ConfigError(f"state: {error}") from None
    yield OfflineTopic(prepared, found)
