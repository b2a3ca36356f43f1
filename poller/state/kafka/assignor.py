"""Shares the partitions out as Kafka's sticky assignor does, but gives none to a member that cannot read it.

A partition that a newer version wrote is of no use to an older replica. Members say which ones they refuse behind the
user data of the sticky assignor, which ignores what follows its own (KIP-54 defines it), and the one that leads the
group gives those to others. A leader of a version before this one does not, and they wait for the next rebalance.
"""

from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyAssignorUserDataV1, StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from aiokafka.protocol.types import Array, Int32

_NUMBERS = Array(Int32)
_NOTHING = StickyAssignorUserDataV1([], StickyPartitionAssignor.DEFAULT_GENERATION_ID).encode()


class RefusingAssignor(StickyPartitionAssignor):  # type: ignore[misc] # aiokafka has no types
    """The sticky assignor of a member that refuses some partitions, all of one topic; `refused` may change at work."""

    def __init__(self) -> None:
        self.refused: set[int] = set()

    def metadata(self, topics: Collection[str]) -> Any:
        """Return what the leader is told of this member."""
        told = super().metadata(topics)
        data = (told.user_data or _NOTHING) + _NUMBERS.encode(sorted(self.refused))
        return ConsumerProtocolMemberMetadata(told.version, list(told.subscription), data)

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Share the partitions out, as the leader of the group."""
        shares = super().assign(cluster, members)
        refused = {name: _refused(member.user_data) for name, member in members.items()}
        given = {name: set(share.partitions()) for name, share in shares.items()}
        for name, places in given.items():
            for place in [place for place in places if place.partition in refused[name]]:
                takers = [other for other in given if place.partition not in refused[other]]
                if takers:
                    places.remove(place)
                    given[min(takers, key=lambda other: len(given[other]))].add(place)
        return {name: _share(self.version, places) for name, places in given.items()}


def _refused(user_data: bytes) -> set[int]:
    own = len(StickyAssignorUserDataV1.decode(user_data).encode()) if user_data else 0
    return set(_NUMBERS.decode(BytesIO(user_data[own:]))) if user_data[own:] else set()


def _share(version: int, places: Collection[Any]) -> Any:
    topics: dict[str, list[int]] = {}
    for place in sorted(places):
        topics.setdefault(place.topic, []).append(place.partition)
    return ConsumerProtocolMemberAssignment(version, list(topics.items()), b"")
