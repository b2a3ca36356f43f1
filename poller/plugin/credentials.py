"""The credentials of a source: fixed headers, or a refresh token that is spent for access tokens."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct
from pydantic import SecretStr


class Token(Struct, frozen=True):
    """A source's OAuth tokens. `configured` is a hash of the refresh token in the configuration when these were got."""

    configured: str
    refresh_token: str
    access_token: str
    expires: datetime

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("expires", self.expires)]

    def __repr__(self) -> str:
        return f"Token(expires={self.expires!r})"


@dataclass(frozen=True, slots=True)
class StaticHeaders:
    """A credential that is a fixed set of request headers, and of query parameters where a vendor wants it there."""

    headers: Mapping[str, SecretStr]
    params: Mapping[str, SecretStr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefreshTokenGrant:
    """An OAuth 2.0 refresh token grant (RFC 6749 §6): bearer tokens from `token_url`, refreshed before they end."""

    token_url: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    refresh_token: SecretStr = field(repr=False)


Credential: TypeAlias = StaticHeaders | RefreshTokenGrant


SaveToken = Callable[[str, Token], Awaitable[None]]
