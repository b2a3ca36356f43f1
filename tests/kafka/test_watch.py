"""A topic that is written to while it is looked at has lost nothing; what is lost is named, and told once a minute.

Killed: an end that was seen before a commit, compared with what that commit wrote: with many partitions in use it gave
all of them up every few minutes; a topic that was begun anew, of which an empty partition is believed.
"""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from outputs.kafka.topics import Topic
from poller.state.delivery import Delivery
from poller.state.kafka import KafkaState, watch
from poller.state.kafka.assignment import Assignment
from poller.state.kafka.event_topics import EventTopics
from poller.state.kafka.manifest import Manifest
from poller.state.kafka.topic import Look, Prepared
from poller.telemetry import Telemetry

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


def of_two(id_: str, first: tuple[int, int], end: tuple[int, int]) -> Look:
    return Look(Topic(NAME, 2, 1, {}), id_, dict(enumerate(first)), dict(enumerate(end)))


async def test_a_topic_that_a_start_began_anew_is_the_one_that_counts_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state, told = STATE.model_copy(update={"partitions": 2}), list[str | None]()
    topic = watch.TopicWatch(state, told.append)
    looks = {"now": of_two("one", (0, 0), (9, 9))}
    manifests = {0: Manifest(1, 2), 1: Manifest(1, 2, 4)}

    async def look_at(_: KafkaState) -> Look:
        return looks["now"]

    async def manifests_of(_: KafkaState, numbers: Collection[int]) -> dict[int, Manifest]:
        return {number: found for number, found in manifests.items() if number in numbers}

    monkeypatch.setattr(watch, "look_at", look_at)
    monkeypatch.setattr(watch, "manifests_of", manifests_of)
    topic.know(Prepared(state, looks["now"], {}, (), fresh=False))
    topic.accept(1)([SimpleNamespace(topic=NAME, offset=8, log_start_offset=0)])
    looks["now"] = of_two("another", (0, 4), (1, 4))
    with pytest.raises(watch.StateLost, match="was made anew: nothing is polled until it is there again"):
        await topic.confirm()
    looks["now"] = of_two("another", (0, 4), (1, 5))
    await topic.confirm()
    assert (topic.trouble, topic.everywhere, topic.begins(0), topic.begins(1)) == (None, True, 0, 4)
    assert [told[0] is None, *told[1:]] == [False, None]
    topic.accept(1)([SimpleNamespace(topic=NAME, offset=5, log_start_offset=4)])
    looks["now"] = of_two("another", (0, 4), (0, 6))
    with pytest.raises(watch.StateLost, match="partition 0 of topic state is empty, and held something"):
        await topic.confirm()


def test_what_a_look_finds_lost_is_named() -> None:
    both = of_two("id", (0, 3), (5, 9))
    assert both.cut({}, 2, everywhere=False) == f"the beginning of topic {NAME} is gone: partition 1 begins at offset 3"
    assert both.cut({1: 3}, 2, everywhere=True) is None
    assert both.cut({}, 1, everywhere=True) is None, "a partition that the state does not have"
    assert of_two("id", (0, 3), (0, 3)).cut({1: 3}, 2, everywhere=True) == (
        f"partition 0 of topic {NAME} is empty, and held something"
    )
    assert of_two("id", (0, 0), (0, 3)).cut({}, 2, everywhere=False) is None
    assert of_two("id", (0, 3), (5, 5)).filled == [1, 0], "the shortest log first"
    deleting = Look(Topic(NAME, 1, 1, {"cleanup.policy": "delete"}), "id", {0: 0}, {0: 1})
    assert deleting.loss({}, 1, everywhere=True) == (
        f"cleanup.policy of topic {NAME} is delete, which deletes the state bit by bit"
    )


async def test_the_same_words_are_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Delivery({}, Telemetry()) as delivery:
        taken = Assignment(STATE, "replica", EventTopics({}, delivery), not_taken, Telemetry())
        now = 100.0
        monkeypatch.setattr(anyio, "current_time", lambda: now)
        with capture_logs() as logs:
            for passed in (0.0, 30.0, 29.0, 1.0, 59.0):
                now += passed
                taken._notice("away", 1.26)
                taken._notice(f"away since {now}", 2)
    told = [line["error"] for line in logs if line["error"] == "away"]
    assert (len(told), len(logs), logs[0]["retry_in"]) == (2, 7, 1.3)


async def not_taken(*_: Any) -> Any:
    raise AssertionError
