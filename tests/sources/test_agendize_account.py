"""What an Agendize account's configuration says, and the sweeps that come of it."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from poller.errors import Unexpected
from poller.plugin.credentials import StaticHeaders
from poller.sources.agendize import Agendize
from poller.sources.agendize.api import CALLS
from tests.sources.agendize_pages import ACCOUNT, CALL, SETTINGS, STREAM, WINDOWED, listing
from tests.sources.scripted import Said, Scripted, changed, read


def test_the_sweeps_and_their_part() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    assert {sweep.name: (sweep.every, sweep.lookback) for sweep in STREAM.sweeps} == {
        "live": (minute, 6 * hour),
        "settle": (hour, 48 * hour),
        "audit": (24 * hour, 7 * 24 * hour),
        "sync": (minute, None),
    }
    assert [sweep.name for sweep in STREAM.sweeps if sweep.is_audit] == ["audit"]
    assert not any(
        sweep.from_lookback_only or sweep.advisory or sweep.snapshot or sweep.reread for sweep in STREAM.sweeps
    )


@pytest.mark.covers("agendize", 1)
def test_live_looks_back_further_than_the_longest_call_and_an_hour_that_repeats() -> None:
    (live,) = [sweep for sweep in STREAM.sweeps if sweep.name == "live"]
    assert live.lookback is not None
    assert live.lookback > timedelta(hours=4) + timedelta(hours=1)


def test_the_account() -> None:
    assert ACCOUNT.base_url == "https://api.agendize.com/api/2.0"
    assert (ACCOUNT.default_region, ACCOUNT.tenant_key, ACCOUNT.headers, ACCOUNT.timezone) == (None, None, {}, None)
    assert ACCOUNT.retention is None
    fast = Agendize.model_validate({**SETTINGS, "streams": {"calls": {"sweeps": {"sync": {"every": "0.5s"}}}}})
    assert fast.build_streams()[0].sweeps[3].every == timedelta(seconds=0.5)


@pytest.mark.covers("agendize", 12)
def test_the_credential_goes_into_headers() -> None:
    assert ACCOUNT.credential() == StaticHeaders({"apiKey": SecretStr("k"), "token": SecretStr("t")})
    single = Agendize.model_validate({"type": "agendize", "access_token": "a"})
    assert single.credential() == StaticHeaders({"Authorization": SecretStr("Bearer a")})


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"token": None}, ""),
        ({"api_key": None}, ""),
        ({"api_key": None, "token": None}, ""),
        ({"access_token": "hidden"}, ""),
        ({"access_token": "hidden", "api_key": None}, ""),
        ({"access_token": "hidden", "token": None}, ""),
        ({"token": ""}, "token"),
        ({"timezone": "US/Nowhere"}, "timezone"),
        ({"tenant": 1}, "tenant"),
        ({"keep": "400d"}, ""),
        ({"streams": {"leads": {}}}, "streams.leads"),
        ({"streams": {"calls": {"sweeps": {"sync": {"lookback": "1h"}}}}}, "streams.calls.sweeps.sync.lookback"),
    ],
)
def test_what_a_configuration_may_not_say(settings: dict[str, Any], where: str) -> None:
    given = {name: value for name, value in (SETTINGS | settings).items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        Agendize.model_validate(given)
    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == where
    assert "hidden" not in str(caught.value)
    if not where and "keep" not in settings:
        assert "either access_token, or api_key and token together" in error["msg"]


async def test_probe_asks_once_for_what_nobody_did_yet() -> None:
    http = Scripted([listing()])
    assert await ACCOUNT.probe(http) == "answers; 0 calls from 2100 on, and no others"
    assert http.asked == [(CALLS, {"startDate": "2099-12-31T23:59:58Z"})]
    with pytest.raises(Unexpected):
        await ACCOUNT.probe(Scripted([Said(b"<html>")]))


async def test_probe_leaves_odd_rows_to_others() -> None:
    assert await ACCOUNT.probe(Scripted([listing(None, [])])) == "answers; 2 calls from 2100 on, and no others"


@pytest.mark.covers("agendize", 3)
async def test_probe_notices_an_account_whose_filter_means_the_opposite() -> None:
    with pytest.raises(Unexpected, match="filter was not applied"):
        await ACCOUNT.probe(Scripted([listing(CALL)]))


@pytest.mark.parametrize("sweep", [*WINDOWED, "sync"])
@pytest.mark.covers("agendize", 8, 11, 12, 14, 15)
async def test_nothing_but_the_calls_of_this_one_account_is_asked_for(sweep: str) -> None:
    links = {"selfLink": "https://evil.example.com/calls", "items": [changed(CALL, "x", "selfLink")]}
    http = Scripted([Said(links), Said(links)])
    assert (await read(STREAM, sweep, http)).error is None
    assert {path for path, _ in http.asked} == {CALLS}
    assert not {"apiKey", "token", "clientId", "toolId"} & {name for query in http.queries() for name in query}
