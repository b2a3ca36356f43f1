"""The outputs there are."""

from typing import Annotated, TypeAlias

from pydantic import Field

from outputs.file import FileConfig
from outputs.kafka import KafkaConfig
from outputs.stdout import StdoutConfig

OutputConfig: TypeAlias = Annotated[StdoutConfig | FileConfig | KafkaConfig, Field(discriminator="type")]
