"""A broker that dies, hangs, or finds something too large: nothing is lost, and nothing waits for ever."""

import asyncio
import random
import signal
from collections.abc import Iterator

import anyio
import pytest
from aiokafka import AIOKafkaProducer

from outputs import Message, Output, Undeliverable, Unreachable
from outputs.kafka import output as publisher
from outputs.kafka import producer
from tests.kafka.broker import Broker
from tests.kafka.reading import Place
from tests.outputs.material import MIDNIGHT, messages, values


def noise(size: int, name: str = "noise") -> Message:
    """A message that no compression makes smaller."""
    return Message(random.Random(name).randbytes(size), name, "acme", "calls", "call", MIDNIGHT)


@pytest.fixture
def frail(frail_broker: Broker) -> Iterator[Place]:
    """A place on a broker that may be frozen or killed in the test, and is well again after it."""
    yield Place(frail_broker.at["PLAINTEXT"])
    frail_broker.send(signal.SIGCONT)
    frail_broker.start()


async def insist(output: Output, batch: list[Message]) -> int:
    """Write as the ledger does, until it is written; give how often it failed."""
    failures = 0
    while True:
        try:
            await output.write(batch)
        except Unreachable:
            failures += 1
            await anyio.sleep(0.1)
        else:
            return failures


@pytest.mark.long
async def test_a_broker_that_is_killed_in_the_middle_loses_nothing(
    frail_broker: Broker, frail: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "POSTING", 2.0)
    failures = 0
    async with frail.config(partitions=2, compression="none").open({}) as output:
        await output.write(messages(range(10)))
        async with anyio.create_task_group() as group:
            group.start_soon(killed_and_back, frail_broker)
            for start in range(10, 6000, 599):
                failures += await insist(output, messages(range(start, min(start + 599, 6000)), size=2000))
                await anyio.sleep(0.05)
    assert failures
    found = [value for value in frail.values("call") if value]
    wanted = values([*messages(range(10)), *messages(range(10, 6000), size=2000)])
    assert set(found) == set(wanted)


async def killed_and_back(broker: Broker) -> None:
    await anyio.sleep(0.2)
    await anyio.to_thread.run_sync(broker.kill)
    await anyio.to_thread.run_sync(broker.start)


async def test_a_broker_that_hangs_ends_a_write_in_time_and_a_cancellation_at_once(
    frail_broker: Broker, frail: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "DEADLINE", 1.0)
    async with frail.config().open({}) as output:
        await output.write(messages(range(3)))
        frail_broker.send(signal.SIGSTOP)
        for limit, scope in ((3.0, anyio.CancelScope()), (1.0, anyio.move_on_after(0.3))):
            begun = anyio.current_time()
            with scope:
                with pytest.raises(Unreachable, match=r"is away|has not taken a batch in 1 s"):
                    await output.write(messages(range(3, 6)))
                assert not scope.cancel_called
            assert anyio.current_time() - begun < limit
        with pytest.raises(Unreachable):
            await output.write(messages(range(3, 6)))
        begun = anyio.current_time()
    assert anyio.current_time() - begun < 3
    assert left_over() == set()


def left_over() -> set[asyncio.Task[object]]:
    """What aiokafka still does."""
    return {task for task in asyncio.all_tasks() if "aiokafka" in repr(task.get_coro())}


async def test_a_producer_is_ended_whatever_it_waits_for(frail_broker: Broker, frail: Place) -> None:
    topic = frail.create("call")
    hung = AIOKafkaProducer(bootstrap_servers=frail.at, transactional_id=topic, request_timeout_ms=60_000)
    await hung.start()
    await hung.begin_transaction()
    await (await hung.send(topic, b"x", partition=0))
    frail_broker.send(signal.SIGSTOP)
    future = await hung.send(topic, b"y", partition=0)
    committing = asyncio.create_task(hung.commit_transaction())
    await asyncio.sleep(0.05)
    committing.cancel()  # which aiokafka does not care about: the commit goes on
    begun = anyio.current_time()
    await producer._end(hung)
    assert anyio.current_time() - begun < 2
    done = await asyncio.wait_for(asyncio.gather(future, committing, return_exceptions=True), 5)
    assert all(isinstance(one, BaseException) for one in done)
    assert left_over() == set()


async def test_what_is_too_large_is_told_before_anything_is_sent(kafka: Place) -> None:
    kafka.create("call", max_message_bytes="20000")
    batch = [*messages(range(3)), noise(30_000), *messages(range(3, 4), size=1_000_000), noise(40_000, "b")]
    async with kafka.config().open({}) as output:
        with pytest.raises(Undeliverable, match=rf"too large for topic {kafka.prefix}call") as caught:
            await output.write(batch)
        assert list(caught.value.messages) == [batch[3], batch[5]]  # the other large one can be compressed
        assert kafka.values("call") == []
        await output.write([one for one in batch if one not in caught.value.messages])
    assert kafka.values("call") == values([*batch[:3], batch[4]])


async def test_a_batch_is_no_larger_than_its_topic_takes(kafka: Place) -> None:
    kafka.create("call", max_message_bytes="20000")
    batch = [noise(9_000, str(number)) for number in range(20)]
    async with kafka.config().open({}) as output:
        await output.write(batch)
    assert kafka.values("call") == values(batch)


async def test_a_topic_that_takes_less_than_it_did_says_so_itself(kafka: Place) -> None:
    topic = kafka.create("call")
    batch = [noise(9_000, str(number)) for number in range(8)]
    async with kafka.config().open({}) as output:
        await output.write(batch)
        kafka.alter(topic, max_message_bytes="20000")
        await output.write(batch)
        with pytest.raises(Undeliverable) as caught:
            await output.write([batch[0], noise(30_000), batch[1]])
        assert caught.value.messages == (noise(30_000),)
        kafka.alter(topic, max_message_bytes="100000")
        await output.write([noise(30_000)])
        kafka.alter(topic, max_message_bytes="300000")
        await output.write([noise(200_000)])  # looked at again, before it would be given up
    found = kafka.values("call")
    assert set(found) == {*values(batch), noise(30_000).value, noise(200_000).value}
