"""A topic that is written to while it is looked at has lost nothing; what is lost is named, and told once a minute.

Killed: an end that was seen before a commit, compared with what that commit wrote: with many partitions in use it gave
all of them up every few minutes; a topic that was begun anew, of which an empty partition is believed.
"""

from collections.abc import Collection
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from structlog.testing import capture_logs

from outputs import OutputError, Unreachable
from outputs.kafka.topics import Topic
from poller.errors import ConfigError
from poller.state.delivery import Delivery
from poller.state.kafka import KafkaState, manifest, watch
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
        seen, end = look(end), end + 2
        topic.accept(0)([(SimpleNamespace(topic=NAME, offset=end - 2, log_start_offset=0), 1)])
        return seen

    monkeypatch.setattr(watch, "look_at", look_at)
    for _ in range(3):
        await topic.confirm()
    assert topic.trouble is None


async def test_what_was_written_before_a_look_and_is_not_there_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = watched()
    topic.accept(0)([(SimpleNamespace(topic=NAME, offset=7, log_start_offset=0), 1)])

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
    topic.accept(1)([(SimpleNamespace(topic=NAME, offset=8, log_start_offset=0), 1)])
    looks["now"] = of_two("another", (0, 4), (1, 4))
    with pytest.raises(watch.StateLost, match="was made anew: nothing is polled until it is there again"):
        await topic.confirm()
    looks["now"] = of_two("another", (0, 4), (1, 5))
    await topic.confirm()
    assert (topic.trouble, topic.everywhere, topic.begins(0), topic.begins(1)) == (None, True, 0, 4)
    assert [told[0] is None, *told[1:]] == [False, None]
    topic.accept(1)([(SimpleNamespace(topic=NAME, offset=5, log_start_offset=4), 1)])
    looks["now"] = of_two("another", (0, 4), (0, 6))
    with pytest.raises(watch.StateLost, match="partition 0 of topic state is empty, and held something"):
        await topic.confirm()


WHOLE = {0: Manifest(1, 2), 1: Manifest(1, 2, 4)}
"""What a start writes that begins a state anew where the second log begins at 4."""


@pytest.mark.parametrize(
    ("id_", "end", "manifests", "why"),
    [
        ("another", (9, 9), {0: WHOLE[0]}, "was made anew"),
        ("another", (9, 9), WHOLE | {0: Manifest(1, 3)}, "was made anew"),
        ("another", (0, 9), WHOLE, "was made anew"),
        ("another", (9, 9), {0: WHOLE[0], 1: Manifest(1, 2, 3)}, "was made anew"),
        ("one", (1, 9), WHOLE, "partition 0 of topic state has lost its end: nothing is polled until this replica"),
        ("one", (9, 9), {}, None),
    ],
)
async def test_what_no_start_has_begun_anew_as_a_whole_stays_lost(
    id_: str, end: tuple[int, int], manifests: dict[int, Manifest], why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = STATE.model_copy(update={"partitions": 2})
    topic = watch.TopicWatch(state, lambda _: None)
    topic.know(Prepared(state, of_two("one", (0, 4), (9, 9)), {1: 4}, (), fresh=False))
    topic.accept(0)([(SimpleNamespace(topic=NAME, offset=8, log_start_offset=0), 1)])

    async def look_at(_: KafkaState) -> Look:
        return of_two(id_, (0, 4), end)

    async def manifests_of(asked: KafkaState, _: Collection[int]) -> dict[int, Manifest]:
        assert asked is state
        return manifests

    monkeypatch.setattr(watch, "look_at", look_at)
    monkeypatch.setattr(watch, "manifests_of", manifests_of)
    for _ in range(2):
        with pytest.raises(watch.StateLost, match=why) if why else nullcontext():
            await topic.confirm()


def test_who_writes_sees_that_its_records_follow_and_that_nothing_was_cut() -> None:
    topic = watch.TopicWatch(STATE, lambda _: None)
    topic.know(Prepared(STATE, look(1), {1: 4}, (), fresh=False))

    def written(number: int, offset: int, begins: int | None = None, name: str = NAME) -> None:
        topic.accept(number)([(SimpleNamespace(topic=name, offset=offset, log_start_offset=begins), 1)])

    written(0, 0)
    written(1, 7, 4)
    written(0, 2, 0)
    written(0, 1, 9, "events")
    for number, offset, begins in ((0, 2, 0), (0, 4, 1), (1, 8, 5), (1, 7, None)):
        with pytest.raises(watch.StateLost, match=f"^topic {NAME} is not what it was when we wrote to it last$"):
            written(number, offset, begins)
    written(0, 4)
    with pytest.raises(OutputError, match=r"^partition 0 .* not write: .* another state\.group than poller"):
        written(0, 7)
    topic.claim(0)
    written(0, 7)


async def test_a_topic_that_deletes_is_lost_unless_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_at(_: KafkaState) -> Look:
        return Look(Topic(NAME, 1, 1, {"cleanup.policy": "delete"}), "id", {0: 0}, {0: 1})

    async def manifests_of(*_: Any) -> dict[int, Manifest]:
        return {}

    monkeypatch.setattr(watch, "look_at", look_at)
    monkeypatch.setattr(watch, "manifests_of", manifests_of)
    for wanted in (False, True):
        state = STATE.model_copy(update={"partitions": 1, "allow_empty": wanted})
        topic = watch.TopicWatch(state, lambda _: None)
        topic.know(Prepared(state, look(1), {}, (), fresh=False))
        with nullcontext() if wanted else pytest.raises(watch.StateLost, match="deletes the state bit by bit"):
            await topic.confirm()


async def test_a_kafka_that_is_away_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Look | OutputError | None] = [look(5), Unreachable("away"), Unreachable("away")]

    async def look_at(_: KafkaState) -> Look | None:
        answer = answers.pop(0) if answers else None
        if isinstance(answer, OutputError):
            raise answer
        return answer

    monkeypatch.setattr(watch, "look_at", look_at)
    monkeypatch.setattr(watch, "EVERY", 0.0)
    topic = watch.TopicWatch(STATE, (told := list[str | None]()).append)
    topic.know(Prepared(STATE, look(5), {}, (), fresh=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(topic.run)
        with anyio.fail_after(5):
            while not told:
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert topic.trouble
    assert f"topic {NAME} of the state is gone" in topic.trouble


def test_a_manifest_is_written_as_other_versions_read_it() -> None:
    (row,) = manifest.row(2, 4, everywhere=True).values()
    assert row == b'{"format":1,"partitions":2,"begins":4,"everywhere":true}'
    assert manifest.decode(row) == Manifest(1, 2, 4, everywhere=True)
    manifest.require_readable(NAME, 0, row)
    manifest.require_readable(NAME, 0, None)
    with pytest.raises(
        ConfigError, match=r"^state.topic: partition 1 of state: a newer version wrote it .*; run that$"
    ):
        manifest.require_readable(NAME, 1, b'{"format":2,"partitions":2,"more":0}')


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
