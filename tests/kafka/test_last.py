"""Outside of a transaction, too, nobody sees a progress event before what it speaks of is durable."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from outputs import Message, OutputError
from outputs.kafka.output import KafkaOutput

OBSERVED = datetime(2026, 3, 14, 16, 15, 50, tzinfo=UTC)
PROGRESS = Message(b"progress", "acme/calls", "acme", "calls", "stream", OBSERVED, last=True)
RECORD = Message(b"record", "acme/calls/1", "acme", "calls", "call", OBSERVED)


class Broker:
    """A producer, and what it addresses: what was posted together, in order. While `away`, it takes nothing."""

    def __init__(self) -> None:
        self.posted: list[list[bytes]] = []
        self.away = False

    async def __call__(self, batch: Sequence[Message]) -> list[bytes]:
        return [message.value for message in batch]

    async def post(self, posts: Sequence[bytes]) -> None:
        if self.away:
            raise OutputError("away")
        self.posted.append(list(posts))

    def forget(self) -> None:
        pass


async def test_it_is_sent_once_all_others_are_there() -> None:
    broker: Any = Broker()
    output = KafkaOutput(broker, broker, broker, ())
    await output.write([PROGRESS, RECORD])
    assert [posted for posted in broker.posted if posted] == [[b"record"], [b"progress"]]
    broker.posted, broker.away = [], True
    with pytest.raises(OutputError):
        await output.write([RECORD, PROGRESS])
    assert broker.posted == []
