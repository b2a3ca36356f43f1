"""The token endpoint of a simulated vendor: refresh tokens for short-lived access tokens."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from poller.sandbox.api.backend import Desk, json_answer


class Tokens:
    """The tokens that are good: the first access token never expires, refreshed ones do after `token_seconds`.

    `client` is what every refresh must send besides the refresh token. With the vice `token_rotation` a refresh makes
    a new refresh token, and kills all tokens before it at once.
    """

    def __init__(self, desk: Desk, access: str, refresh: str, client: Mapping[str, str]) -> None:
        self._desk, self._refresh, self._client = desk, refresh, client
        self._access = {access: datetime.max.replace(tzinfo=UTC)}

    def good(self, authorization: str) -> bool:
        """Return True if this Authorization header lets a request in now."""
        now = self._desk.now()
        return authorization.startswith("Bearer ") and self._access.get(authorization[7:], now) > now

    async def endpoint(self, request: Request) -> Response:
        """Take a form and answer with tokens in JSON, as RFC 6749 section 6 says."""
        form = dict(parse_qsl((await request.body()).decode()))
        if any(form.get(name) != value for name, value in self._client.items()):
            return json_answer({"error": "invalid_client", "message": "Client authentication failed"}, 401)
        if form.get("grant_type") != "refresh_token":
            return json_answer({"error": "unsupported_grant_type", "message": "Unknown grant type"}, 400)
        if form.get("refresh_token") != self._refresh:
            return json_answer({"error": "invalid_grant", "message": "The refresh token is invalid."}, 400)
        return self._issued()

    def _issued(self) -> Response:
        access = f"sandbox-access-{self._desk.rng.getrandbits(64):x}"
        if self._desk.strikes("token_rotation"):
            self._refresh = f"sandbox-refresh-{self._desk.rng.getrandbits(64):x}"
            self._access.clear()
        seconds = int(self._desk.amount("token_seconds"))
        self._access[access] = self._desk.now() + timedelta(seconds=seconds)
        answer = {"token_type": "Bearer", "expires_in": seconds, "access_token": access, "refresh_token": self._refresh}
        return json_answer(answer)
