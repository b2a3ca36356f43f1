"""The credentials that a description can name, on the requests that carry them."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest

from poller.errors import Denied, Unexpected
from poller.http.auth import make_auth
from poller.http.session import Session, open_session
from poller.plugin.credentials import Token
from poller.sources.rest import Rest
from poller.telemetry import Telemetry

TOKENS = "https://login.example.com/token"
CLIENT = {"token_url": TOKENS, "client_id": "me:1", "client_secret": "the-secret"}


def reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Return an answer that is still to be read."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(json.dumps(body).encode()))


class Vendor:
    """Answers every request, and gives out tokens that last for an hour."""

    def __init__(self) -> None:
        self.now, self.granted, self.status = datetime(2026, 3, 14, 12, tzinfo=UTC), 0, 200
        self.asked: list[httpx.Request] = []
        self.clients: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if str(request.url) != TOKENS:
            return reply(200, {})
        if self.clients and request.headers["authorization"] not in self.clients:
            return reply(401, {"error": "invalid_client"})
        self.granted += 1
        granted = {"access_token": f"access-{self.granted}", "expires_in": 3600, "refresh_token": f"r{self.granted}"}
        return reply(self.status, granted)

    @asynccontextmanager
    async def session(self, auth: dict[str, Any], save: Any = None) -> AsyncIterator[Session]:
        fixed = {"type": "rest", "base_url": "https://api.example.com", "streams": {"items": {"kind": "item"}}}
        config = Rest.model_validate(fixed | {"auth": auth, "requests_per_minute": 60_000})
        found = make_auth(config, None, save, lambda: self.now)
        transport = httpx.MockTransport(self.answer)
        async with open_session("acme", config, found, Telemetry(), lambda: self.now, transport=transport) as session:
            yield session


async def test_headers_basic_and_parameters_go_with_every_request() -> None:
    vendor = Vendor()
    auth = {"basic": {"username": "me/token", "password": "x"}, "headers": {"X-Key": "k"}, "params": {"api_key": "p q"}}
    async with vendor.session(auth) as session:
        await session.get("/items", {"page": "1"})
        await session.ask("/items", "after=a%2Bb%3D&api_key=theirs", body=b"{}")
        await session.ask("/items", {"id": ["1", "2"]})
    first, second, third = vendor.asked
    assert first.headers["authorization"] == f"Basic {b64encode(b'me/token:x').decode()}"
    assert first.headers["x-key"] == "k"
    assert parse_qs(first.url.query.decode()) == {"page": ["1"], "api_key": ["p q"]}
    assert second.url.query == b"after=a%2Bb%3D&api_key=p+q", "a link's query is sent byte for byte, with our own key"
    assert (second.method, second.content, second.headers["content-type"]) == ("POST", b"{}", "application/json")
    assert parse_qs(third.url.query.decode())["id"] == ["1", "2"]


@pytest.mark.parametrize("where", ["form", "basic"])
async def test_client_credentials_are_asked_for_anew_before_they_end(where: str) -> None:
    vendor = Vendor()
    async with vendor.session({"oauth2": {**CLIENT, "scope": "read", "client_auth": where}}) as session:
        for _ in range(2):
            await session.get("/items", {})
        vendor.now += timedelta(minutes=58)
        await session.get("/items", {})
        session.refused()
        await session.get("/items", {})
    tokens = [request for request in vendor.asked if str(request.url) == TOKENS]
    carried = [request.headers["authorization"] for request in vendor.asked if str(request.url) != TOKENS]
    assert carried == ["Bearer access-1", "Bearer access-1", "Bearer access-2", "Bearer access-3"]
    form = dict(parse_qsl(tokens[0].content.decode()))
    header = f"Basic {b64encode(b'me%3A1:the-secret').decode()}"
    if where == "basic":
        assert tokens[0].headers["authorization"] == header
        assert form == {"grant_type": "client_credentials", "scope": "read"}
    else:
        assert form == {
            "grant_type": "client_credentials",
            "scope": "read",
            "client_id": "me:1",
            "client_secret": "the-secret",
        }


async def test_further_fields_may_name_another_grant() -> None:
    vendor = Vendor()
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "signed"}
    async with vendor.session({"oauth2": {**CLIENT, "client_auth": "basic", "params": grant}}) as session:
        await session.get("/items", {})
    assert dict(parse_qsl(vendor.asked[0].content.decode())) == grant


SPELT = {**CLIENT, "client_id": "me", "client_secret": "a/b+c=", "client_auth": "basic"}


@pytest.mark.parametrize(("known", "asked"), [("me:a%2Fb%2Bc%3D", [0]), ("me:a/b+c=", [0, 1]), ("other:x", [0, 1])])
async def test_a_client_is_named_in_both_spellings_then_as_it_is_known(known: str, asked: list[int]) -> None:
    vendor, pairs = Vendor(), ["me:a%2Fb%2Bc%3D", "me:a/b+c="]
    vendor.clients = {f"Basic {b64encode(known.encode()).decode()}"}
    async with vendor.session({"oauth2": SPELT}) as session:
        for _ in range(2):
            if known in pairs:
                await session.get("/items", {})
            else:
                with pytest.raises(Denied, match="client_auth") as error:
                    await session.get("/items", {})
                assert error.value.said == '{"error": "invalid_client"}'
            session.refused()
    sent = [request.headers["authorization"] for request in vendor.asked if str(request.url) == TOKENS]
    again = [asked[-1]] if known in pairs else asked
    assert sent == [f"Basic {b64encode(pairs[at].encode()).decode()}" for at in [*asked, *again]]


async def test_a_refused_client_is_denied() -> None:
    vendor = Vendor()
    vendor.status = 401
    async with vendor.session({"oauth2": CLIENT}) as session:
        with pytest.raises(Denied, match="client_id"):
            await session.get("/items", {})


@pytest.mark.parametrize("grant", [{}, {"refresh_token": "first"}])
async def test_an_error_of_the_token_endpoint_is_not_taken_for_the_apis(grant: dict[str, str]) -> None:
    vendor = Vendor()
    vendor.status = 404

    async def save(_: Token) -> None:
        raise AssertionError("no token came")

    async with vendor.session({"oauth2": CLIENT | grant}, save) as session:
        with pytest.raises(Unexpected, match=r"^the token endpoint \(is its URL right\?\): HTTP 404$"):
            await session.get("/items", {})


async def test_a_refresh_token_is_saved_before_its_access_token_is_used() -> None:
    vendor, saved = Vendor(), list[Token]()

    async def save(token: Token) -> None:
        assert [str(request.url) for request in vendor.asked] == [TOKENS]
        saved.append(token)

    async with vendor.session(
        {"oauth2": {**CLIENT, "refresh_token": "first"}, "headers": {"X-Key": "k"}}, save
    ) as session:
        await session.get("/items", {})
    assert [token.refresh_token for token in saved] == ["r1"]
    assert vendor.asked[1].headers["x-key"] == "k"


@pytest.mark.parametrize("grant", [{}, {"refresh_token": "r0"}])
async def test_the_word_before_the_token_is_the_vendors(grant: dict[str, str]) -> None:
    async def save(token: Token) -> None:
        pass

    vendor = Vendor()
    async with vendor.session({"oauth2": {**CLIENT, **grant, "scheme": "Zoho-oauthtoken"}}, save) as session:
        await session.ask("/items", {})
    assert vendor.asked[-1].headers["authorization"] == "Zoho-oauthtoken access-1"
