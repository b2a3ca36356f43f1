"""An answer belongs to its request: whatever comes over a connection besides, earlier or later, is never believed.

Killed: a connection that is used again; a token request whose connection is; an address that is remembered.
"""

import asyncio
import socket
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from poller.http.auth import RefreshingAuth
from poller.plugin.credentials import RefreshTokenGrant, Token
from tests.http.wire import NOON, Asked, Script, answer, saying, session, vendor


def echo(asked: Asked) -> bytes:
    """The answer to just this request."""
    return answer(body=b'["%s"]' % asked.target.encode())


async def _twice_at_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(echo(asked) * 2)
    await writer.drain()


async def _twice_soon(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """The second copy is there before the next request."""
    writer.write(echo(asked))
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.write(echo(asked))


class Late:
    """The second copy comes when the next request has been sent, and before its answer."""

    def __init__(self) -> None:
        self.last: dict[asyncio.StreamWriter, bytes] = {}

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(self.last.get(writer, b""))
        self.last[writer] = echo(asked)
        writer.write(echo(asked))
        await writer.drain()


async def _with_rubbish_behind(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(echo(asked) + b"\r\n<!-- served by node 7 -->\r\n")
    await writer.drain()


async def _closed_as_it_is_used_again(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """One answer a connection; the next request on it finds nobody."""
    if getattr(writer, "answered", False):
        writer.transport.abort()
        return
    writer.answered = True  # type: ignore[attr-defined]  # a connection's own memory
    writer.write(echo(asked))
    await writer.drain()


SCRIPTS: dict[str, Any] = {
    "twice in one segment": lambda: _twice_at_once,
    "twice, soon after": lambda: _twice_soon,
    "twice, once the next request was sent": Late,
    "rubbish behind it": lambda: _with_rubbish_behind,
    "closed as it is used again": lambda: _closed_as_it_is_used_again,
}


@pytest.mark.parametrize("pause", [0, 0.03], ids=["at once", "after a while"])
@pytest.mark.parametrize("vice", SCRIPTS)
async def test_each_request_has_its_own_answer(vice: str, pause: float) -> None:
    script: Script = SCRIPTS[vice]()
    async with vendor(script) as server, session(server.url) as ours:
        for number in range(6):
            assert (await ours.get(f"/{number}", {})).body == b'["/%d"]' % number
            await asyncio.sleep(pause)
    assert len(server.asked) == 6, "nothing is asked twice"


async def test_a_name_that_moves_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old address answers on; an address that is kept for as long as it answers is never left."""
    address = ["127.0.0.1"]
    known = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        return known(address[0] if host in {"vendor.test", b"vendor.test"} else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with vendor(saying(answer(body=b'["old"]'))) as old:
        new = vendor(saying(answer(body=b'["new"]')), host="127.0.0.2", port=old.port)
        async with new, session(f"http://vendor.test:{old.port}") as ours:
            assert (await ours.get("/calls", {})).body == b'["old"]'
            address[0] = "127.0.0.2"
            assert (await ours.get("/calls", {})).body == b'["new"]'


async def test_the_vendor_is_told_that_the_connection_ends() -> None:
    """A client without persistent connections says so with every request (RFC 9112 §9.3)."""
    async with vendor(saying(answer())) as server, session(server.url) as ours:
        await ours.get("/calls", {})
    assert server.asked[0].headers["connection"] == "close"


async def test_an_answer_of_the_token_endpoint_is_not_a_list() -> None:
    """Both are asked at one address, as at Flextell's."""

    async def twice(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=b'{"access_token": "a"}') * 2 if asked.method == "POST" else echo(asked))
        await writer.drain()

    async def save(token: Token) -> None:
        del token

    async with vendor(twice) as server:
        grant = RefreshTokenGrant(f"{server.url}/oauth/token", "us", SecretStr("secret"), SecretStr("refresh"))
        auth = RefreshingAuth(grant, {}, stored=None, save=save, now=lambda: NOON)
        async with session(server.url, auth) as ours:
            assert (await ours.get("/calls", {})).body == b'["/calls"]'
    assert [asked.headers["connection"] for asked in server.asked] == ["close", "close"]


async def test_an_answer_out_of_a_cache_moves_no_cursor_beyond_what_it_knows() -> None:
    """And none is asked for (RFC 9111 §5.2.1.4)."""
    cached = answer(Date="Sat, 14 Mar 2026 12:00:00 GMT", Age="120")
    async with vendor(saying(cached)) as server, session(server.url) as ours:
        assert (await ours.get("/calls", {})).date == NOON - timedelta(minutes=2)
    assert server.asked[0].headers["cache-control"] == "no-cache"
