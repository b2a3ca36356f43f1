"""Events and what they make true are one transaction: nobody sees the one without the other, whoever fails when.

Killed: events outside of the transaction; a commit that is believed before it is done, or after it failed; the state
read before the others are fenced; memory of an earlier claim that is committed to a later one; an error of one commit
that leaves the line to those behind it.
"""

import random
import signal
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from aiokafka import AIOKafkaProducer

from outputs import Message
from outputs.kafka import producer
from outputs.kafka.producer import Producer
from poller.events.seen import key_of
from poller.state.checkpoint import Checkpoint
from poller.state.kafka.ledger import KafkaLedger
from poller.state.ledger import Change, OwnershipLost
from tests.kafka.broker import Broker
from tests.kafka.ledgers import owner, replica, state
from tests.kafka.reading import Place
from tests.state.ledgers import Sink, change, checkpoint, names
from tests.support.toy import NOON

pytestmark = pytest.mark.slow

A, B = "acme/calls", "acme/calls2"


@pytest.fixture
def frail(frail_broker: Broker) -> Iterator[Place]:
    """A place on a broker that may be frozen in the test, and goes on after it."""
    yield Place(frail_broker.at["PLAINTEXT"])
    frail_broker.send(signal.SIGCONT)


def with_a_large_one(stream: str, minutes: int, *names: str) -> Change:
    """A commit in which one event cannot be made smaller than 40 kB."""
    found = change(stream, minutes, *names)
    text = random.Random(minutes).randbytes(20_000).hex()
    value = (
        f'{{"id": "calls/l/1-0123456789abcdef", "source": "/toy/acme", "subject": "l", "data": {{"raw": "{text}"}}}}'
    )
    found.batch.messages.append(Message(value.encode(), f"{stream}/l", "acme", "calls", "call", NOON))
    return found


def delivered(kafka: Place, committed: bool = True) -> list[str]:
    if f"{kafka.prefix}call" not in kafka.topics():
        return []
    return list(names([value for message in kafka.read("call", committed) if (value := message.value())]))


async def known(ledger: KafkaLedger, stream: str = A) -> Checkpoint | None:
    return (await ledger.restore(stream, None)).checkpoint


async def refused(ledger: KafkaLedger, one: Change) -> None:
    with pytest.raises(OwnershipLost), anyio.fail_after(15):
        await ledger.commit(one)


async def test_what_is_committed_is_what_is_restored(kafka: Place) -> None:
    async with owner(kafka) as ledger:
        for stream in (A, B):
            await ledger.restore(stream, None)
        await ledger.commit(change(A, 1, "x", "y"))
        await ledger.commit(change(B, 2))
        await ledger.commit(change(A, 3, "y"))
        assert [one.key() for one in kafka.read("call")].count(f"{A}/y".encode()) == 2
    async with owner(kafka) as ledger:
        one, other = await ledger.restore(A, None), await ledger.restore(B, None)
        assert (one.checkpoint, other.checkpoint) == (checkpoint(3), checkpoint(2))
        found = [one.seen.get(key_of(name), NOON.timestamp()) for name in "xy"]
        assert [entry.revision for entry in found if entry] == [2, 4]
        assert one.doubts == frozenset(), "nothing has to be doubted"
        await ledger.commit(change(A, 4, "z"))  # within the same second as the others
    async with owner(kafka) as ledger:
        assert len((await ledger.restore(A, None)).seen) == 3
    assert sorted(delivered(kafka)) == ["x", "y", "y", "z"]


async def test_what_a_process_had_begun_when_it_died_never_was(kafka: Place) -> None:
    async with owner(kafka) as ledger:
        await ledger.restore(A, None)
        await ledger.commit(change(A, 1, "x"))
    dead = AIOKafkaProducer(bootstrap_servers=kafka.at, transactional_id=state(kafka).transactional_id(0))
    await dead.start()
    await dead.begin_transaction()
    await (await dead.send(f"{kafka.prefix}call", b'{"name": "never"}', b"never"))
    await (await dead.send(f"{kafka.prefix}state", b"nonsense", f"c|{A}".encode()))
    async with owner(kafka) as ledger:
        assert await known(ledger) == checkpoint(1)
        await ledger.commit(change(A, 2, "y"))
    await producer._end(dead)
    assert sorted(delivered(kafka)) == ["x", "y"]
    assert sorted(delivered(kafka, committed=False)) == ["never", "x", "y"]


async def test_who_is_fenced_cannot_prove_that_a_source_is_his(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        await one.ledger.prove("acme")
        other = Producer(state(kafka), "zstd", {}, state(kafka).transactional_id(0))
        await other.start()
        with pytest.raises(OwnershipLost):
            await one.ledger.prove("acme")
        await other.close()


async def test_who_is_fenced_writes_nothing_and_knows_nothing_any_more(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        for stream in (A, B):
            await one.ledger.restore(stream, None)
        await one.ledger.commit(change(A, 1, "x"))
        other = Producer(state(kafka), "zstd", {}, state(kafka).transactional_id(0))
        await other.start()
        async with anyio.create_task_group() as group:
            for each in (change(A, 2, "y"), change(B, 2, "z"), change(A, 3)):
                group.start_soon(refused, one.ledger, each)
        await one.until(lambda replica: replica.said[-2:] == [set(), {"acme"}])
        await refused(one.ledger, change(A, 2, "y"))  # of what was restored before, nothing is true
        assert await known(one.ledger) == checkpoint(1)
        await one.ledger.commit(change(A, 4, "w"))
        assert one.ledger.trouble is None
        await other.close()
    assert sorted(delivered(kafka)) == ["w", "x"]


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
async def test_where_nobody_knows_the_end_of_a_commit_the_state_does(
    frail_broker: Broker, frail: Place, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    """The broker freezes before, or right after, it is asked to commit; later it goes on."""
    monkeypatch.setattr(producer, "TRANSACTION", 1.5)
    commit = AIOKafkaProducer.commit_transaction

    async def frozen(self: Any) -> None:
        monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", commit)
        async with anyio.create_task_group() as group:
            if sent:
                group.start_soon(commit, self)
                await anyio.wait_all_tasks_blocked()
            frail_broker.send(signal.SIGSTOP)
            if not sent:
                group.start_soon(commit, self)

    async with replica(frail, "acme") as one:
        await one.has("acme")
        await one.ledger.restore(A, None)
        await one.ledger.commit(change(A, 1, "x"))
        monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", frozen)
        begun = anyio.current_time()
        await refused(one.ledger, change(A, 2, "y"))
        assert anyio.current_time() - begun < 4
        await one.has()
        assert one.ledger.trouble
        frail_broker.send(signal.SIGCONT)
        await one.has("acme")
        found = await known(one.ledger)
        assert found in {1: [checkpoint(1)], 2: [checkpoint(2)]}[len(delivered(frail))]
        await one.ledger.commit(change(A, 3, "z"))
        assert await known(one.ledger) == checkpoint(3)
        assert one.ledger.trouble is None
    assert len(set(delivered(frail))) == len(delivered(frail))


async def test_what_is_given_up_is_either_done_or_not(kafka: Place) -> None:
    """A commit that is cancelled at any moment: the checkpoint says whether its events are there."""
    async with owner(kafka) as ledger:
        await ledger.restore(A, None)
        await ledger.commit(change(A, 0, "0"))
        for number in range(1, 30):
            with anyio.move_on_after((number - 10) / 1000):
                await ledger.commit(change(A, number, f"{number}"))
            held = ledger._assignment.held[0]
            assert not held.lost.is_set()
        found = await ledger.restore(A, None)
        there = delivered(kafka)
        assert {key_of(name) for name in there} == {
            key for key in map(key_of, map(str, range(30))) if found.seen.get(key, NOON.timestamp())
        }
        assert found.checkpoint == checkpoint(max(map(int, there)))
        assert 1 < len(there) < 30, "some were given up before, and some after they had begun"


async def test_a_crowd_that_waits_shares_transactions(kafka: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.state.kafka.partition._MOST", 10)
    counted: list[int] = []
    transaction = Producer.transaction

    async def counting(self: Producer, posts: Any) -> None:
        counted.append(sum(post.topic.endswith("call") for post in posts))
        await transaction(self, posts)

    async with owner(kafka) as ledger:
        streams = [f"acme/s{number}" for number in range(30)]
        for stream in streams:
            await ledger.restore(stream, None)
        monkeypatch.setattr(Producer, "transaction", counting)
        async with anyio.create_task_group() as group:
            for number, stream in enumerate(streams):
                group.start_soon(ledger.commit, change(stream, 1, *(f"{number}-{n}" for n in range(number % 5))))
            group.start_soon(ledger.commit, change(streams[0], 2, *(f"many-{n}" for n in range(25))))
        *others, largest = sorted(counted)
        assert largest == 25, "what is larger by itself goes by itself"
        assert max(others) <= 10
        assert len(counted) < 13
    assert len(delivered(kafka)) == 60 + 25


async def test_what_its_topic_never_takes_is_there_as_a_reject(kafka: Place) -> None:
    kafka.create("call", max_message_bytes="20000")
    large = with_a_large_one(A, 1, "x", "y")
    async with owner(kafka) as ledger:
        await ledger.restore(A, None)
        await ledger.commit(large)
        assert await known(ledger) == checkpoint(1)
    assert sorted(delivered(kafka)) == ["x", "y"]
    assert len(kafka.values("rejects")) == 1


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
async def test_a_topic_that_takes_less_than_it_did_costs_one_claim(
    kafka: Place, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """Also where we may not read its settings, and only the refusal says so."""
    if not told:
        monkeypatch.setattr("outputs.kafka.topics.Topic.largest", None)
    topic = kafka.create("call", 2)
    large = with_a_large_one(A, 2, "y")
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        await one.ledger.restore(A, None)
        await one.ledger.commit(change(A, 1, "x"))
        kafka.alter(topic, max_message_bytes="20000")
        await refused(one.ledger, large)
        await one.until(lambda replica: replica.said[-2:] == [set(), {"acme"}])
        assert await known(one.ledger) == checkpoint(1)
        await one.ledger.commit(large)
    assert sorted(delivered(kafka)) == ["x", "y"]
    assert len(kafka.values("rejects")) == 1


async def test_a_topic_that_was_deleted_is_made_again(kafka: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "TRANSACTION", 1.0)
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        await one.ledger.restore(A, None)
        await one.ledger.commit(change(A, 1, "x"))
        topic, admin = f"{kafka.prefix}call", kafka.admin()
        admin.delete_topics([topic])[topic].result(30)
        await refused(one.ledger, change(A, 2, "y"))
        await one.until(lambda replica: replica.said[-2:] == [set(), {"acme"}])
        assert await known(one.ledger) == checkpoint(1)
        await one.ledger.commit(change(A, 3, "z"))
    assert kafka.topics()[topic] == 2
    assert delivered(kafka) == ["z"]


async def test_beside_an_output_that_cannot_be_taken_back_what_it_may_hold_is_doubted(kafka: Place) -> None:
    console = Sink("console", exact=False)
    seen: list[frozenset[int]] = []

    async def look() -> None:
        seen.append((await ledger.restore(B, None)).doubts)

    async with owner(kafka, sinks=(console,)) as ledger:
        await ledger.restore(B, None)
        console.before = look
        await ledger.commit(change(B, 1, "x"))
        assert seen == [{key_of("x")}]
        assert (await ledger.restore(B, None)).doubts == frozenset()
    assert list(names(console.held)) == delivered(kafka) == ["x"]
