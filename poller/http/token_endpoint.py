"""Requests to a token endpoint, and its answers (RFC 6749 §5.1)."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote_plus

import httpx
import msgspec
from pydantic import SecretStr

from poller.errors import Unexpected
from poller.http.response import RawResponse
from poller.plugin.credentials import TokenClient
from poller.plugin.fields.scalars import read_seconds
from poller.plugin.record_type import JsonValue

_HOUR, _YEAR = 3600, 365 * 86_400


class Granted(msgspec.Struct):
    """A token endpoint's answer."""

    access_token: str
    expires_in: JsonValue = None
    refresh_token: str | None = None

    @property
    def lifetime(self) -> timedelta:
        """How long the token lasts; an hour where that is not said, or nonsense, for which no token must be lost."""
        found = read_seconds(self.expires_in)
        return timedelta(seconds=_HOUR if found is None else min(found, _YEAR))


def reveal(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    """Return the values of secrets, for a request."""
    return {name: value.get_secret_value() for name, value in secrets.items()}


def bearer(token: str) -> str:
    """Return the Authorization header of a token (RFC 6750 §2.1). Raises Unexpected where no header can hold it."""
    if not token or not token.isascii() or not token.isprintable():
        raise Unexpected("the token endpoint's access token is none that a header can hold")
    return f"Bearer {token}"


def token_request(client: TokenClient, grant: Mapping[str, str]) -> httpx.Request:
    """Return the request of a grant; the client says who it is in the form, or in the header (RFC 6749 §2.3.1)."""
    headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "poller"}
    secret, form = client.client_secret.get_secret_value(), {**grant, **reveal(client.form)}
    if client.client_auth == "basic":
        pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client.client_id, "client_secret": secret}
    return httpx.Request("POST", client.token_url, data=form, headers=headers)


def granted(answer: RawResponse) -> Granted:
    """Read an answer. Raises Unexpected where it is not the documented one."""
    try:
        return msgspec.json.decode(answer.body, type=Granted, strict=False)
    except msgspec.MsgspecError:
        raise Unexpected("the token endpoint's answer is not the documented one") from None
