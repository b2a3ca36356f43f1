"""What a reader of the topics finds, in both modes, read with another library than the one that wrote it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer

from outputs import Message
from outputs.kafka.records import ProducerRecord, partition
from tests.kafka.reading import Place
from tests.outputs.material import messages, values

OBSERVED = datetime(2026, 3, 14, 16, 15, 50, 120000, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "calls/1/1-5f0c",
    "source": "/callcap/acme",
    "type": "call.created",
    "subject": "Zoë \"1\"",
    "time": "2026-03-14T16:15:42Z",
    "datacontenttype": "application/json",
    "dataschema": "urn:poller:schema:call:1",
    "stream": "calls",
    "revision": 12,
    "observedtime": "2026-03-14T16:15:50.120Z",
    "partitionkey": "acme/calls/Zoë",
}  # fmt: skip
DATA = b'{"id":"Zo\xc3\xab","raw":{"price":1.10, "b": "\\u00e9"}}'


def event(kind: str = "call", *, reject: bool = False) -> Message:
    head = json.dumps(EVENT).encode()
    return Message(
        head[:-1] + b', "data": ' + DATA + b"}", EVENT["partitionkey"], "acme", "calls", kind, OBSERVED, reject
    )


async def test_structured_events_are_what_the_file_would_hold(kafka: Place) -> None:
    async with kafka.config(compression="none").open({}) as output:
        assert await output.write([event(), event("lead"), event(reject=True)]) == {}
    for name in ("call", "lead", "rejects"):
        [found] = kafka.read(name)
        assert found.value() == event().value
        assert found.key() == "acme/calls/Zoë".encode()
        assert found.headers() == [("content-type", b"application/cloudevents+json")]
        assert found.timestamp() == (1, 1773504950120)


async def test_binary_events_have_their_attributes_in_headers(kafka: Place) -> None:
    async with kafka.config(mode="binary").open({}) as output:
        await output.write([event()])
    [found] = kafka.read("call")
    assert found.value() == DATA  # to the byte
    headers = dict(found.headers() or [])
    assert headers.pop("content-type") == b"application/json"
    expected = {f"ce_{name}": str(value).encode() for name, value in EVENT.items() if name != "datacontenttype"}
    assert headers == expected
    assert found.key() == expected["ce_partitionkey"]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_can_be_read_elsewhere(kafka: Place, compression: str) -> None:
    async with kafka.config(compression=compression, partitions=1).open({}) as output:
        await output.write(messages(range(3000), size=1000))  # several batches
    assert kafka.values("call") == values(messages(range(3000), size=1000))


async def test_a_key_has_the_partition_that_java_gives_it(kafka: Place) -> None:
    keys = [f"acme/calls/{'é' * (number % 7)}{number}" for number in range(200)]
    topic = kafka.create("theirs", 7)
    java = Producer({"bootstrap.servers": kafka.at, "partitioner": "murmur2_random"})
    for key in keys:
        java.produce(topic, key=key, value=b"x")
    java.flush()
    theirs = {message.key(): message.partition() for message in kafka.read("theirs")}
    async with kafka.config(partitions=7).open({}) as output:
        await output.write([Message(b"{}", key, "acme", "calls", "call", OBSERVED) for key in keys])
    ours = {message.key(): message.partition() for message in kafka.read("call")}
    assert ours == theirs
    assert len(set(ours.values())) == 7
    assert all(partition(ProducerRecord("", key, b"", 0), 7) == number for key, number in theirs.items() if key)
