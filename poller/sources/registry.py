"""The vendors we know: the table of contents."""

from typing import Annotated, TypeAlias

from pydantic import Field

from poller.sources.callcap import Callcap

SourceConfig: TypeAlias = Annotated[Callcap, Field(discriminator=None)]
