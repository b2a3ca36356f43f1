"""Credentials: fixed headers, or OAuth 2.0 tokens that are refreshed in time and never lost."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import anyio
import httpx
import msgspec

from poller.clock import Now
from poller.errors import Denied, Unexpected
from poller.http.response import RawResponse, error_of
from poller.plugin.credentials import RefreshTokenGrant, StaticHeaders, Token
from poller.plugin.fields.scalars import read_seconds
from poller.plugin.source import Source
from poller.plugin.stream import Leaf

_EARLY = timedelta(minutes=3)
"""An access token is refreshed so long before its end, but never in the first half of its life."""
_HOUR, _YEAR = 3600, 365 * 86_400

Send = Callable[[httpx.Request], Awaitable[RawResponse]]


class Auth(Protocol):
    """What makes a request ours."""

    @property
    def at_hand(self) -> bool:
        """Whether `headers` needs no request of its own."""
        ...

    async def headers(self, send: Send) -> dict[str, str]:
        """The headers of the next request; may ask the vendor for a token first. Raises SourceError."""
        ...

    def refused(self) -> None:
        """The vendor refused what `headers` gave: use something fresher, where there is such a thing."""
        ...


class FixedAuth:
    """A credential that never changes."""

    def __init__(self, credential: StaticHeaders, headers: Mapping[str, str]) -> None:
        secret = {name: value.get_secret_value() for name, value in credential.headers.items()}
        self._headers = {**headers, **secret}

    async def headers(self, send: Send) -> dict[str, str]:
        """The same each time."""
        del send
        return self._headers

    @property
    def at_hand(self) -> bool:
        """Always."""
        return True

    def refused(self) -> None:
        """Nothing fresher is to be had."""


class _Granted(msgspec.Struct):
    """A token endpoint's answer (RFC 6749 §5.1)."""

    access_token: str
    expires_in: Leaf = None
    refresh_token: str | None = None


class RefreshingAuth:
    """Access tokens by the refresh token grant. A rotated refresh token is saved before its access token is used.

    `stored` is what the state holds; it counts unless the configuration's refresh token was changed since. `save`
    returns once a token is durable; None: a refresh token is never spent. `prove` returns if it can be saved.
    """

    def __init__(
        self,
        credential: RefreshTokenGrant,
        headers: Mapping[str, str],
        *,
        stored: Token | None,
        save: Callable[[Token], Awaitable[None]] | None,
        now: Callable[[], datetime],
        prove: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._credential, self._headers, self._save, self._now = credential, headers, save, now
        self._prove = prove
        secret = credential.refresh_token.get_secret_value()
        self._configured = hashlib.sha256(secret.encode()).hexdigest()
        self._refresh_token = secret
        self._token: Token | None = None
        self._use_until: datetime | None = None
        if stored and stored.configured == self._configured:
            self._adopt(stored)
        self._one_at_a_time = anyio.Lock()

    @property
    def at_hand(self) -> bool:
        """Whether an access token can be used now without asking for one."""
        return self._use_until is not None and self._now() < self._use_until

    async def headers(self, send: Send) -> dict[str, str]:
        """A bearer token that is good for a while."""
        async with self._one_at_a_time:
            if not self.at_hand:
                await self._refresh(send)
        assert self._token is not None  # noqa: S101  `_refresh` sets it or raises
        return {**self._headers, "Authorization": f"Bearer {self._token.access_token}"}

    def refused(self) -> None:
        """Ask for another access token before the next request."""
        self._use_until = None

    async def _refresh(self, send: Send) -> None:
        if self._save is None:
            raise Denied("no valid access token at hand, and this command never spends a refresh token")
        if self._prove:
            await self._prove()
        answer = await send(self._request())
        if answer.status in {400, 401, 403}:
            raise Denied(
                f"the refresh token is refused (HTTP {answer.status}): log in to the vendor anew and put the new "
                "refresh_token into the configuration"
            )
        if answer.status != 200:
            raise error_of(answer, self._now())
        token = self._granted(answer)
        with anyio.CancelScope(shield=True):  # the old refresh token is spent
            await self._save(token)
        self._adopt(token)

    def _request(self) -> httpx.Request:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": self._credential.client_id,
            "client_secret": self._credential.client_secret.get_secret_value(),
        }
        headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "poller"}
        return httpx.Request("POST", self._credential.token_url, data=form, headers=headers)

    def _granted(self, answer: RawResponse) -> Token:
        try:
            granted = msgspec.json.decode(answer.body, type=_Granted, strict=False)
        except msgspec.MsgspecError:
            raise Unexpected("the token endpoint's answer is not the documented one") from None
        refresh = granted.refresh_token or self._refresh_token
        expires = self._now() + _lifetime(granted.expires_in)
        return Token(self._configured, refresh, granted.access_token, expires)

    def _adopt(self, token: Token) -> None:
        self._token, self._refresh_token = token, token.refresh_token
        left = token.expires - self._now()
        self._use_until = token.expires - min(_EARLY, left / 2)


def _lifetime(said: Leaf) -> timedelta:
    """An hour where it is not said, or nonsense: a rotated token must not be lost for it."""
    found = read_seconds(said)
    return timedelta(seconds=_HOUR if found is None else min(found, _YEAR))


def make_auth(
    account: Source,
    stored: Token | None,
    save: Callable[[Token], Awaitable[None]] | None,
    now: Now,
    prove: Callable[[], Awaitable[None]] | None = None,
) -> Auth:
    """Return what authenticates this source's requests.

    Without `save` no refresh token is ever spent; `prove` see `RefreshingAuth`.
    """
    credential = account.credential()
    if isinstance(credential, StaticHeaders):
        return FixedAuth(credential, account.headers)
    return RefreshingAuth(credential, account.headers, stored=stored, save=save, now=now, prove=prove)
