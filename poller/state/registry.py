"""The table of contents of the state: where it can be kept."""

from typing import Annotated, TypeAlias

from pydantic import Field

from poller.state.kafka import KafkaState
from poller.state.sqlite import SqliteState

StateConfig: TypeAlias = Annotated[SqliteState | KafkaState, Field(discriminator="type")]
