"""Access tokens: fetched in time, by one at a time, and no refresh token is ever lost, spent twice or shown.

Killed: the access token used before its refresh token is saved; a save that a cancellation tears off; every request
refreshing for itself; the stored token used though the configuration's changed, or not used after a restart; a wait
for the very end of the token; an answer with an odd `expires_in` thrown away with the rotated token in it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
from pydantic import SecretStr

from poller.errors import Denied, SourceError, Throttled, Unavailable, Unexpected
from poller.http.auth import FixedAuth, RefreshingAuth
from poller.http.response import RawResponse
from poller.http.token_endpoint import refuses
from poller.plugin.credentials import RefreshTokenGrant, StaticHeaders, Token
from poller.state.ledger import OwnershipLost
from tests.http.wire import NOON, Asked, answer, session, vendor

HOUR = timedelta(hours=1)


class Oauth:
    """A token endpoint that rotates: each refresh token is good once. And one list, for the newest access token."""

    def __init__(self, first: str = "refresh-0") -> None:
        self.valid, self.granted = first, 0
        self.grant: Mapping[str, Any] = {"token_type": "RefreshingAuth", "expires_in": 3600}
        self.forms: list[dict[str, list[str]]] = []
        self.used: list[str] = []
        self.say: bytes | None = None

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(self._token(asked) if asked.target == "/oauth/token" else self._list(asked))

    def _token(self, asked: Asked) -> bytes:
        form = parse_qs(asked.body.decode(), strict_parsing=True)
        self.forms.append(form)
        if self.say or form["refresh_token"] != [self.valid]:
            return self.say or answer(400, b'{"error": "invalid_grant"}')
        self.granted += 1
        self.valid = f"refresh-{self.granted}"
        grant = {"access_token": f"access-{self.granted}", "refresh_token": self.valid, **self.grant}
        return answer(body=json.dumps(grant).encode())

    def _list(self, asked: Asked) -> bytes:
        self.used.append(asked.headers["authorization"])
        return answer(200 if asked.headers["authorization"] == f"Bearer access-{self.granted}" else 401)


class Desk:
    """The operator's side: a clock, a configuration, and what the state holds."""

    def __init__(self, oauth: Oauth, url: str) -> None:
        self.oauth, self.url, self.now = oauth, url, NOON
        self.stored: Token | None = None
        self.saved: list[str] = []
        self.saving = anyio.Event()

    async def save(self, token: Token) -> None:
        self.saving.set()
        await asyncio.sleep(0.01)
        assert self.oauth.used[-1:] != [f"Bearer {token.access_token}"], "used before it was durable"
        self.stored = token
        self.saved.append(token.refresh_token)

    def bearer(self, configured: str = "refresh-0", *, dry: bool = False) -> RefreshingAuth:
        credential = RefreshTokenGrant(
            f"{self.url}/oauth/token", "us", SecretStr("the-client-secret"), SecretStr(configured)
        )
        save = None if dry else self.save
        return RefreshingAuth(credential, {"X-Tenant": "42"}, stored=self.stored, save=save, now=self._now)

    def _now(self) -> datetime:
        return self.now

    async def ask(self, bearer: RefreshingAuth, times: int = 1) -> None:
        async with session(self.url, bearer, now=self._now) as ours, anyio.create_task_group() as group:
            for _ in range(times):
                group.start_soon(ours.get, "/leads", {})


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    oauth = Oauth()
    async with vendor(oauth) as server:
        yield Desk(oauth, server.url)


async def test_the_first_request_fetches_a_token_and_the_rotated_one_is_saved_before_it_is_used() -> None:
    async with desk() as at:
        await at.ask(bearer := at.bearer())
        assert at.oauth.used == ["Bearer access-1"]
        assert at.saved == ["refresh-1"]
        assert at.oauth.forms == [
            {
                "grant_type": ["refresh_token"],
                "refresh_token": ["refresh-0"],
                "client_id": ["us"],
                "client_secret": ["the-client-secret"],
            }
        ]
        assert bearer.at_hand


async def test_a_refresh_token_is_not_spent_by_who_cannot_save_what_comes() -> None:
    async def prove() -> None:
        raise OwnershipLost("another replica polls it now")

    async with desk() as at:
        bearer = at.bearer()
        bearer._prove = prove
        with pytest.raises(ExceptionGroup) as caught:
            await at.ask(bearer)
        assert isinstance(caught.value.exceptions[0], OwnershipLost)
        assert not at.oauth.forms
        assert not at.saved


async def test_many_requests_at_once_share_one_refresh() -> None:
    async with desk() as at:
        await at.ask(at.bearer(), times=8)
        assert at.oauth.granted == 1
        assert len(at.oauth.used) == 8


@pytest.mark.parametrize(("lifetime", "good_for"), [(3600, 3420), (60, 30), ("3600", 3420), (3600.0, 3420), (2, 1)])
async def test_a_token_is_refreshed_before_its_end_but_not_in_the_first_half_of_its_life(
    lifetime: Any, good_for: int
) -> None:
    async with desk() as at:
        at.oauth.grant = {"expires_in": lifetime}
        await at.ask(bearer := at.bearer())
        at.now = NOON + timedelta(seconds=good_for - 1)
        await at.ask(bearer)
        assert at.saved == ["refresh-1"]
        at.now = NOON + timedelta(seconds=good_for)
        await at.ask(bearer)
        assert at.saved == ["refresh-1", "refresh-2"]


@pytest.mark.parametrize(
    "odd", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": 10**12}, {"expires_in": -5}]
)
async def test_an_odd_lifetime_does_not_cost_the_rotated_token(odd: Mapping[str, Any]) -> None:
    async with desk() as at:
        at.oauth.grant = odd
        await at.ask(at.bearer())
        assert at.saved == ["refresh-1"]


@pytest.mark.parametrize("odd", ["", "secret-\u00e9", "secret-\u202e", "secret\r\nX-Admin: 1", "secret-\0"])
async def test_a_token_that_no_header_can_hold_is_told_without_it_and_does_not_cost_the_rotated_one(odd: str) -> None:
    async with desk() as at, session(at.url, at.bearer()) as ours:
        at.oauth.grant = {"access_token": odd}
        with pytest.raises(Unexpected, match="none that a header can hold"):
            await ours.get("/leads", {})
        assert (at.saved, at.oauth.used) == (["refresh-1"], [])
        at.oauth.grant = {}
        await ours.get("/leads", {})
        assert (at.saved, at.oauth.used) == (["refresh-1", "refresh-2"], ["Bearer access-2"])


async def test_a_token_that_is_over_at_once_is_used_once() -> None:
    async with desk() as at:
        at.oauth.grant = {"expires_in": 0}
        await at.ask(bearer := at.bearer())
        await at.ask(bearer)
        assert at.oauth.used == ["Bearer access-1", "Bearer access-2"]


async def test_a_refresh_token_that_is_not_rotated_stays() -> None:
    async with desk() as at:
        at.oauth.grant = {"refresh_token": None}
        await at.ask(bearer := at.bearer())
        assert at.saved == ["refresh-0"]
        at.oauth.valid, at.now = "refresh-0", NOON + HOUR
        await at.ask(bearer)
        assert at.oauth.granted == 2


async def test_after_a_restart_the_stored_token_is_used_without_a_refresh() -> None:
    async with desk() as at:
        await at.ask(at.bearer())
        again = at.bearer()
        assert again.at_hand
        await at.ask(again)
        assert (at.oauth.granted, len(at.oauth.used)) == (1, 2)
        at.now = NOON + 2 * HOUR
        late = at.bearer()
        assert not late.at_hand
        await at.ask(late)
        assert [form["refresh_token"] for form in at.oauth.forms] == [["refresh-0"], ["refresh-1"]]


async def test_a_refresh_token_changed_in_the_configuration_wins_over_the_stored_one() -> None:
    async with desk() as at:
        await at.ask(at.bearer())
        at.oauth.valid = "a new one"
        await at.ask(at.bearer("a new one"))
        assert at.saved == ["refresh-1", "refresh-2"]
        await at.ask(at.bearer("a new one"))
        assert at.oauth.granted == 2, "and what came of it wins from then on"


async def test_a_refused_access_token_is_followed_by_a_fresh_one() -> None:
    async with desk() as at:
        await at.ask(bearer := at.bearer())
        at.oauth.granted = 7  # whatever the vendor's reason: our token is good no more
        async with session(at.url, bearer, now=lambda: at.now) as ours:
            with pytest.raises(Denied):
                await ours.get("/leads", {})
            ours.refused()
            await ours.get("/leads", {})
        assert at.oauth.used[-1] == "Bearer access-8"


async def test_a_cancelled_request_does_not_lose_the_token_it_was_given() -> None:
    async with desk() as at:
        async with anyio.create_task_group() as group:
            group.start_soon(at.ask, at.bearer())
            await at.saving.wait()
            group.cancel_scope.cancel()
        assert at.saved == ["refresh-1"]


async def test_a_dead_refresh_token_says_what_to_do() -> None:
    async with desk() as at:
        with pytest.raises(ExceptionGroup) as caught:
            await at.ask(at.bearer("a dead one"))
        (denied,) = caught.value.exceptions
        assert isinstance(denied, Denied)
        assert "refresh_token into the configuration" in str(denied)
        assert at.oauth.used == at.saved == []


SAYINGS = [
    (answer(500), Unavailable),
    (answer(429, Retry_After="9"), Throttled),
    (answer(302, Location="/elsewhere"), Unexpected),
    (answer(404), Unexpected),
    (answer(body=b"<html>"), Unexpected),
    (answer(body=b'{"access_token": "\xed"}'), Unexpected),
    (answer(body=b'{"refresh_token": "refresh-9"}'), Unexpected),
    (answer(401), Denied),
]


@pytest.mark.parametrize(("say", "error"), SAYINGS)
async def test_what_else_a_token_endpoint_can_say(say: bytes, error: type[SourceError]) -> None:
    async with desk() as at, session(at.url, at.bearer()) as ours:
        at.oauth.say = say
        with pytest.raises(error):
            await ours.get("/leads", {})
        assert at.oauth.used == at.saved == []
        at.oauth.say = None
        await ours.get("/leads", {})


async def test_a_dry_run_never_spends_a_refresh_token() -> None:
    async with desk() as at:
        with pytest.raises(ExceptionGroup) as caught:
            await at.ask(at.bearer(dry=True))
        assert isinstance(caught.value.exceptions[0], Denied)
        assert at.oauth.forms == []
        await at.ask(at.bearer())
        await at.ask(at.bearer(dry=True))
        assert at.oauth.granted == 1, "but it uses an access token that is stored and good"


async def test_no_secret_is_in_any_text() -> None:
    secrets = ("refresh-", "access-", "a dead one", "the-client-secret", "a-fixed-key")
    fixed = FixedAuth(StaticHeaders({"X-Key": SecretStr("a-fixed-key")}), {})
    async with desk() as at:
        await at.ask(bearer := at.bearer())
        assert at.stored
        said: list[object] = [bearer, fixed, at.stored, [*at.stored.__rich_repr__()], bearer._endpoint]
        for refresh_token, say in (("a dead one", None), *(("refresh-1", say) for say, _ in SAYINGS)):
            at.oauth.say, at.stored = say, None
            with pytest.raises(ExceptionGroup) as caught:
                await at.ask(at.bearer(refresh_token))
            error: BaseException | None = caught.value.exceptions[0]
            while error is not None:
                said += [error, str(error)]
                error = error.__cause__ or error.__context__
    assert not [secret for secret in secrets if secret in repr(said)]


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (400, b"", True),
        (200, b'{"error": "invalid_code"}', True),
        (200, b'{"error": "", "access_token": "t"}', False),
        (200, b'{"error": null}', False),
        (200, b"<html>", False),
        (500, b'{"error": "invalid_code"}', False),
    ],
)
def test_an_endpoint_may_refuse_with_a_200(status: int, body: bytes, refused: bool) -> None:
    assert refuses(RawResponse(status, body, httpx.Headers())) is refused
