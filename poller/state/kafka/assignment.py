"""The partitions of the state that are ours: claimed as the group says, and claimed again when they are lost.

A partition is kept from the moment the group gives it to us until it takes it away: claimed, held until a write fails
or somebody else claims it, and claimed again. While the topic is lost (see `watch`) nothing is held or claimed.
"""

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
from poller.state.kafka.manifest import NewerFormat
from poller.state.kafka.partition import Partition
from poller.state.kafka.topic import Prepared
from poller.state.kafka.watch import StateLost, TopicWatch
from poller.state.ledger import OwnershipLost
from poller.state.rows import encode
from poller.telemetry import Telemetry

_LONGEST = 30.0
"""Seconds between two tries."""
_SETTLING = 20.0
"""Seconds that the partitions that are ready wait for the others at the start."""
_ASK_AGAIN = 0.2
_ONCE_A = 60.0
"""Seconds in which the same words are told once."""
_LEFT = "another replica polls it now"

Take: TypeAlias = Callable[[int, Contents, Producer], Awaitable[Partition]]
"""Make a `Partition` of one that was claimed. Raises ConfigError where it is not to be touched, and OwnershipLost."""


class Assignment:
    """The partitions at hand: `held`, by number. A context: to leave it is to leave the group, within three seconds.

    `watch` knows the topic. `trouble` says what is wrong, if anything is. What is wrong before the first change is the
    operator's to mend, unless it may pass by itself.
    """

    def __init__(
        self, state: KafkaState, replica: str, event_topics: EventTopics, take: Take, telemetry: Telemetry
    ) -> None:
        self._state, self._replica, self._event_topics, self._take = state, replica, event_topics, take
        self._telemetry = telemetry
        self.watch = TopicWatch(state, self._topic_changed)
        self._group = Group(self._state, replica, self._assigned, self._group_failed)
        self._tasks: TaskGroup = anyio.create_task_group()
        self._told: dict[str, float] = {}
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
        """The reason why some of our partitions cannot be written now; None if all can."""
        return self.watch.trouble or next(iter(self._troubles.values()), None)

    async def changes(self, prepared: Prepared, wanted: Collection[int]) -> AsyncIterator[Collection[int]]:
        """Join the group of a topic, and yield which of these partitions are at hand, at each change.

        One that was lost is left out once before it is there again. Raises ConfigError.
        """
        self._state, self._wanted = prepared.state, frozenset(wanted)
        self.watch.know(prepared)
        self._tasks.start_soon(self._group.run)
        self._tasks.start_soon(self.watch.run)
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
        """Give up the partitions that left, and claim those that came; those that stay are not touched."""
        ours = set(partitions) & set(self._wanted)
        for partition in self._kept.keys() - ours:
            self._kept.pop(partition).cancel()
            self._troubles.pop(partition, None)
            if claimed := self.held.pop(partition, None):
                claimed.lose(_LEFT)
        for partition in ours - self._kept.keys():
            scope = self._kept[partition] = anyio.CancelScope()
            self._tasks.start_soon(self._keep, partition, scope)
        self._tell()

    async def _keep(self, partition: int, scope: anyio.CancelScope) -> None:
        name = self._state.transactional_id(partition)
        producer = Producer(
            self._state, self._event_topics.compression, self._event_topics.largest, name, self.watch.accept(partition)
        )
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
        """Claim a partition, hold it until it is lost, and return how often in a row that has failed."""
        try:
            claimed = await self._claim(partition, producer)
        except Elsewhere:
            self._troubles[partition] = f"partition {partition} of the state is not confirmed to be ours yet"
            await anyio.sleep(_ASK_AGAIN)
            return failures
        except StateLost:  # which the watch has told
            self._troubles.pop(partition, None)
            await self.watch.until_sound()
            return 0
        except NewerFormat as error:
            await self._leave(partition, error)
            return 0
        except (OutputError, OwnershipLost) as error:
            return await self._pause(partition, error, failures + 1)
        await self._hold(partition, claimed)
        return await self._pause(partition, OwnershipLost(claimed.why), 0 if claimed.committed else failures + 1)

    async def _pause(self, partition: int, error: OutputError | OwnershipLost, failures: int) -> int:
        wait = min(backoff(failures), _LONGEST) if failures else 0
        self._failed(partition, error, wait)
        await anyio.sleep(wait)
        return failures

    async def _leave(self, partition: int, error: NewerFormat) -> None:
        """Leave a partition to a replica of the newer version, for a while: the state may be set back."""
        words = f"partition {partition} of the state is left to others: {error}"
        self._troubles[partition] = words
        self._notice(words, _LONGEST)
        self._group.refuse(partition)
        await anyio.sleep(_LONGEST)

    async def _claim(self, partition: int, producer: Producer) -> Partition:
        """Fence all others, then read what they wrote: in the other order somebody could still write after we read."""
        await self._group.probe(partition)
        await self.watch.confirm()
        async with reader.PartitionReader.open(self._state, partition) as reading:
            await reading.look()
            await producer.close()
            await producer.start()
            claim = reader.Claim(self._replica, uuid4().hex, self._state.partitions, time.time())
            post = reader.post(self._state, partition, reader.OWNER, encode(claim))
            self.watch.claim(partition)
            await producer.transaction([post])
            contents = await reading.read(claim.id)
        self._group.take_back(partition)
        return await self._take(partition, contents, producer)

    async def _hold(self, partition: int, claimed: Partition) -> None:
        self.held[partition] = claimed
        self._troubles.pop(partition, None)
        self._tell()
        try:
            await claimed.lost.wait()
        finally:
            claimed.lose("the end of this process")
            if self.held.get(partition) is claimed:
                del self.held[partition]
                self._tell()

    def _topic_changed(self, trouble: str | None) -> None:
        """Give up all partitions of a topic that is lost; join the group anew once it is there again (None)."""
        if trouble is None:
            self._telemetry.notice("state.recovered", topic=self._state.topic)
            self._group.renew()
            return
        self._telemetry.notice("state.lost", error=trouble)
        for claimed in [*self.held.values()]:
            claimed.lose(trouble)

    def _group_failed(self, error: OutputError | None, wait: float) -> None:
        if error is None:
            self._troubles.pop(None, None)
            return
        try:
            self._failed(None, error, wait)
        except ConfigError as refusal:
            self._tell(refusal)

    def _failed(self, partition: int | None, error: OutputError | OwnershipLost, wait: float) -> None:
        """Report a failure. Raises ConfigError at the start, if waiting does not help."""
        if not self._started and isinstance(error, OutputError) and not isinstance(error, Unreachable):
            raise ConfigError(f"state: {error}") from error
        self._troubles[partition] = f"the state cannot be written: {error}"
        if not self.watch.trouble:  # which is told already, and the cause of this
            self._notice(str(error), wait)

    def _notice(self, words: str, wait: float) -> None:
        """Log the same words once a minute, however many partitions and tries they concern."""
        now = anyio.current_time()
        if self._told.get(words, -_ONCE_A) + _ONCE_A <= now:
            self._told = {told: at for told, at in self._told.items() if at + _ONCE_A > now} | {words: now}
            self._telemetry.notice("state.failed", error=words, retry_in=round(wait, 1))
