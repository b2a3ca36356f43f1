"""A topic that is written to while it is looked at has lost nothing.

Killed: an end that was seen before a commit, compared with what that commit wrote: with many partitions in use it gave
all of them up every few minutes.
"""

from types import SimpleNamespace

import pytest

from outputs.kafka.topics import Topic
from poller.state.kafka import KafkaState, watch
from poller.state.kafka.topic import Look, Prepared

NAME = "state"
STATE = KafkaState.model_validate({"type": "kafka", "bootstrap_servers": "nowhere:9092", "topic": NAME})


def look(end: int) -> Look:
    return Look(Topic(NAME, 1, 1, {}), "id", {0: 0}, {0: end})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SURE", 0)


def watched() -> watch.TopicWatch:
    found = watch.TopicWatch(STATE, lambda _: None)
    found.know(Prepared(STATE, look(1), {}, (), False))
    return found


async def test_what_is_written_during_a_look_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, end = watched(), 5

    async def look_at(_: KafkaState) -> Look:
        nonlocal end
        seen, end = look(end), end + 1
        topic.accept(0)([SimpleNamespace(topic=NAME, offset=end - 1, log_start_offset=0)])
        return seen

    monkeypatch.setattr(watch, "look_at", look_at)
    for _ in range(3):
        await topic.confirm()
    assert topic.trouble is None


async def test_what_was_written_before_a_look_and_is_not_there_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = watched()
    topic.accept(0)([SimpleNamespace(topic=NAME, offset=7, log_start_offset=0)])

    async def look_at(_: KafkaState) -> Look:
        return look(7)

    monkeypatch.setattr(watch, "look_at", look_at)
    with pytest.raises(watch.StateLost, match="lost its end"):
        await topic.confirm()
