"""Watches over the topic of the state while a replica runs: it must stay the same topic, and lose nothing.

A topic that was deleted, made anew or emptied looks like a state that has just begun, and a replica that believed it
would deliver everything again. So would one that does not know what replicas of another group wrote to it meanwhile. So
what each partition held last is remembered, and compared three times: every few seconds, before a partition is claimed,
and in each transaction before it is committed. What is lost stays lost until the topic is there again as it was, or a
start has begun the state anew, which its manifests tell.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import anyio

from outputs import OutputError
from outputs.kafka.producer import Accept
from poller.state.kafka import KafkaState
from poller.state.kafka.reader import manifests_of
from poller.state.kafka.topic import Look, Prepared, look_at

EVERY = 10.0
"""Seconds between two looks."""
_SURE = 1.0
"""Seconds until a second look, which has to confirm a loss: a broker that has just started may not know its topics."""
_UNTIL = "nothing is polled until it is there again, or a start with allow_empty: true has begun anew"
_LOST_END = "has lost its end"
_RESTART = "nothing is polled until this replica is started anew: what it then does not know comes again"
"""No start can see that a log is shorter than it was, so none begins anew."""


class StateLost(OutputError):
    """The topic is another one than we know, or has lost records: do not believe it, and do not write to it."""


class TopicWatch:
    """A memory of the topic that notices when it is lost; `trouble` says how, and is None while it is not."""

    def __init__(self, state: KafkaState, report: Callable[[str | None], None]) -> None:
        """`report` is given the trouble when it begins, and None when it is over."""
        self._state, self._report = state, report
        self._id: str | None = None
        self._begins: Mapping[int, int] = {}
        self.everywhere = False
        self._reached: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._looking = anyio.Lock()
        self._looked = -1.0
        self._sound = anyio.Event()
        self.trouble: str | None = None

    def know(self, prepared: Prepared) -> None:
        """Remember the topic as it is now."""
        self._state, self._id, self._begins = prepared.state, prepared.look.id, prepared.begins
        self.everywhere = prepared.everywhere

    def begins(self, number: int) -> int:
        """Return the offset at which a partition's log may begin."""
        return self._begins.get(number, 0)

    def accept(self, number: int) -> Accept:
        """Return a judge of the transactions of one partition's owner.

        It raises StateLost if the records do not follow those that we know, and when the log has lost its beginning;
        OutputError if somebody else wrote between them. No transactional id fences who polls with another group.
        """
        return partial(self._accept, number)

    def claim(self, number: int) -> None:
        """Expect anything in a partition until the next transaction, which claims it: what is there is read then."""
        self._next.pop(number, None)

    def _accept(self, number: int, written: Sequence[tuple[Any, int]]) -> None:
        ours = [(one, records) for one, records in written if one.topic == self._state.topic]
        for one, records in ours:
            if one.offset <= self._reached.get(number, -1) or (one.log_start_offset or 0) > self.begins(number):
                raise StateLost(f"topic {self._state.topic} is not what it was when we wrote to it last")
            if one.offset != self._next.get(number, one.offset):
                raise OutputError(
                    f"partition {number} of topic {self._state.topic} holds what this replica did not write: is it by "
                    f"replicas of another state.group than {self._state.group}? A broker that failed may do so once"
                )
            self._reached[number], self._next[number] = one.offset, one.offset + records
        if ours:
            self._next[number] += 1  # the transaction's end, a record too

    async def confirm(self) -> None:
        """Return if the topic is sound by a look that begins now or later. Raises StateLost, and OutputError."""
        asked = anyio.current_time()
        async with self._looking:
            if self._looked < asked:
                await self._look()
        if self.trouble:
            raise StateLost(self.trouble)

    async def until_sound(self) -> None:
        """Return once there is no trouble."""
        while self.trouble:
            await self._sound.wait()

    async def run(self) -> None:
        """Look every few seconds, until cancelled. A Kafka that is away is no loss: other calls report that."""
        while True:
            await anyio.sleep(EVERY)
            async with self._looking:
                try:
                    await self._look()
                except OutputError:
                    continue

    async def _look(self) -> None:
        began = anyio.current_time()
        trouble = await self._judge()
        if trouble and not self.trouble:
            await anyio.sleep(_SURE)
            trouble = await self._judge()
        self._looked = began
        told = trouble and f"{trouble}: {_RESTART if trouble.endswith(_LOST_END) else _UNTIL}"
        if bool(told) is not bool(self.trouble):
            self._report(told)
        self.trouble = told
        if not trouble:
            self._sound.set()
            self._sound = anyio.Event()

    async def _judge(self) -> str | None:
        reached = dict(self._reached)  # what is written during the look may lie behind the end that it sees
        look = await look_at(self._state)
        if look is None:
            return f"topic {self._state.topic} of the state is gone"
        trouble = None if self._state.allow_empty else look.deletes
        trouble = trouble or self._stranger(look, reached)
        trouble = trouble or look.cut(self._begins, self._state.partitions, everywhere=self.everywhere)
        if trouble and await self._begun_anew(look):
            return None
        return trouble

    def _stranger(self, look: Look, before: Mapping[int, int]) -> str | None:
        if look.id != self._id:
            return f"topic {look.topic.name} of the state was made anew"
        for number, reached in before.items():
            if look.end.get(number, 0) <= reached:
                return f"partition {number} of topic {look.topic.name} {_LOST_END}"
        return None

    async def _begun_anew(self, look: Look) -> bool:
        """Return True if a start has begun the state anew in this topic; from then on it is the one that we know."""
        numbers = range(self._state.partitions)
        if look.topic.partitions < len(numbers) or not {*numbers} <= {*look.filled}:
            return False
        manifests = await manifests_of(self._state, numbers)
        begins = {number: found.begins for number, found in manifests.items() if found.begins}
        same = manifests.keys() == {*numbers} and all(one.partitions == len(numbers) for one in manifests.values())
        known = look.id == self._id and begins == self._begins
        if not same or known or look.loss(begins, len(numbers), everywhere=True):
            return False
        self._id, self._begins, self.everywhere = look.id, begins, True
        self._reached.clear()
        self._next.clear()
        return True
