"""A Kafka in memory, as far as the state needs one: logs, transactions that fence, and a group that shares a partition.

A double of the broker only: ledger, claims, readers and commits over it are the real ones. Its vices: a member that
loses the partition hears of it late, and one that dies is missed only after its session. Every request to it is two
moments: before it is sent, and before its answer is heard.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from aiokafka import TopicPartition

from outputs import Message, OutputError
from outputs.kafka.records import ProducerRecord, RecordBuilder
from poller.state.kafka import KafkaState
from poller.state.kafka.group import Elsewhere
from poller.state.kafka.topic import Prepared

SESSION = 10.0
"""Seconds after which a dead member's partition is given to another one."""
LATE = 20.0
"""Seconds after which a member hears that it lost the partition, unless a commit is refused before."""
SETTLING = 0.4
"""Seconds until a producer that starts has fenced the others: in them an owner can read and commit a page."""
EVENTS = "events"
MOMENT: ContextVar[Callable[[], None]] = ContextVar("MOMENT")
"""What a replica's task calls at each moment at which the replica can die."""


async def _ask() -> None:
    MOMENT.get()()
    await anyio.sleep(0.002)
    MOMENT.get()()


@dataclass
class Broker:
    """What the broker holds: committed records of each log, epochs of producers, members, and the partition's owner."""

    logs: defaultdict[tuple[str, int], list[ProducerRecord]] = field(default_factory=lambda: defaultdict(list))
    epochs: dict[str, int] = field(default_factory=dict)
    members: list["Member"] = field(default_factory=list)
    owner: "Member | None" = None

    def events(self) -> Sequence[bytes]:
        """Return what a consumer of committed records reads."""
        return [record.value for record in self.logs[EVENTS, 0] if record.value]

    def join(self, member: "Member") -> None:
        self.members.append(member)
        if self.owner:
            member.hear(set(), 0.0)
        else:
            self.give(member)

    def give(self, heir: "Member | None") -> None:
        """Give the partition to another member; its owner hears of it late."""
        former, self.owner = self.owner, heir
        if former and former is not heir:
            former.hear(set(), LATE)
        if heir:
            heir.hear({0}, 0.0)

    def move(self) -> None:
        """Rebalance: the partition goes to the member that does not have it."""
        self.give(next((member for member in self.members if member is not self.owner), self.owner))

    def miss(self, moment: Callable[[], None]) -> None:
        """Give up the member whose moments these are, which has not been heard for its session."""
        [member] = [one for one in self.members if one.moment == moment]
        self.members.remove(member)
        if self.owner is member:
            self.owner = None
            self.give(self.members[0] if self.members else None)


class Member:
    """A replica's membership: the double of `Group`."""

    def __init__(self, broker: Broker, assigned: Callable[[Collection[int]], None]) -> None:
        self._broker, self._assigned, self.moment = broker, assigned, MOMENT.get()
        self._news: tuple[float, set[int]] | None = None
        self._heard = anyio.Event()

    def hear(self, partitions: set[int], seconds: float) -> None:
        """Be told so many seconds later, unless there are later news by then."""
        self._news = anyio.current_time() + seconds, partitions
        self._heard.set()

    async def run(self) -> None:
        self._broker.join(self)
        while True:
            await self._heard.wait()
            self._heard = anyio.Event()
            while self._news:
                at, partitions = self._news
                with anyio.move_on_after(at - anyio.current_time()):
                    await self._heard.wait()
                    self._heard = anyio.Event()
                if (at, partitions) == self._news:
                    self._news = None
                    MOMENT.get()()
                    self._assigned(partitions)

    async def probe(self, partition: int) -> None:
        await _ask()
        if self._broker.owner is not self:
            raise Elsewhere

    def take_back(self, partition: int) -> None:
        """Nothing is ever refused here."""


class Producer:
    """The double of our `Producer`: the last that started with an id fences those before it."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker, self._name, self._epoch = broker, name, 0

    async def start(self) -> None:
        """Fence the others, but not at once: what they have under way is settled first."""
        MOMENT.get()()
        await anyio.sleep(SETTLING)
        self._epoch = self._broker.epochs[self._name] = self._broker.epochs.get(self._name, 0) + 1
        MOMENT.get()()

    async def transaction(self, posts: Sequence[ProducerRecord]) -> None:
        """Write all or none: a crash after the commit was asked for leaves all, one before it none."""
        with anyio.CancelScope(shield=True):
            await _ask()
            await _ask()
            if self._broker.epochs[self._name] != self._epoch:
                raise OutputError("the broker knows a later producer of this id")
            for post in posts:
                self._broker.logs[post.topic, post.partition or 0].append(post)
            MOMENT.get()()

    async def close(self) -> None:
        """Nothing is kept open."""


class Consumer:
    """The double of aiokafka's consumer of one partition, of what is committed: a few records an answer."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._at = broker, 0
        self._place = TopicPartition("", 0)

    @property
    def _log(self) -> Sequence[ProducerRecord]:
        return self._broker.logs[self._place.topic, self._place.partition]

    def assign(self, places: Sequence[TopicPartition]) -> None:
        [self._place] = places

    async def end_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        await _ask()
        return dict.fromkeys(places, len(self._log))

    async def position(self, place: TopicPartition) -> int:
        assert place == self._place
        return self._at

    async def getmany(self, timeout_ms: int) -> Mapping[TopicPartition, Sequence[ProducerRecord]]:
        await _ask()
        some = self._log[self._at : self._at + 40]
        self._at += len(some)
        if not some:
            await anyio.sleep(timeout_ms / 1000)
        return {self._place: some} if some else {}


class _Watch:
    """The double of `TopicWatch`: the topic is always sound."""

    everywhere, trouble = True, None

    def know(self, prepared: Prepared) -> None:
        """There is nothing to know."""

    def begins(self, number: int) -> int:
        return 0

    def claim(self, number: int) -> None:
        """Expect nothing."""

    def accept(self, number: int) -> None:
        """Judge no transaction."""

    async def confirm(self) -> None:
        """It is sound."""

    async def run(self) -> None:
        await anyio.sleep_forever()


class _Topics:
    """The double of `EventTopics`: one topic for all events."""

    compression = "none"

    def __init__(self, *_: object) -> None:
        self._build, self.largest = RecordBuilder(EVENTS, "rejects", "structured"), dict[str, int]()

    async def learn(self, _: object) -> Sequence[str]:
        return ()

    async def posts(self, messages: Sequence[Message]) -> list[ProducerRecord]:
        return [self._build(message) for message in messages]

    def failed(self, error: BaseException) -> None:
        """Learn nothing of it."""


@contextmanager
def in_the_place_of_kafka(broker: Broker) -> Iterator[None]:
    """Let every ledger in Kafka that is opened in this context have this broker."""
    look = SimpleNamespace(topic=SimpleNamespace(largest=None))

    async def prepare(state: KafkaState, *_: object) -> Prepared:
        return Prepared(state, look, {}, (), fresh=False, everywhere=True)  # type: ignore[arg-type]

    @asynccontextmanager
    async def consuming(*_: object, **__: object) -> AsyncIterator[Consumer]:
        yield Consumer(broker)

    doubles: Mapping[str, Any] = {
        "assignment.Producer": lambda *given: Producer(broker, given[3]),
        "assignment.Group": lambda *given: Member(broker, given[2]),
        "assignment.TopicWatch": lambda *_: _Watch(),
        "reader.consuming": consuming,
        "ledger.EventTopics": _Topics,
        "ledger.prepare": prepare,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, double in doubles.items():
            patch.setattr(f"poller.state.kafka.{name}", double)
        yield
