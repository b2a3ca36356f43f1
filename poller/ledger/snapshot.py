"""What a state in Kafka holds now, read beside whoever writes it: nothing is claimed, fenced or made."""

from collections.abc import Iterable

from aiokafka import TopicPartition

from outputs import OutputError
from outputs.kafka.state import KafkaState
from outputs.kafka.topics import looking_at
from poller.errors import ConfigError
from poller.ledger.contents import Contents
from poller.ledger.reading import OWNER, consuming
from poller.ledger.records import encode
from poller.ledger.vault import Vault

_LONGEST_READ = 60.0
"""Seconds to read all of it."""
_QUIET = 3
"""So many empty answers in a row say that all was read: a record at the very end may be none that is shown."""


class Snapshot:
    """See `poller.ledger.Stored`."""

    def __init__(self, contents: Contents, vault: Vault) -> None:
        self._contents, self._vault = contents, vault

    def get(self, key: str) -> bytes | None:
        """One value; a token decrypted. Raises ConfigError where that takes another key."""
        value = self._contents.get(key)
        return encode(self._vault.open(key[2:], value)) if value and key.startswith("t|") else value

    def under(self, prefix: str) -> dict[str, bytes]:
        """All values whose key begins so, by the rest of the key."""
        return self._contents.under(prefix)

    def chunks(self, stream: str) -> Iterable[bytes]:
        """A stream's chunks, oldest first."""
        return [chunk.data for chunk in self._contents.chunks(stream)]


async def snapshot(state: KafkaState) -> Snapshot | None:
    """Read all of a state; None where there is none yet. Raises ConfigError where it cannot be read."""
    try:
        async with looking_at(state) as topics:
            found = await topics.describe([state.topic])
            await topics.allow(found, "Read")
        if not found:
            return None
        return Snapshot(await contents_of(state, found[state.topic].partitions), Vault(state.token_key))
    except OutputError as error:
        raise ConfigError(str(error)) from None


async def no_topic(state: KafkaState) -> str | None:
    """That its topic is not there, in words; None where it is. Raises ConfigError where that cannot be told."""
    try:
        async with looking_at(state) as topics:
            there = bool(await topics.describe([state.topic]))
    except OutputError as error:
        raise ConfigError(f"state: {error}") from None
    return None if there else f"state.topic: {state.topic} is not there: nothing was saved yet"


async def contents_of(state: KafkaState, partitions: int) -> Contents:
    """Read all that is committed. Raises OutputError."""
    contents, places = Contents(), [TopicPartition(state.topic, number) for number in range(partitions)]
    async with consuming(state, _LONGEST_READ, isolation_level="read_committed") as consumer:
        consumer.assign(places)
        left, quiet = await consumer.end_offsets(places), 0
        while left and quiet < _QUIET:
            some = await consumer.getmany(timeout_ms=200)
            quiet = 0 if some else quiet + 1
            for record in (record for records in some.values() for record in records):
                if (key := record.key.decode()) != OWNER:
                    contents.put({key: record.value})
            left = {place: end for place, end in left.items() if await consumer.position(place) < end}
    return contents
