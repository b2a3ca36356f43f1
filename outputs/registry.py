"""The outputs there are."""

from typing import Annotated, TypeAlias

from pydantic import Field

from outputs.file import File
from outputs.kafka import Kafka
from outputs.stdout import Stdout

OutputConfig: TypeAlias = Annotated[Stdout | File | Kafka, Field(discriminator="type")]
