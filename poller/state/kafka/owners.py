"""Who polls with a state in Kafka, as its group says."""

from collections.abc import Callable, Mapping

import anyio

from outputs import OutputError
from outputs.kafka.records import murmur2
from outputs.kafka.topics import looking_at
from poller.errors import ConfigError
from poller.state.kafka import KafkaState

EVERY = 10.0
"""Seconds between two questions to the group."""


def partition_of(state: KafkaState, source: str) -> int:
    """The partition that a source's state is in, and that its owner is given."""
    return murmur2(source.encode()) % state.partitions


async def require_no_members(state: KafkaState) -> None:
    """Return if nobody polls with it. Raises ConfigError."""
    if members := await _members(state):
        raise ConfigError(
            f"state.group: {state.group} has {len(members)} members: stop every poller first; one that was killed "
            "counts until session_timeout is over"
        )


async def owner_of(state: KafkaState, source: str) -> str | None:
    """The name of the replica that polls a source; None where nobody does, "" where that is just being settled.

    Raises ConfigError where the group cannot be asked.
    """
    members, partition = await _members(state), partition_of(state, source)
    if not members:
        return None
    return next((name for name, given in members.items() if partition in given), "")


class Owners:
    """Which replica polls a source, as the group said last; "" where nobody does, or the group cannot be asked."""

    def __init__(self, state: KafkaState) -> None:
        self._state = state
        self._names: Mapping[int, str] = {}

    def __call__(self, source: str) -> str:
        """Its name. May be asked in another thread."""
        return self._names.get(partition_of(self._state, source), "")

    async def ask(self) -> None:
        """Ask the group. Never raises: others see to what is wrong with Kafka."""
        try:
            members = await _members(self._state)
        except Exception:  # noqa: BLE001  not to know a name is no reason to stop polling, whatever aiokafka makes of it
            members = {}
        self._names = {partition: name for name, given in members.items() for partition in given}

    async def watch(self, settled: Callable[[], bool]) -> None:
        """Ask again and again, but for as long as all is `settled` without it."""
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
