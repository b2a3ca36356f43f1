"""Posts in a transaction: all or none, and only from the one that started last."""

import pytest
from aiokafka.errors import ProducerFenced

from outputs import OutputError
from outputs.kafka.producer import Producer, TooLarge
from outputs.kafka.records import ProducerRecord
from tests.kafka.reading import Place


def posts(topic: str, *names: str) -> list[ProducerRecord]:
    return [ProducerRecord(topic, name.encode(), name.encode(), 1_700_000_000_000) for name in names]


def producer(place: Place) -> Producer:
    return Producer(place.config(), "zstd", {}, transactional_id=f"{place.prefix}id")


async def test_events_and_state_are_committed_together(kafka: Place) -> None:
    events, state = kafka.create("events", 3), kafka.create("state", 4)
    ours = producer(kafka)
    await ours.start()
    tombstone = ProducerRecord(state, b"gone", None, 1_700_000_000_000, partition=2)
    await ours.transaction(
        [*posts(events, "a", "b", "c"), ProducerRecord(state, b"k", b"v", 1_700_000_000_000, (), 2), tombstone]
    )
    await ours.close()
    assert {message.value() for message in kafka.read("events")} == {b"a", b"b", b"c"}
    found = [(message.key(), message.value(), message.partition()) for message in kafka.read("state")]
    assert found == [(b"k", b"v", 2), (b"gone", None, 2)]


async def test_what_fails_is_not_committed_and_ends_the_producer(kafka: Place) -> None:
    events, small = kafka.create("events"), kafka.create("small", max_message_bytes="1000")
    ours = producer(kafka)
    await ours.start()
    with pytest.raises(TooLarge):
        await ours.transaction([*posts(events, "a"), *posts(small, "".join(map(str, range(3000))))])
    with pytest.raises(OutputError, match="has ended, and is to be started first"):
        await ours.transaction(posts(events, "b"))
    await ours.start()
    await ours.transaction(posts(events, "c"))
    await ours.close()
    assert kafka.values("events") == [b"c"]
    assert {message.value() for message in kafka.read("events", committed=False)} >= {b"c"}


async def test_the_last_that_started_fences_the_others(kafka: Place) -> None:
    events = kafka.create("events")
    old, new = producer(kafka), producer(kafka)
    await old.start()
    await old.transaction(posts(events, "a"))
    await new.start()
    with pytest.raises(OutputError):
        await old.transaction(posts(events, "late"))
    await new.transaction(posts(events, "b"))
    await old.close()
    await new.close()
    assert kafka.values("events") == [b"a", b"b"]


async def test_to_leave_with_a_producer_that_has_died_raises_nothing(kafka: Place) -> None:
    async def died() -> None:
        raise ProducerFenced

    ours = producer(kafka)
    await ours.start()
    ours._producer._sender.close = died  # it waits for the task that writes, and hears what that died of
    await ours.close()
