"""Credentials: fixed headers, or OAuth 2.0 tokens that are refreshed in time and never lost."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

import anyio

from poller.clock import Now
from poller.errors import Denied, Unexpected
from poller.http.client_credentials import EARLY, ClientCredentialsAuth
from poller.http.response import RawResponse, Send
from poller.http.token_endpoint import TokenEndpoint, authorization, granted, refuses, reveal
from poller.plugin.credentials import ClientCredentials, RefreshTokenGrant, StaticHeaders, Token
from poller.plugin.source import Source


class Auth(Protocol):
    """A source's credential, as its requests carry it."""

    @property
    def at_hand(self) -> bool:
        """True if `headers` needs no request of its own."""
        ...

    async def headers(self, send: Send) -> dict[str, str]:
        """Return the headers of the next request; the vendor may be asked for a token first, by `send`.

        Raises SourceError where no token is to be had.
        """
        ...

    @property
    def params(self) -> Mapping[str, str]:
        """The query parameters of every request that are a credential."""
        ...

    def refused(self) -> None:
        """Use something fresher from now on, where there is such a thing: the vendor refused what `headers` gave."""
        ...


class FixedAuth:
    """A credential that never changes."""

    def __init__(self, credential: StaticHeaders, headers: Mapping[str, str]) -> None:
        self._headers = {**headers, **reveal(credential.headers)}
        self.params: Mapping[str, str] = reveal(credential.params)

    async def headers(self, send: Send) -> dict[str, str]:
        """Return the same headers each time."""
        del send
        return self._headers

    @property
    def at_hand(self) -> bool:
        """True: no token has to be asked for."""
        return True

    def refused(self) -> None:
        """Do nothing: nothing fresher is to be had."""


class RefreshingAuth:
    """A credential by the refresh token grant (RFC 6749 §6); a rotated token is saved before its access token is used.

    `stored` is the token in the state. It counts unless the configuration's refresh token was changed since. `save`
    returns once a token is durable; without it no refresh token is ever spent. `prove` is awaited before one is
    spent; it returns if a new one could be saved, and raises otherwise.
    """

    def __init__(
        self,
        credential: RefreshTokenGrant,
        headers: Mapping[str, str],
        *,
        stored: Token | None,
        save: Callable[[Token], Awaitable[None]] | None,
        now: Now,
        prove: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._endpoint, self._save, self._prove, self._now = TokenEndpoint(credential), save, prove, now
        self._headers = {**headers, **reveal(credential.beside.headers)}
        self.params: Mapping[str, str] = reveal(credential.beside.params)
        secret = credential.refresh_token.get_secret_value()
        self._scheme = credential.scheme
        self._configured = hashlib.sha256(secret.encode()).hexdigest()
        self._refresh_token = secret
        self._token: Token | None = None
        self._use_until: datetime | None = None
        if stored and stored.configured == self._configured:
            self._adopt(stored)
        self._one_at_a_time = anyio.Lock()

    @property
    def at_hand(self) -> bool:
        """True if an access token can be used now without asking for one."""
        return self._use_until is not None and self._now() < self._use_until

    async def headers(self, send: Send) -> dict[str, str]:
        """Return a token (RFC 6750 §2.1) that is good for a while. Raises SourceError where there is none."""
        async with self._one_at_a_time:
            if not self.at_hand:
                await self._refresh(send)
        assert self._token is not None  # noqa: S101  `_refresh` sets it or raises
        try:
            return {**self._headers, "Authorization": authorization(self._scheme, self._token.access_token)}
        except Unexpected:
            self.refused()  # its refresh token is saved, and may bring a better one
            raise

    def refused(self) -> None:
        """Ask for another access token before the next request."""
        self._use_until = None

    async def _refresh(self, send: Send) -> None:
        if self._save is None:
            raise Denied("no valid access token at hand, and this command never spends a refresh token")
        if self._prove:
            await self._prove()
        grant = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        answer = await self._endpoint.ask(grant, send)
        if refuses(answer):
            raise Denied(
                f"the refresh token is refused (HTTP {answer.status}): log in to the vendor anew and put the new "
                "refresh_token into the configuration"
            )
        if answer.status != 200:
            raise self._endpoint.error(answer, self._now())
        token = self._granted(answer)
        with anyio.CancelScope(shield=True):  # the old refresh token is spent
            await self._save(token)
        self._adopt(token)

    def _granted(self, answer: RawResponse) -> Token:
        found = granted(answer)
        refresh = found.refresh_token or self._refresh_token
        return Token(self._configured, refresh, found.access_token, self._now() + found.lifetime)

    def _adopt(self, token: Token) -> None:
        self._token, self._refresh_token = token, token.refresh_token
        left = token.expires - self._now()
        self._use_until = token.expires - min(EARLY, left / 2)


def make_auth(
    source: Source,
    stored: Token | None,
    save: Callable[[Token], Awaitable[None]] | None,
    now: Now,
    prove: Callable[[], Awaitable[None]] | None = None,
) -> Auth:
    """Return the credential of this source's requests; `stored`, `save` and `prove` are those of `RefreshingAuth`."""
    credential = source.credential()
    if isinstance(credential, StaticHeaders):
        return FixedAuth(credential, source.headers)
    if isinstance(credential, ClientCredentials):
        return ClientCredentialsAuth(credential, source.headers, now)
    return RefreshingAuth(credential, source.headers, stored=stored, save=save, now=now, prove=prove)
