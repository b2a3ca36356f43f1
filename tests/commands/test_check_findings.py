"""`poller check`, source by source: what goes wrong with one is a finding about it, and costs the others nothing.

Killed: a problem of the state behind a coordinator that is not there yet; a token that cannot be decrypted, or a bug in
a package's probe, as the end of the command; None as "ok"; a secret in what a vendor says in a 200.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from outputs import Unreachable
from poller.commands import check as checking
from poller.commands.check import Finding, check
from poller.config.settings import Settings, load
from poller.errors import ConfigError
from poller.http.session import open_session
from poller.plugin import Http, Probed
from poller.plugin.credentials import Token
from poller.sources.callcap import Callcap
from poller.state import open as opening
from poller.state.kafka import KafkaState, topic
from poller.state.kafka.encryption import TokenCipher
from poller.state.kafka.topic import Inspection
from poller.state.rows import TOKEN
from poller.telemetry import Telemetry
from tests.support.toy import NOON

CONFIG = """
sources:
  crm: {type: flextell, tenant: 42, client_id: me, client_secret: long-secret, refresh_token: refresh-me}
  acme: {type: callcap, api_key: sesame}
outputs: {console: {type: stdout}}
state: {path: poller.db}
server: {port: 0}
"""


class Reader:
    """A state whose tokens were encrypted with another key."""

    def get(self, key: str) -> bytes | None:
        if key != TOKEN.key("crm"):
            return None
        closed = TokenCipher(SecretStr("the key of then")).close("crm", Token("", "refresh", "access", NOON))
        TokenCipher(SecretStr("another one")).open("crm", closed)
        raise AssertionError("it was read")

    def under(self, prefix: str) -> Mapping[str, bytes]:
        return {}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return load(tmp_path / "config.yaml", {})


async def findings(settings: Settings) -> dict[str, Finding]:
    return {one.name: one async for one in check(settings, Telemetry(), NOON)}


async def answers(self: Callcap, http: Http) -> str:
    return "answers"


async def test_a_token_that_cannot_be_decrypted_is_a_finding_and_the_other_sources_are_asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def reader(_: object) -> AsyncIterator[Reader]:
        yield Reader()

    monkeypatch.setattr(checking, "open_reader", reader)
    monkeypatch.setattr(Callcap, "probe", answers)
    found = await findings(settings)
    assert list(found) == ["state", "crm", "acme", "console"]
    assert [one.ok for one in found.values()] == [True, False, True, True]
    assert found["crm"].words.startswith("state.token_key: the stored token of source crm was encrypted with another")
    assert "put that one back, or reset the state of this source" in found["crm"].words
    assert found["acme"].words.startswith("answers")


async def test_a_state_of_another_account_that_cannot_be_written_either_is_both(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def reader(_: object) -> AsyncIterator[Reader]:
        yield Reader()

    async def refuse(*_: object) -> None:
        raise ConfigError("no space left on its disk")

    monkeypatch.setattr(checking, "open_reader", reader)
    monkeypatch.setattr(checking, "account_mismatches", lambda *_: ["acme was another account"])
    monkeypatch.setattr(checking, "check_writable", refuse)
    monkeypatch.setattr(Callcap, "probe", answers)
    found = await findings(settings)
    assert found["state"].words == "acme was another account; no space left on its disk"


async def test_a_cluster_without_coordinators_yet_hides_no_problem_of_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker makes them at the first question for one, and has none meanwhile."""

    async def inspect(state: KafkaState, _: object) -> Inspection:
        return Inspection(state, None, {}, False, ["the state is lost"], [])

    async def reach(_: object) -> None:
        raise Unreachable("the coordinator is not available")

    monkeypatch.setattr(topic, "inspect", inspect)
    monkeypatch.setattr(topic, "check_reachable", reach)
    state = KafkaState(type="kafka", bootstrap_servers="localhost:1")
    with pytest.raises(ConfigError, match="the state is lost"):
        await opening.check_writable(state, {})


async def none(self: Callcap, http: Http) -> str:
    return cast("str", None)


async def fails(self: Callcap, http: Http) -> str:
    raise KeyError("x")


def no_probes(self: Callcap, now: datetime) -> Mapping[str, Callable[[Http], Awaitable[Probed]]]:
    return cast("Mapping[str, Callable[[Http], Awaitable[Probed]]]", None)


def strange_probes(self: Callcap, now: datetime) -> Mapping[str, Callable[[Http], Awaitable[Probed]]]:
    async def strange(_: Http) -> Probed:
        return cast("Probed", "answers")

    return {"": strange}


BUGS: dict[str, tuple[str, Callable[..., Any], str]] = {
    "None": ("probe", none, "TypeError: its probe gave None, and not in words what came"),
    "raised": ("probe", fails, "KeyError: 'x'"),
    "no probes": ("probes", no_probes, "AttributeError: "),
    "a text for a Probed": ("probes", strange_probes, "TypeError: its probe gave str, and not in words what came"),
}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_probe_that_is_none_is_a_finding_and_never_ok(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    name, code, told = BUGS[bug]
    monkeypatch.setattr(Callcap, name, code)
    found = await findings(settings)
    assert found["acme"].ok is False
    assert found["acme"].words.startswith(f"a bug: {told}")
    assert found["console"].ok


GRAPHQL = """
sources:
  desk:
    type: rest
    base_url: https://desk.example.com
    auth: {bearer: sesame-open-now, params: {key: param-secret}}
    streams: {tickets: {kind: ticket, body: {query: "{tickets {id}}"}, expect: {errors: null}}}
outputs: {console: {type: stdout}}
state: {path: poller.db}
"""


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ("Field 'nam'\ndoes not exist", "; the vendor says: Field 'nam' does not exist"),
        ("no" * 200, f"; the vendor says: {'no' * 150}…"),
        ("sesame-open-now is not a key", ""),
        ("the key param-secret is old", ""),
    ],
)
async def test_an_error_of_graphql_is_quoted_as_a_refusal_is_without_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str, quoted: str
) -> None:
    body = json.dumps({"tickets": [], "errors": [{"message": message}]}).encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(body)))
    monkeypatch.setattr(checking, "open_session", partial(open_session, transport=transport))
    (tmp_path / "config.yaml").write_text(GRAPHQL)
    found = (await findings(load(tmp_path / "config.yaml", {})))["desk.tickets"]
    assert not found.ok
    assert found.words.endswith(f"snapshot: not the documented answer: its errors is not None{quoted}")


async def test_the_token_that_was_sent_is_kept_out_of_a_quote_and_none_is_asked_for_to_do_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where tokens end at once, another one was asked for after each request."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        sent: dict[str, Any] = {"access_token": f"fleeting-{len(asked)}", "expires_in": 0}
        if request.url.path != "/token":
            sent = {"tickets": [], "errors": [{"message": f"odd: {request.headers['authorization']}"}]}
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(sent).encode()))

    monkeypatch.setattr(checking, "open_session", partial(open_session, transport=httpx.MockTransport(answer)))
    client = "{token_url: https://login.example.com/token, client_id: me, client_secret: sesame-open-now}"
    config = GRAPHQL.replace("{bearer: sesame-open-now, params: {key: param-secret}}", f"{{oauth2: {client}}}")
    (tmp_path / "config.yaml").write_text(config)
    found = (await findings(load(tmp_path / "config.yaml", {})))["desk.tickets"]
    assert "errors is not None" in found.words
    assert "fleeting-1" not in found.words
    assert asked.count("/token") == len(asked) / 2
