"""What `state: {type: kafka}` takes in the configuration, and the settings of the topic that holds it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from outputs.kafka.connection import Cluster, Secret
from outputs.units import Duration


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
