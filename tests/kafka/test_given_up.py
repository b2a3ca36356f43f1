"""A producer that is given up in the middle of its work leaves nothing behind that complains in the log."""

import asyncio
import gc
import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from aiokafka.errors import KafkaError
from aiokafka.producer.sender import Sender

from outputs import OutputError, Unreachable
from outputs.kafka import producer
from outputs.kafka.errors import ErrorCollector
from poller.state.kafka import KafkaState
from poller.state.kafka.group import Group
from tests.kafka.reading import Place
from tests.kafka.test_transaction import posts
from tests.kafka.test_transaction import producer as started_by_nobody


async def test_posts_that_wait_to_be_sent_again_end_in_silence(
    kafka: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    events = kafka.create("events", 3)
    ours = started_by_nobody(kafka)
    await ours.start()

    async def in_vain(sender: Any, node: int, batches: Mapping[object, Any]) -> None:
        for batch in batches.values():
            sender._message_accumulator.reenqueue(batch)
        await anyio.sleep_forever()

    monkeypatch.setattr(Sender, "_send_produce_req", in_vain)
    monkeypatch.setattr(producer, "TRANSACTION", 0.5)
    with caplog.at_level(logging.ERROR, "asyncio"):
        with pytest.raises(OutputError):
            await ours.transaction(posts(events, "a", "b", "c"))
        await anyio.lowlevel.checkpoint()
        gc.collect()
        await anyio.lowlevel.checkpoint()
    assert not [record.message for record in caplog.records if record.name == "asyncio"]


async def test_what_the_client_cancels_by_itself_is_its_failure_and_not_our_end() -> None:
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    gone.cancel()
    with pytest.raises(KafkaError), ErrorCollector().listening():
        await gone
    with anyio.CancelScope() as ours, ErrorCollector().listening():
        ours.cancel()
        await anyio.sleep_forever()
    assert ours.cancelled_caught


async def test_a_question_to_the_group_that_the_client_cancels_is_a_failure_and_not_our_end() -> None:
    """Else the task that asks would end as if we had cancelled it, and all others beside it, and the run with them."""

    async def gone(_: object) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    group = Group(KafkaState(type="kafka", bootstrap_servers="localhost:1"), "ours", lambda _: None, lambda *_: None)
    member = SimpleNamespace(coordinator_id=1, generation=1, member_id="ours", _send_req=gone)
    group._consumer, group._ours = SimpleNamespace(_coordinator=member), {0}
    with pytest.raises(Unreachable):
        await group.probe(0)
