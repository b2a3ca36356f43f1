"""What a TrackDrive account's configuration says, and the sweeps that come of it."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from poller.plugin.credentials import StaticHeaders
from poller.sources.trackdrive import Trackdrive
from tests.sources.scripted import Said, Scripted
from tests.sources.trackdrive_pages import ACCOUNT, CALL, CALLS, FIXED, LEAD, LEADS, SETTINGS, calls, leads, listing


@pytest.mark.covers("trackdrive", 9, 11, 12)
def test_the_sweeps_and_their_part() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    assert {sweep.name: (sweep.every, sweep.lookback) for sweep in LEADS.sweeps} == {
        "live": (minute / 2, 5 * minute),
        "settle": (15 * minute, 6 * hour),
        "audit": (24 * hour, 72 * hour),
        "changes": (minute, 5 * minute),
    }
    assert {sweep.name: (sweep.every, sweep.lookback) for sweep in CALLS.sweeps} == {
        "live": (minute / 2, 5 * minute),
        "ended": (minute / 2, 5 * minute),
        "updated": (2 * minute, 10 * minute),
        "audit": (24 * hour, 72 * hour),
    }
    both = [*LEADS.sweeps, *CALLS.sweeps]
    assert [sweep.name for sweep in both if sweep.from_lookback_only] == ["changes", "ended", "updated"]
    assert [sweep.name for sweep in both if sweep.is_audit] == ["audit", "audit"]
    assert not any(sweep.advisory or sweep.snapshot for sweep in both)


def test_the_account() -> None:
    assert ACCOUNT.credential() == StaticHeaders({"Authorization": SecretStr("Basic cHViOnByaXY=")})
    assert (ACCOUNT.default_region, ACCOUNT.tenant_key, ACCOUNT.headers) == ("US", None, {})
    assert [stream.name for stream in ACCOUNT.build_streams()] == ["leads", "calls"]
    for name in ("leads", "calls"):
        chosen = Trackdrive.model_validate({**SETTINGS, "streams": {name: None}})
        assert [stream.name for stream in chosen.build_streams()] == [name]
    fast = Trackdrive.model_validate({**SETTINGS, "streams": {"leads": {"sweeps": {"live": {"every": "0.5s"}}}}})
    assert fast.build_streams()[0].sweeps[0].every == timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"base_url": None}, "base_url"),
        ({"public_key": ""}, "public_key"),
        ({"public_key": "hidden:x"}, "public_key"),
        ({"private_key": "hidden\nx"}, "private_key"),
        ({"token": "hidden"}, "token"),
        ({"streams": {"leads": {"sweeps": {"updated": {}}}}}, "streams.leads.sweeps.updated"),
        ({"streams": {}}, "streams"),
        ({"keep": "24h"}, ""),
    ],
)
def test_what_a_configuration_may_not_say(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Trackdrive.model_validate({name: value for name, value in (SETTINGS | settings).items() if value is not None})
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [where]
    assert "hidden" not in str(caught.value)
    assert "priv" not in str(caught.value).replace("private", "")


async def test_probe_asks_once_for_one_record() -> None:
    http = Scripted([leads(LEAD, total_count=3214)])
    assert await ACCOUNT.probe(http) == "answers; 3,214 leads"
    assert http.queries() == [{**FIXED, "serializer": "lead", "per_page": "1", "page": "1"}]
    assert await ACCOUNT.probe(Scripted([Said(listing("leads", [LEAD]))])) == "answers"
    only_calls = Trackdrive.model_validate({**SETTINGS, "streams": {"calls": {}}})
    assert await only_calls.probe(Scripted([calls(CALL, total_count=7)])) == "answers; 7 calls"
    assert await ACCOUNT.probe(Scripted([leads(LEAD, LEAD)])) == "answers; 2 leads", "a page that is longer is no lie"
