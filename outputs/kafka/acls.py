"""The rights that a broker gives us: it is asked, and nothing is written to find out."""

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, TransactionalIdAuthorizationFailed
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

RIGHTS: Mapping[str, int] = {"Read": 1 << 3, "Write": 1 << 4}
"""A bit each, as the broker gives them: https://kafka.apache.org/documentation/#operations_in_kafka"""
_TEXT, _NUMBERS = String("utf-8"), Array(Int32)
_OF_TRANSACTIONS = 1
"""A kind of coordinator."""
_NOT_SAID = -(1 << 31)


class _Answer(Response):  # type: ignore[misc] # aiokafka has no types
    """Metadata, version 8, the first that tells rights: https://kafka.apache.org/protocol#The_Messages_Metadata"""

    API_KEY, API_VERSION = 3, 8
    _PARTITION = Array(
        ("error_code", Int16),
        ("partition", Int32),
        ("leader", Int32),
        ("leader_epoch", Int32),
        ("replicas", _NUMBERS),
        ("isr", _NUMBERS),
        ("offline_replicas", _NUMBERS),
    )
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                ("partitions", _PARTITION),
                ("rights", Int32),
            ),
        ),
        ("cluster_rights", Int32),
    )


class _Struct(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, RESPONSE_TYPE = 3, 8, _Answer
    SCHEMA = Schema(
        ("topics", Array(_TEXT)), ("make_topics", Boolean), ("rights_on_cluster", Boolean), ("rights", Boolean)
    )


class _Question(Request[_Struct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = sorted(topics)

    def build(self, struct: Any) -> Any:
        return struct(self._topics, False, False, True)


async def lacking(client: Any, topics: Collection[str], needed: Collection[str]) -> list[str]:
    """Return what we lack of the `needed` RIGHTS, such as "Write on topic x"; nothing if the broker does not tell.

    Raises what aiokafka raises.
    """
    try:
        answer = await client._send_request(_Question(topics)) if topics else None
    except NotImplementedError:  # a broker before Kafka 2.3
        return []
    given = {name: rights for error, name, *_, rights in answer.topics if not error} if answer else {}
    return [
        f"{right} on topic {name}"
        for name, rights in sorted(given.items())
        for right in needed
        if rights != _NOT_SAID and not rights & RIGHTS[right]
    ]


async def reach(client: Any, group: str, transactional_ids: Collection[str]) -> None:
    """Return if we have Read on a group, and Describe on these ids; only their use can tell whether we have Write.

    The group is sent a heartbeat of an unknown member, which changes nothing. Raises what aiokafka raises.
    """
    node = await _coordinator(client, group)
    answer = await client._send_request(HeartbeatRequest(group, -1, ""), node)
    if answer.error_code == GroupAuthorizationFailedError.errno:
        raise GroupAuthorizationFailedError(group)
    for name in transactional_ids:
        await _coordinator(client, name, _OF_TRANSACTIONS)


async def _coordinator(client: Any, name: str, kind: int = 0) -> int:
    try:
        return int(await client.find_coordinator(name, kind))
    except (GroupAuthorizationFailedError, TransactionalIdAuthorizationFailed) as error:
        raise type(error)(name) from None
