"""A used-up quota is waited for, by whatever family of headers the vendor tells of it."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from poller.errors import Denied, Throttled
from poller.http.auth import make_auth
from poller.http.quota import Quota
from poller.http.session import Session, open_session
from poller.sources.rest import Rest
from poller.telemetry import Telemetry
from tests.http.test_described_auth import reply

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
USUAL = Quota(("ratelimit-", "x-ratelimit-", "x-rate-limit-", "X-AircallApi-"))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 90)}, 90.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}, 30.0),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Window": "60"}, 60.0),
        ({"X-AircallApi-Remaining": "0", "X-AircallApi-Reset": "12"}, 12.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) - 5)}, 0.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "999999999"}, 86_400.0),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "30"}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
        ({"X-RateLimit-Retry-After": "7"}, 7.0),
        ({"X-RateLimit-Retry-After": "999999"}, 86_400.0),
        ({"X-RateLimit-Retry-After": "0"}, None),
        ({"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "30"}, None),
        ({}, None),
    ],
)
def test_a_quota_that_is_used_up_says_until_when(headers: dict[str, str], wait: float | None) -> None:
    assert USUAL.wait(httpx.Headers(headers), NOON) == wait


def session(answer: httpx.Response, **source: Any) -> Any:
    fixed = {"type": "rest", "base_url": "https://api.example.com", "streams": {"items": {"kind": "item"}}}
    config = Rest.model_validate(fixed | source)
    transport = httpx.MockTransport(lambda request: answer)
    auth = make_auth(config, None, None, lambda: NOON)
    return open_session("acme", config, auth, Telemetry(), lambda: NOON, transport=transport)


USED_UP = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}


async def test_the_source_waits_until_the_reset() -> None:
    async with session(reply(200, [], USED_UP)) as asked:
        assert isinstance(asked, Session)
        await asked.get("/items", {})
        assert 29 < asked.delay() <= 30


@pytest.mark.parametrize("headers", [USED_UP, {"Retry-After": "30"}])
async def test_a_403_because_of_the_quota_is_no_refusal_of_the_credential(headers: dict[str, str]) -> None:
    async with session(reply(403, {}, headers)) as asked:
        with pytest.raises(Throttled) as throttled:
            await asked.get("/items", {})
    assert throttled.value.retry_after == 30


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-RateLimit-Remaining": "0"}, {}),
        ({}, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]),
        ({}, {"error": {"code": 403, "errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}]}}),
    ],
)
async def test_a_403_that_names_the_quota_and_not_until_when_is_none_either(headers: dict[str, str], body: Any) -> None:
    async with session(reply(403, body, headers)) as asked:
        with pytest.raises(Throttled) as throttled:
            await asked.get("/items", {})
    assert throttled.value.retry_after is None


async def test_any_other_403_is_one() -> None:
    async with session(reply(403, {})) as asked:
        with pytest.raises(Denied):
            await asked.get("/items", {})
