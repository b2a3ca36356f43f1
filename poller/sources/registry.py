"""The vendors we know: the table of contents."""

from typing import Annotated, TypeAlias

from pydantic import Field

from poller.sources.agendize import Agendize
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.sources.ipscape import Ipscape
from poller.sources.trackdrive import Trackdrive

SourceConfig: TypeAlias = Annotated[Callcap | Flextell | Trackdrive | Ipscape | Agendize, Field(discriminator="type")]
