"""With a token, nobody sees anything but the probes without it."""

from base64 import b64encode

import httpx
import pytest
from pydantic import SecretStr

from tests.server.conftest import House, running

GUARDED = ["/metrics", "/api/streams", "/api/status", "/", "/no/such/page"]
TOKEN = "a token: of its own"


@pytest.fixture
def house(house: House) -> House:
    house.token = SecretStr(TOKEN)
    return house


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize("path", GUARDED)
async def test_who_shows_nothing_is_asked_for_it(house: House, path: str) -> None:
    async with running(house) as client:
        for method in ("GET", "HEAD", "POST"):
            answer = await client.request(method, path)
            assert answer.status_code == 401
            challenges = answer.headers.get_list("www-authenticate")
            assert [challenge.split()[0] for challenge in challenges] == ["Basic", "Bearer"]
            assert answer.headers["cache-control"] == "no-store"
            assert "acme" not in answer.text


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer another token",
        f"Bearer {TOKEN}s",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"Digest {TOKEN}",
        f"Basic {TOKEN}",
        "Basic !!!",
        basic("poller", "wrong"),
        basic(TOKEN, ""),
        f"Basic {b64encode(TOKEN.replace(':', '').encode()).decode()}",
    ],
)
async def test_who_shows_another_is_refused(house: House, shown: str) -> None:
    async with running(house) as client:
        assert (await client.get("/metrics", headers={"authorization": shown})).status_code == 401
        odd = await client.get("/metrics", headers=[(b"authorization", b"Bearer \xe9\xff")])
        assert odd.status_code == 401


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic("", TOKEN), basic("poller", TOKEN)])
@pytest.mark.parametrize("path", GUARDED[:-1])
async def test_who_shows_it_is_answered(house: House, path: str, shown: str) -> None:
    async with running(house) as client:
        assert (await client.get(path, headers={"authorization": shown})).status_code == 200


async def test_probes_need_none(house: House) -> None:
    async with running(house) as client:
        assert [(await client.get(path)).status_code for path in ("/livez", "/readyz")] == [200, 200]
        house.reasons = ["the disk is full"]
        assert (await client.get("/readyz")).status_code == 503


async def test_a_token_that_was_changed_counts_from_then_on(house: House) -> None:
    async with running(house) as client:
        client.auth = httpx.BasicAuth("poller", TOKEN)
        assert (await client.get("/metrics")).status_code == 200
        house.token = SecretStr("another")
        assert (await client.get("/metrics")).status_code == 401
        house.token = None
        assert (await client.get("/metrics")).status_code == 200


async def test_the_page_says_who_may_see_it(house: House) -> None:
    async with running(house) as client:
        client.auth = httpx.BasicAuth("poller", TOKEN)
        assert "Only who shows server.token sees this page." in (await client.get("/")).text
        house.token = None
        assert "Whoever reaches this address sees this page: server.token is not set." in (await client.get("/")).text
