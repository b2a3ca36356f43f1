"""The id that a broker gives a topic when it is made: a topic that was made anew has another one.

See https://cwiki.apache.org/confluence/display/KAFKA/KIP-516%3A+Topic+Identifiers
"""

from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

_TEXT, _NUMBERS, _TAGS = CompactString("utf-8"), CompactArray(Int32), ("tags", TaggedFields)


class _Id(AbstractType[UUID]):  # type: ignore[misc] # aiokafka has no types
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class _Answer(Response):  # type: ignore[misc]
    """Metadata, version 10, the first that tells ids: https://kafka.apache.org/protocol#The_Messages_Metadata"""

    API_KEY, API_VERSION = 3, 10
    _PARTITION = CompactArray(
        ("error_code", Int16),
        ("partition", Int32),
        ("leader", Int32),
        ("leader_epoch", Int32),
        ("replicas", _NUMBERS),
        ("isr", _NUMBERS),
        ("offline_replicas", _NUMBERS),
        _TAGS,
    )
    _TOPIC = CompactArray(
        ("error_code", Int16),
        ("topic", _TEXT),
        ("topic_id", _Id),
        ("is_internal", Boolean),
        ("partitions", _PARTITION),
        ("rights", Int32),
        _TAGS,
    )
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), _TAGS)),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        ("topics", _TOPIC),
        ("cluster_rights", Int32),
        _TAGS,
    )


class _Struct(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, RESPONSE_TYPE, FLEXIBLE_VERSION = 3, 10, _Answer, True
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Id), ("topic", _TEXT), _TAGS)),
        ("make_topics", Boolean),
        ("rights_on_cluster", Boolean),
        ("rights", Boolean),
        _TAGS,
    )


class _Question(Request[_Struct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, struct: Any) -> Any:
        return struct([(UUID(int=0), self._topic, {})], False, False, False, {})


async def topic_id(client: Any, name: str) -> str | None:
    """Return a topic's id; None where it is not there, or the broker is older than Kafka 2.8.

    Raises what aiokafka raises.
    """
    try:
        answer = await client._send_request(_Question(name))
    except NotImplementedError:
        return None
    found = {topic: id_ for error, topic, id_, *_ in answer.topics if not error}
    return found[name].hex if name in found and found[name].int else None
