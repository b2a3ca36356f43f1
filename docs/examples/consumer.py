"""Count the records of each hour, and print a count once its hour is whole.

    pip install confluent-kafka
    python consumer.py localhost:9092 poller.stream poller.call poller.lead

The first topic is that of the progress events (`progress: 1m` in config.yaml), the others are those of the records.
Three rules make the counts right: read what is committed; drop nothing; believe a progress event only when every
partition has been read to where it ended when the event came.
"""

import json
import sys
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

HOUR = timedelta(hours=1)
Event = Mapping[str, Any]


def read(servers: str, topics: Sequence[str]) -> Iterator[Event | None]:
    """Yield all events, a progress event only after all that it speaks of; None where there is nothing new for now."""
    settings = {"bootstrap.servers": servers, "group.id": "hours", "enable.auto.commit": False}
    committed = {"isolation.level": "read_committed", "enable.partition.eof": True}
    admin, consumer = AdminClient({"bootstrap.servers": servers}), Consumer(settings | committed)
    found = consumer.list_topics(timeout=30).topics
    partitions = [TopicPartition(topic, number, 0) for topic in topics for number in found[topic].partitions]
    consumer.assign(partitions)  # all of them: who reads a part of a topic cannot tell what is whole
    reached: dict[tuple[str, int], int] = defaultdict(int)
    waiting: deque[tuple[Event, Mapping[tuple[str, int], int]]] = deque()
    while True:
        message = consumer.poll(0.5)
        if message is None:
            yield None
            continue
        error, place = message.error(), (message.topic(), message.partition())
        if error and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        reached[place] = message.offset() + (0 if error else 1)  # an end steps over what was aborted, too
        event = {} if error else json.loads(message.value())
        if event.get("type") == "stream.progress":
            waiting.append((event, ends(admin, partitions)))
        elif event:
            yield event
        while waiting and all(reached[at] >= end for at, end in waiting[0][1].items()):
            yield waiting.popleft()[0]


def ends(admin: AdminClient, partitions: Sequence[TopicPartition]) -> Mapping[tuple[str, int], int]:
    """Return where each partition ends, with what is not committed yet: a commit shows in one after the other."""
    latest = {TopicPartition(one.topic, one.partition): OffsetSpec.latest() for one in partitions}
    asked = admin.list_offsets(latest, isolation_level=IsolationLevel.READ_UNCOMMITTED)
    return {(one.topic, one.partition): found.result().offset for one, found in asked.items()}


def whole_hours(events: Iterator[Event | None]) -> Iterator[tuple[str, datetime, int]]:
    """Yield the source, an hour's beginning and the records of that hour, once its stream is settled beyond its end."""
    hours: dict[tuple[str, datetime], set[str]] = defaultdict(set)  # by identity: a repetition counts once
    for event in filter(None, events):
        stream = f"{event['source']}/{event['stream']}"
        if event["type"].endswith(".created"):
            at = datetime.fromisoformat(event["time"])
            hours[stream, at.replace(minute=0, second=0, microsecond=0)].add(event["subject"])
        elif event["type"] == "stream.progress" and event["data"]["settled_until"]:
            settled = datetime.fromisoformat(event["data"]["settled_until"])
            for name, hour in sorted(key for key in hours if key[0] == stream and key[1] + HOUR <= settled):
                yield name, hour, len(hours.pop((name, hour)))


if __name__ == "__main__":
    for stream, hour, records in whole_hours(read(sys.argv[1], sys.argv[2:])):
        sys.stdout.write(f"{hour:%Y-%m-%dT%H:%MZ} {stream} {records}\n")
        sys.stdout.flush()
