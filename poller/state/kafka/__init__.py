"""The configuration of a state in Kafka."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from outputs.kafka.connection import Cluster, Secret
from outputs.units import Duration


class KafkaState(Cluster):
    """The state in a compacted topic, in one transaction with the events, shared by all replicas of one group.

    The topic is created where it is missing, and never altered; `partitions` counts then, and cannot be changed later.
    `token_key` encrypts refresh tokens. `allow_empty` lets a start begin anew, or go on with what is left, where the
    state is lost.
    """

    type: Literal["kafka"]
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{3,249}$")] = "poller.state"
    group: Annotated[str, Field(min_length=1)] = "poller"
    partitions: Annotated[int, Field(ge=1)] = 32
    replication: Annotated[int, Field(ge=1)] | None = None
    session_timeout: Duration = timedelta(seconds=10)
    token_key: Secret | None = None
    allow_empty: bool = False

    def transactional_id(self, partition: int) -> str:
        """Return the transactional id of a partition's owner: replicas share it, so the last to claim fences others."""
        return f"{self.group}-{self.topic}-{partition}"
