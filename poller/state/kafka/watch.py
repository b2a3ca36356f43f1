"""Watches over the topic of the state while a replica runs: is it still the one that we know, and is all of it there?

A topic that was deleted, made anew or emptied looks like a state that has just begun, and a replica that believed it
would deliver everything again. So what each partition held last is remembered, and compared three times: every few
seconds, before a partition is claimed, and in each transaction before it is committed. What is lost stays lost until
the topic is there again as it was, or a start has begun the state anew, which its manifests tell.
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


class StateLost(OutputError):
    """The topic is not the one that we know, or has lost something: nothing in it is to be believed, or added to."""


class TopicWatch:
    """What is known of the topic; `trouble` says what is wrong with it, None while nothing is."""

    def __init__(self, state: KafkaState, report: Callable[[str | None], None]) -> None:
        """`report` is given the trouble when it begins, and None when it is over."""
        self._state, self._report = state, report
        self._id: str | None = None
        self._begins: Mapping[int, int] = {}
        self._reached: dict[int, int] = {}
        self._looking = anyio.Lock()
        self._looked = -1.0
        self._sound = anyio.Event()
        self.trouble: str | None = None

    def know(self, prepared: Prepared) -> None:
        """Take the topic as it is now for the one to be known again."""
        self._state, self._id, self._begins = prepared.state, prepared.look.id, prepared.begins

    def begins(self, number: int) -> int:
        """Return the offset at which a partition's log may begin."""
        return self._begins.get(number, 0)

    def accept(self, number: int) -> Accept:
        """Return what judges a transaction of the owner of this partition: StateLost where its records do not follow
        what was there."""
        return partial(self._accept, number)

    def _accept(self, number: int, written: Sequence[Any]) -> None:
        for one in written:
            if one.topic != self._state.topic:
                continue
            if one.offset <= self._reached.get(number, -1) or (one.log_start_offset or 0) > self.begins(number):
                raise StateLost(f"topic {self._state.topic} is not what it was when we wrote to it last")
            self._reached[number] = one.offset

    async def confirm(self) -> None:
        """Return if the topic is sound, as a look shows that begins now or later. Raises StateLost, OutputError."""
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
        """Look again and again, until cancelled. A Kafka that is away is no loss, and shows in what else fails."""
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
        if bool(trouble) is not bool(self.trouble):
            self._report(f"{trouble}: {_UNTIL}" if trouble else None)
        self.trouble = f"{trouble}: {_UNTIL}" if trouble else None
        if not trouble:
            self._sound.set()
            self._sound = anyio.Event()

    async def _judge(self) -> str | None:
        look = await look_at(self._state)
        if look is None:
            return f"topic {self._state.topic} of the state is gone"
        trouble = None if self._state.allow_empty else look.loss({}, 0)
        trouble = trouble or self._stranger(look) or look.cut(self._begins, self._state.partitions)
        if trouble and await self._begun_anew(look):
            return None
        return trouble

    def _stranger(self, look: Look) -> str | None:
        if look.id != self._id:
            return f"topic {look.topic.name} of the state was made anew"
        for number, reached in self._reached.items():
            if look.end.get(number, 0) <= reached:
                return f"partition {number} of topic {look.topic.name} has lost its end"
        return None

    async def _begun_anew(self, look: Look) -> bool:
        """Believe a topic from now on in which a start has begun the state anew since we knew it."""
        numbers = range(self._state.partitions)
        if look.topic.partitions < len(numbers) or not {*numbers} <= {*look.filled}:
            return False
        manifests = await manifests_of(self._state, numbers)
        begins = {number: found.begins for number, found in manifests.items()}
        same = manifests.keys() == {*numbers} and all(one.partitions == len(numbers) for one in manifests.values())
        if not same or look.loss(begins, len(numbers)) or (look.id == self._id and begins == self._begins):
            return False
        self._id, self._begins = look.id, begins
        self._reached.clear()
        return True
