"""A credential by the client credentials grant (RFC 6749 §4.4): tokens that are asked for anew when they end."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import anyio

from poller.clock import Now
from poller.http.response import Send
from poller.http.token_endpoint import TokenEndpoint, authorization, granted, refuses, reveal
from poller.plugin.credentials import ClientCredentials

EARLY = timedelta(minutes=3)
"""The time before its end at which an access token is refreshed, but never in the first half of its life."""


class ClientCredentialsAuth:
    """Bearer tokens that are kept in memory only: another one can be had at any time, and none is spent for it."""

    def __init__(self, credential: ClientCredentials, headers: Mapping[str, str], now: Now) -> None:
        self._credential, self._endpoint, self._now = credential, TokenEndpoint(credential), now
        self._headers = {**headers, **reveal(credential.beside.headers)}
        self.params: Mapping[str, str] = reveal(credential.beside.params)
        self._authorization = ""
        self._use_until: datetime | None = None
        self._one_at_a_time = anyio.Lock()

    @property
    def at_hand(self) -> bool:
        """True: asking for a token changes nothing, so anybody may."""
        return True

    async def headers(self, send: Send) -> dict[str, str]:
        """Return a token (RFC 6750 §2.1) that is good for a while. Raises SourceError where there is none."""
        async with self._one_at_a_time:
            if self._use_until is None or self._now() >= self._use_until:
                await self._ask(send)
        return {**self._headers, "Authorization": self._authorization}

    def refused(self) -> None:
        """Ask for another access token before the next request."""
        self._use_until = None

    async def _ask(self, send: Send) -> None:
        scope = {"scope": self._credential.scope} if self._credential.scope else {}
        answer = await self._endpoint.ask({"grant_type": "client_credentials", **scope}, send)
        if refuses(answer):
            words = (
                f"the token endpoint refuses the client (HTTP {answer.status}): client_id, client_secret, client_auth"
            )
            raise self._endpoint.refusal(answer, words)
        if answer.status != 200:
            raise self._endpoint.error(answer, self._now())
        found = granted(answer)
        self._authorization = authorization(self._credential.scheme, found.access_token)
        self._use_until = self._now() + found.lifetime - min(EARLY, found.lifetime / 2)
