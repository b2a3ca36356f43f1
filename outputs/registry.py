"""The configurations of all outputs there are, told apart by their `type`."""

from typing import Annotated, TypeAlias

from pydantic import Field

from outputs.file import FileConfig
from outputs.kafka import KafkaConfig
from outputs.stdout import StdoutConfig

OutputConfig: TypeAlias = Annotated[StdoutConfig | FileConfig | KafkaConfig, Field(discriminator="type")]
