"""The least that each vendor's configuration needs."""

from typing import Annotated, Any

from pydantic import TypeAdapter

from poller.config.plugins import OneOf
from poller.plugin.source import Source
from poller.sources.registry import SOURCES

READ: TypeAdapter[Source] = TypeAdapter(Annotated[Source, OneOf(SOURCES)])
CALLCAP: dict[str, Any] = {"type": "callcap", "api_key": "k"}
FLEXTELL: dict[str, Any] = {"type": "flextell", "tenant": 42, "access_token": "t"}
OAUTH: dict[str, Any] = {"type": "flextell", "tenant": 42, "client_id": "c", "client_secret": "s", "refresh_token": "r"}
