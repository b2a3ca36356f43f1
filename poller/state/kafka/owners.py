"""The owners of sources: which replica polls with a state in Kafka, as its group says."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import anyio

from outputs import OutputError
from outputs.kafka.records import murmur2
from outputs.kafka.topics import looking_at
from poller.errors import ConfigError
from poller.state.kafka import KafkaState
from poller.state.kafka.topic import as_written

EVERY = 10.0
"""Seconds between two questions to the group."""


def partition_of(state: KafkaState, source: str) -> int:
    """Return the partition that holds a source's state. Its owner polls the source."""
    return murmur2(source.encode()) % state.partitions


async def require_no_members(state: KafkaState) -> None:
    """Return if nobody polls with this state. Raises ConfigError."""
    if members := await _members(state):
        raise ConfigError(
            f"state.group: {state.group} has {len(members)} members: stop every poller first; one that was killed "
            "counts until session_timeout is over"
        )


async def owner_of(state: KafkaState, source: str) -> str | None:
    """Return the name of the replica that polls a source; None if none does, "" while the group settles that.

    Raises ConfigError where the group cannot be asked.
    """
    try:
        partition = partition_of(await as_written(state) or state, source)
    except OutputError as error:
        raise ConfigError(f"state: {error}") from None
    members = await _members(state)
    if not members:
        return None
    return next((name for name, given in members.items() if partition in given), "")


class Owners:
    """Knows which replica polls a source, as the group said last: "" if none does, or the group cannot be asked."""

    def __init__(self, state: KafkaState) -> None:
        self._state, self._written = state, False
        self._names: Mapping[int, str] = {}

    def __call__(self, source: str) -> str:
        """Return the name of the replica that polls a source. Another thread may call this."""
        return self._names.get(partition_of(self._state, source), "")

    async def ask(self) -> None:
        """Ask the group. Never raises: others see to what is wrong with Kafka."""
        try:
            members = await _members(self._state)
        except Exception:  # noqa: BLE001  not to know a name is no reason to stop polling, whatever aiokafka makes of it
            members = {}
        self._names = {partition: name for name, given in members.items() for partition in given}
        if members and not self._written:
            with suppress(OutputError):  # until the state says it, the configured number of partitions counts
                if state := await as_written(self._state):
                    self._state, self._written = state, True

    async def watch(self, settled: Callable[[], bool]) -> None:
        """Ask again and again, except while `settled` returns True: then the names are known without the group."""
        while True:
            if not settled():
                await self.ask()
            await anyio.sleep(EVERY)


async def _members(state: KafkaState) -> dict[str, set[int]]:
    try:
        async with looking_at(state) as topics:
            return await topics.members(state.group)
    except OutputError as error:
        raise ConfigError(f"state: {error}") from None
