"""Credentials leave only to their own origin, wherever a vendor points to: another host notes all that it hears.

Killed: a redirect that is followed; the host of a link that is used; a path that came in a body.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poller.errors import SourceError
from poller.http.auth import make_auth
from poller.http.session import open_session
from poller.plugin.source import Source
from poller.sandbox.api.list_rows import Rows
from poller.sandbox.api.list_server import ListServer
from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.sources.rest import Rest
from poller.telemetry import Telemetry
from poller.testing.simulation import BIRTH, Simulation
from tests.http.wire import NOON, Vendor, answer, saying, vendor
from tests.simulation import ACCOUNTS
from tests.sources.rest.test_list_server import CASES, settings_of

HOUR = timedelta(hours=1)
LINKED = [name for name in CASES if "links" in name]
ELSEWHERE = "http://elsewhere.example"


class Pointing:
    """A vendor whose every link leads elsewhere, and whose every third answer is a redirect; `heard` are all hosts."""

    def __init__(self, app: ASGIApp, own_host: str) -> None:
        self._app, self._own, self._asked = app, own_host, 0
        self.heard = set[tuple[str, str]]()
        self.pointed = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._asked += 1
        self.heard.add((httpx.Headers(scope["headers"])["host"], scope["path"]))
        if self._asked % 3 == 0:
            await send({"type": "http.response.start", "status": (301, 302, 307, 308)[self._asked % 4],
                        "headers": [(b"location", f"{ELSEWHERE}{scope['path']}".encode())]})  # fmt: skip
            await send({"type": "http.response.body", "body": b"{}"})
            return
        await self._app(scope, receive, self._redirecting(send))

    def _redirecting(self, send: Send) -> Send:
        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name != b"content-length"]
                message = {**message, "headers": [(name, self._pointed(value)) for name, value in headers]}
            else:
                message = {**message, "body": self._pointed(message.get("body", b""))}
            await send(message)

        return pass_on

    def _pointed(self, text: bytes) -> bytes:
        """Have every address, and every path with a query, lead elsewhere."""
        found, number = re.subn(
            rb'(?<=["<])(https?://[^/"<>?\\]+)?((?:\\?/[\w.-]+)+)(?=\?)', ELSEWHERE.encode() + rb"/other\2", text
        )
        self.pointed += number
        return found


QUICK = {"ipscape", "flextell", *LINKED}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive][name in QUICK :]) for name in (*ACCOUNTS, *LINKED)]
)
def test_no_link_and_no_redirect_leads_away(tmp_path: Path, name: str) -> None:
    source: Source = ACCOUNTS[name](start="1h") if name in ACCOUNTS else Rest.model_validate(settings_of(CASES[name]))
    poller, url = Simulation(tmp_path, {"acme": source}), urlsplit(source.base_url)
    double = poller.app = Pointing(double_of(name, poller.now), url.netloc)
    poller.poll(100)
    assert len(poller.events("acme")) > 20, "it reads on all the same"
    assert {host for host, _ in double.heard} == {url.netloc}
    assert [path for _, path in double.heard if not path.startswith(url.path) or "/other" in path] == []
    assert double.pointed or name not in QUICK, "these send links"


def double_of(name: str, now: Callable[..., object]) -> ASGIApp:
    if name in ACCOUNTS:
        return sandbox(new_world(1, 4, now, HOUR))  # type: ignore[arg-type]
    return ListServer(CASES[name].api, Rows(now, BIRTH - HOUR))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_token_endpoint_that_redirects_gets_no_secret_sent_elsewhere(status: int) -> None:
    async with (
        vendor(saying(answer())) as elsewhere,
        vendor(saying(answer(status, Location=elsewhere.url))) as endpoint,
    ):
        oauth = {"token_url": f"{endpoint.url}/token", "client_id": "me", "client_secret": "marked-client-secret"}
        await refused(endpoint, Rest.model_validate(settings_of(CASES[LINKED[0]]) | {"auth": {"oauth2": oauth}}))
    assert elsewhere.asked == []
    assert b"marked-client-secret" in endpoint.asked[0].body


async def refused(endpoint: Vendor, source: Source) -> None:
    source = source.model_copy(update={"base_url": endpoint.url})
    auth = make_auth(source, None, None, lambda: NOON)
    async with open_session("acme", source, auth, Telemetry(), lambda: NOON) as session:
        with pytest.raises(SourceError):
            await session.ask("/items", {})


@pytest.mark.parametrize("key", ["base_url", "token_url"])
@pytest.mark.parametrize(
    "address", ["https://me:secret@api.example.com", "https://api.example.com?to=x", "ftp://api.example.com"]
)
def test_an_address_that_hides_a_credential_or_a_query_is_none(key: str, address: str) -> None:
    settings = {"type": "flextell", "tenant": 1, "client_id": "a", "client_secret": "bbbbbb", "refresh_token": "cccccc"}
    with pytest.raises(ValueError, match="an address") as caught:
        type(ACCOUNTS["flextell"]()).model_validate({**settings, key: address})
    assert "secret@" not in str(caught.value)
