"""The log of one partition in memory, and who claims it: a ledger's doubles, for tests without a broker."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from outputs import Unreachable
from outputs.kafka.records import ProducerRecord
from poller.state.delivery import Delivery
from poller.state.kafka import KafkaState
from poller.state.kafka.contents import Contents
from poller.state.kafka.event_topics import EventTopics
from poller.state.kafka.partition import Partition
from poller.telemetry import Telemetry
from tests.kafka.ledgers import KEY
from tests.support.toy import NOON

STATE = KafkaState.model_validate(
    {"type": "kafka", "bootstrap_servers": "nowhere:9092", "partitions": 1, "token_key": KEY}
)


class Log:
    """A producer whose transactions are a list; one fails `before` it is written, or `after`, by its number."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, bytes | None]] = []
        self.before: int | None = None
        self.after: int | None = None

    async def transaction(self, posts: Sequence[ProducerRecord]) -> None:
        if len(self.written) == self.before:
            raise Unreachable("away")
        assert {(post.topic, post.partition) for post in posts} == {(STATE.topic, 0)}
        self.written.append({(post.key or b"").decode(): post.value for post in posts})
        if len(self.written) == self.after:
            raise Unreachable("no answer")


class Claimed:
    """A log, and its partition as whoever claimed it last has it."""

    def __init__(self, delivery: Delivery) -> None:
        self.log, self.delivery, self.now = Log(), delivery, NOON
        self.claim()

    def claim(self) -> Partition:
        found = Contents()
        for rows in self.log.written:
            found.put(rows)
        event_topics = EventTopics({}, self.delivery)
        now: Callable[[], datetime] = lambda: self.now  # noqa: E731  as the program has it
        self.held = Partition(STATE, 0, found, cast("Any", self.log), event_topics, self.delivery, Telemetry(), now)
        return self.held
