"""The vendors we know: the table of contents."""

from typing import Annotated, TypeAlias

from pydantic import Field

from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell

SourceConfig: TypeAlias = Annotated[Callcap | Flextell, Field(discriminator="type")]
