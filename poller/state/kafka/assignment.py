"""Which partitions of the state are ours: claimed as the group says, and claimed again when they are lost."""

import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Self, TypeAlias
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup

from outputs import OutputError, Unreachable
from outputs.kafka.producer import Producer
from poller.errors import ConfigError
from poller.retry import backoff
from poller.state.kafka import KafkaState, reader
from poller.state.kafka.contents import Contents
from poller.state.kafka.event_topics import EventTopics
from poller.state.kafka.group import Elsewhere, Group
from poller.state.kafka.partition import Partition
from poller.state.ledger import OwnershipLost
from poller.state.rows import encode
from poller.telemetry import Telemetry

_LONGEST = 30.0
"""Seconds between two tries."""
_SETTLING = 20.0
"""Seconds that the shards that are ready wait for the others at the start."""
_ASK_AGAIN = 0.2
_LEFT = "another replica polls it now"

Take: TypeAlias = Callable[[int, Contents, Producer], Awaitable[Partition]]
"""Make a shard of a partition that was claimed. Raises ConfigError where it is not to be touched, and Lost."""


class Assignment:
    """Those at hand, by partition. A context: to leave it is to leave the group, in less than three seconds.

    `trouble` says what is wrong, if anything is. What is wrong before the first change is the operator's to mend,
    unless it may pass by itself.
    """

    def __init__(self, state: KafkaState, replica: str, mail: EventTopics, take: Take, telemetry: Telemetry) -> None:
        self._state, self._replica, self._mail, self._take = state, replica, mail, take
        self._telemetry = telemetry
        self._group = Group(state, replica, self._assigned, self._group_failed)
        self._tasks: TaskGroup = anyio.create_task_group()
        self._wanted: Collection[int] = ()
        self._kept: dict[int, anyio.CancelScope] = {}
        self.held: dict[int, Partition] = {}
        self._troubles: dict[int | None, str] = {}
        self._news: deque[Collection[int] | ConfigError] = deque()
        self._heard = anyio.Event()
        self._started = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def trouble(self) -> str | None:
        """Why some of what is ours cannot be written, or perhaps cannot."""
        return next(iter(self._troubles.values()), None)

    async def changes(self, wanted: Collection[int]) -> AsyncIterator[Collection[int]]:
        """Join the group, and say which of these partitions are at hand, at each change: one that was lost is left
        out once before it is there again. Raises ConfigError."""
        self._wanted = frozenset(wanted)
        self._tasks.start_soon(self._group.run)
        ours = await self._next()
        with anyio.move_on_after(_SETTLING):
            while self._kept.keys() - ours:
                ours = await self._next()
        self._started = True
        yield ours
        while True:
            yield await self._next()

    async def _next(self) -> Collection[int]:
        while not self._news:
            await self._heard.wait()
        news = self._news.popleft()
        if isinstance(news, ConfigError):
            raise news
        return news

    def _tell(self, error: ConfigError | None = None) -> None:
        self._news.append(error or frozenset(self.held))
        self._heard.set()
        self._heard = anyio.Event()

    def _assigned(self, partitions: Collection[int]) -> None:
        """Let go of what left, and take what came; what stays goes on as if nothing had been."""
        ours = set(partitions) & set(self._wanted)
        for partition in self._kept.keys() - ours:
            self._kept.pop(partition).cancel()
            self._troubles.pop(partition, None)
            if shard := self.held.pop(partition, None):
                shard.lose(_LEFT)
        for partition in ours - self._kept.keys():
            scope = self._kept[partition] = anyio.CancelScope()
            self._tasks.start_soon(self._keep, partition, scope)
        self._tell()

    async def _keep(self, partition: int, scope: anyio.CancelScope) -> None:
        name = self._state.transactional_id(partition)
        producer = Producer(self._state, self._mail.compression, self._mail.largest, name)
        try:
            with scope:
                failures = 0
                while True:
                    failures = await self._try(partition, producer, failures)
        except ConfigError as error:
            self._tell(error)
        finally:
            await producer.close()

    async def _try(self, partition: int, producer: Producer, failures: int) -> int:
        """Claim a partition, hold it until it is lost, and give how often in a row that failed."""
        try:
            shard = await self._claim(partition, producer)
        except Elsewhere:
            self._troubles[partition] = f"partition {partition} of the state is not confirmed to be ours yet"
            await anyio.sleep(_ASK_AGAIN)
            return failures
        except (OutputError, OwnershipLost) as error:
            wait = self._wait(failures + 1)
            self._failed(partition, error, wait)
            await anyio.sleep(wait)
            return failures + 1
        await self._hold(partition, shard)
        failures = 0 if shard.committed else failures + 1
        wait = self._wait(failures) if failures else 0
        self._failed(partition, OwnershipLost(shard.why), wait)
        await anyio.sleep(wait)
        return failures

    async def _claim(self, partition: int, producer: Producer) -> Partition:
        """The order is what makes it safe: first nobody else can write any more, then all that was written is read."""
        await self._group.probe(partition)
        await producer.close()
        await producer.start()
        claim = reader.Claim(self._replica, uuid4().hex, self._state.partitions, time.time())
        await producer.transaction([reader.post(self._state, partition, reader.OWNER, encode(claim))])
        return await self._take(partition, await reader.read(self._state, partition, claim.id), producer)

    async def _hold(self, partition: int, shard: Partition) -> None:
        self.held[partition] = shard
        self._troubles.pop(partition, None)
        self._tell()
        try:
            await shard.lost.wait()
        finally:
            shard.lose("the end of this process")
            if self.held.get(partition) is shard:
                del self.held[partition]
                self._tell()

    def _wait(self, failures: int) -> float:
        return min(backoff(failures), _LONGEST)

    def _group_failed(self, error: OutputError | None, wait: float) -> None:
        if error is None:
            self._troubles.pop(None, None)
            return
        try:
            self._failed(None, error, wait)
        except ConfigError as refusal:
            self._tell(refusal)

    def _failed(self, partition: int | None, error: OutputError | OwnershipLost, wait: float) -> None:
        """Tell it. Raises ConfigError at the start, where waiting does not help."""
        if not self._started and isinstance(error, OutputError) and not isinstance(error, Unreachable):
            raise ConfigError(f"state: {error}") from error
        self._troubles[partition] = f"the state cannot be written: {error}"
        self._telemetry.notice("state.failed", error=str(error), retry_in=round(wait, 1))
