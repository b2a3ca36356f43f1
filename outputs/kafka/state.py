"""What `state: {type: kafka}` takes in the configuration, and the settings of the topic that holds it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from outputs.kafka.cluster import Cluster, Secret
from outputs.units import Duration

SETTINGS = {
    "cleanup.policy": "compact",
    "segment.ms": "3600000",  # the segment that is written to is never compacted: by default it lasts a week
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "21600000",
    "delete.retention.ms": "86400000",
    "max.message.bytes": str(4 << 20),
}
"""See https://kafka.apache.org/documentation/#topicconfigs"""


class KafkaState(Cluster):
    """The state in a compacted topic, in one transaction with the events, shared by all replicas of one group.

    The topic is made where it is missing, and never altered; `partitions` cannot be changed later. `token_key`
    encrypts refresh tokens. `allow_empty` lets us begin anew beside events that were delivered before.
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
        """Name whoever owns a partition: whichever replica does, so that the last to come fences the others."""
        return f"{self.group}-{self.topic}-{partition}"
