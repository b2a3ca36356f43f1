"""Access to a running poller: with `server.token` set, only requests that show the token are answered."""

import base64
import binascii
import hmac
from collections.abc import Callable, Collection
from typing import TypeAlias

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Token: TypeAlias = Callable[[], SecretStr | None]
"""Gives the token that is asked for now, None where none is."""

_CHALLENGES = ('Basic realm="poller", charset="UTF-8"', 'Bearer realm="poller"')
"""A browser asks its user at the first one (https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)."""


class TokenRequired:
    """Middleware that answers 401 to a request without the token, but for the paths that are `free` to everybody.

    The token is a Bearer token, or the password of any user (Basic), as browsers send it.
    """

    def __init__(self, app: ASGIApp, token: Token, free: Collection[str]) -> None:
        self._app, self._token, self._free = app, token, free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        token = self._token()
        if scope["type"] != "http" or token is None or scope["path"] in self._free:
            return await self._app(scope, receive, send)
        shown = shown_token(Request(scope).headers.get("authorization", ""))
        if hmac.compare_digest(shown, token.get_secret_value().encode()):
            return await self._app(scope, receive, send)
        refusal = PlainTextResponse("server.token is asked for: as a Bearer token, or as the password\n", 401)
        for challenge in _CHALLENGES:
            refusal.headers.append("www-authenticate", challenge)
        refusal.headers["cache-control"] = "no-store"
        return await refusal(scope, receive, send)


def shown_token(authorization: str) -> bytes:
    """Return what an Authorization header shows as a token; nothing where it shows none, or is none."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""
