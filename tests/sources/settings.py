"""The least that each vendor's configuration needs."""

from typing import Any

from pydantic import TypeAdapter

from poller.sources.registry import SourceConfig

READ: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
CALLCAP: dict[str, Any] = {"type": "callcap", "api_key": "k"}
FLEXTELL: dict[str, Any] = {"type": "flextell", "tenant": 42, "access_token": "t"}
OAUTH: dict[str, Any] = {"type": "flextell", "tenant": 42, "client_id": "c", "client_secret": "s", "refresh_token": "r"}
