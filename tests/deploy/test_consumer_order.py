"""docs/examples/consumer.py believes a progress event once it has read each partition to where that ended."""

import json
import runpy
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, TopicPartition

from tests.commands.running import ROOT


def message(topic: str, offset: int, **event: Any) -> Any:
    """A message; without an event, the end of the partition."""
    error = None if event else KafkaError(KafkaError._PARTITION_EOF)
    value = json.dumps({"source": "/callcap/acme", "stream": "calls", **event}).encode()
    found = {"topic": topic, "partition": 0, "offset": offset, "value": value, "error": error}
    return SimpleNamespace(**{name: (lambda given=given: given) for name, given in found.items()})


def created(offset: int, subject: str) -> Any:
    return message("calls", offset, type="call.created", subject=subject, time="2026-03-14T16:30:00Z")


SETTLED = message("stream", 0, type="stream.progress", data={"settled_until": "2026-03-14T18:00:00Z"})


class Kafka:
    """A broker whose calls end at 4 for who waits for what is not committed yet, at 1 for others."""

    def __init__(self, *arrive: Any) -> None:
        self._arrive = list(arrive)

    def __call__(self, _: Mapping[str, Any]) -> "Kafka":
        return self

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(topics={name: SimpleNamespace(partitions=[0]) for name in ("calls", "stream")})

    def assign(self, partitions: object) -> None:
        pass

    def poll(self, _: float) -> Any:
        return self._arrive.pop(0)

    def list_offsets(self, asked: Mapping[TopicPartition, Any], isolation_level: IsolationLevel) -> Any:
        done = dict[TopicPartition, Future[Any]]()
        for one in asked:
            calls = 4 if isolation_level is IsolationLevel.READ_UNCOMMITTED else 1
            done[one] = Future()
            done[one].set_result(SimpleNamespace(offset=calls if one.topic == "calls" else 1))
        return done


def counted(*arrive: Any) -> list[tuple[str, int]]:
    names = runpy.run_path(str(ROOT / "docs/examples/consumer.py"))
    read: Callable[..., Any] = names["read"]
    read.__globals__.update(dict.fromkeys(("Consumer", "AdminClient"), Kafka(*arrive)))
    found = []
    with suppress(IndexError):  # that was all
        for _, hour, records in names["whole_hours"](read("", ["stream", "calls"])):
            found.append((f"{hour:%H:%M}", records))
    return found


def test_what_a_progress_event_speaks_of_may_come_behind_it() -> None:
    last = message("calls", 4)  # what was aborted, and the marker of the commit, are stepped over
    assert counted(SETTLED, created(0, "1"), None, created(1, "2"), created(2, "2"), last) == [("16:00", 2)]


def test_it_is_not_believed_before() -> None:
    assert counted(created(0, "1"), SETTLED, created(1, "2"), created(2, "3")) == []
