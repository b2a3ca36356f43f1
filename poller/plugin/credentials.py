"""The credentials of a source: fixed headers, or a refresh token that is spent for access tokens."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from msgspec import Meta, Struct
from pydantic import SecretStr

ClientAuth: TypeAlias = Literal["form", "basic"]


class Token(Struct, frozen=True):
    """A source's OAuth tokens. `configured` is a hash of the refresh token in the configuration when these were got."""

    configured: str
    refresh_token: str
    access_token: str
    expires: Annotated[datetime, Meta(tz=True)]

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("expires", self.expires)]

    def __repr__(self) -> str:
        return f"Token(expires={self.expires!r})"


@dataclass(frozen=True, slots=True)
class StaticHeaders:
    """A credential that is a fixed set of request headers, and of query parameters where a vendor wants it there."""

    headers: Mapping[str, SecretStr]
    params: Mapping[str, SecretStr] = field(default_factory=dict)


BEARER = "Bearer"


class TokenClient(Protocol):
    """The client of a token endpoint: who it is, and where it says so (RFC 6749 §2.3.1).

    `form` goes with each grant.
    """

    @property
    def token_url(self) -> str:
        """The endpoint."""
        ...

    @property
    def client_id(self) -> str:
        """The name of the client."""
        ...

    @property
    def client_secret(self) -> SecretStr:
        """Its secret."""
        ...

    @property
    def client_auth(self) -> ClientAuth:
        """Whether both go in the form, or in the header."""
        ...

    @property
    def form(self) -> Mapping[str, SecretStr]:
        """Further fields of the form."""
        ...


@dataclass(frozen=True, slots=True)
class RefreshTokenGrant:
    """An OAuth 2.0 refresh token grant (RFC 6749 §6): bearer tokens from `token_url`, refreshed before they end.

    `form` are further fields of the form, `beside` what goes with every request besides the token. `scheme` is the word
    before the token in the header.
    """

    token_url: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    refresh_token: SecretStr = field(repr=False)
    client_auth: ClientAuth = "form"
    form: Mapping[str, SecretStr] = field(default_factory=dict)
    beside: StaticHeaders = StaticHeaders({})
    scheme: str = BEARER


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An OAuth 2.0 client credentials grant (RFC 6749 §4.4), or one like it that `form` names by its `grant_type`.

    `beside` and `scheme` are as in RefreshTokenGrant.
    """

    token_url: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    scope: str | None = None
    client_auth: ClientAuth = "form"
    form: Mapping[str, SecretStr] = field(default_factory=dict)
    beside: StaticHeaders = StaticHeaders({})
    scheme: str = BEARER


Credential: TypeAlias = StaticHeaders | RefreshTokenGrant | ClientCredentials


SaveToken = Callable[[str, Token], Awaitable[None]]
