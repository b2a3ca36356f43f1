"""Requests to a token endpoint, and its answers (RFC 6749 §5.1)."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote_plus

import httpx
import msgspec
from pydantic import SecretStr

from poller.errors import Denied, SourceError, Unexpected
from poller.http.response import RawResponse, Send, error_of, quote
from poller.plugin.credentials import TokenClient
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.fields.scalars import read_seconds
from poller.plugin.record_type import JsonValue

_HEADERS = {"Accept": "application/json", "Connection": "close", "User-Agent": "poller"}
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


def authorization(scheme: str, token: str) -> str:
    """Return the Authorization header of a token (RFC 6750 §2.1). Raises Unexpected where no header can hold it."""
    if not token or not token.isascii() or not token.isprintable():
        raise Unexpected("the token endpoint's access token is none that a header can hold")
    return f"{scheme} {token}"


class TokenEndpoint:
    """A token endpoint, and the spelling of id and secret by which it knows the client.

    In a header both are to be encoded as in a form (RFC 6749 §2.3.1), which few endpoints undo: one that does not know
    the client is asked once more, with both as they are. No refresh token is spent where the client is not known.
    """

    def __init__(self, client: TokenClient) -> None:
        self._client = client
        self._pair, self._other = _pairs(client) if client.client_auth == "basic" else ("", "")

    async def ask(self, grant: Mapping[str, str], send: Send) -> RawResponse:
        """Ask for a token. Raises Unavailable or Unexpected where there is no answer."""
        answer = await send(self._request(grant, self._pair))
        if not _is_unknown(answer) or self._other == self._pair:
            return answer
        again = await send(self._request(grant, self._other))
        if not _is_unknown(again):
            self._pair, self._other = self._other, self._pair
        return again

    def refusal(self, answer: RawResponse, text: str) -> Denied:
        """Return the error of an answer that refuses, with what it says."""
        error = Denied(text)
        error.said = quote(answer.body, [self._client.client_secret.get_secret_value(), self._pair, self._other])
        return error

    def error(self, answer: RawResponse, now: datetime) -> SourceError:
        """Return the error of an answer that is neither a token nor a refusal: it names the endpoint, which may well be
        another than the vendor's API."""
        lost = answer.status in {404, 405, 410}
        return error_of(answer, now, "the token endpoint (is its URL right?)" if lost else "the token endpoint")

    def _request(self, grant: Mapping[str, str], pair: str) -> httpx.Request:
        client = self._client
        headers, form = dict(_HEADERS), {**grant, **reveal(client.form)}
        if pair:
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret.get_secret_value()}
        return httpx.Request("POST", client.token_url, data=form, headers=headers)


def _pairs(client: TokenClient) -> tuple[str, str]:
    """Return the id and the secret as a form has them, and as they are where no colon makes that doubtful."""
    name, secret = client.client_id, client.client_secret.get_secret_value()
    encoded = f"{quote_plus(name)}:{quote_plus(secret)}"
    return encoded, encoded if ":" in name else f"{name}:{secret}"


class _Refusal(msgspec.Struct):
    """What an endpoint says that refuses (RFC 6749 §5.2)."""

    error: str
    access_token: str | None = None


def refuses(answer: RawResponse) -> bool:
    """Return whether an answer refuses; some endpoints do so with a 200
    (https://www.zoho.com/crm/developer/docs/api/v6/refresh.html)."""
    if answer.status != 200:
        return answer.status in {400, 401, 403}
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).access_token is None
    except DECODE_ERRORS:
        return False


def _is_unknown(answer: RawResponse) -> bool:
    """Return whether the endpoint does not know the client (RFC 6749 §5.2)."""
    return answer.status == 401 or (answer.status in {400, 403} and b"invalid_client" in answer.body)


def granted(answer: RawResponse) -> Granted:
    """Read an answer. Raises Unexpected where it is not the documented one."""
    try:
        return msgspec.json.decode(answer.body, type=Granted, strict=False)
    except DECODE_ERRORS:
        raise Unexpected("the token endpoint's answer is not the documented one") from None
