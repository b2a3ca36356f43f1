"""What a configured ipSCAPE account comes to: its credential, its streams and their sweeps."""

from datetime import timedelta

import pytest

from poller.errors import Unexpected
from poller.plugin.credentials import StaticHeaders
from poller.sources.ipscape import Ipscape
from tests.sources.ipscape_pages import LEAD_LIST, SETTINGS, SWEEPS, TIMED, WHOLE, answer, streams
from tests.sources.scripted import Said, Scripted

STREAMS = streams()


async def test_probe_asks_once() -> None:
    account = Ipscape.model_validate(SETTINGS)
    http = Scripted([Said(answer("lead_lists", [LEAD_LIST], "a"))])
    assert await account.probe(http) == "answers; 1 lead lists and more"
    assert http.asked == [("/v3.0/leads/lists", {})]
    assert await account.probe(Scripted([Said(answer("lead_lists", [LEAD_LIST]))])) == "answers; 1 lead lists"
    with pytest.raises(Unexpected):
        await account.probe(Scripted([Said({"resultCode": "success", "result": {}})]))


def test_the_sweeps_and_their_part() -> None:
    found = {(stream.name, sweep.name): sweep for stream in STREAMS.values() for sweep in stream.sweeps}
    assert sorted(found) == sorted(SWEEPS)
    assert {names for names, sweep in found.items() if sweep.is_audit} == {(stream, "audit") for stream in TIMED}
    assert {names for names, sweep in found.items() if sweep.from_lookback_only} == {("leads", "touched")}
    assert {names for names, sweep in found.items() if sweep.snapshot} == {(stream, "snapshot") for stream in WHOLE}
    assert {names for names, sweep in found.items() if sweep.lookback is None} == {
        (stream, "snapshot") for stream in WHOLE
    }
    assert {stream.name for stream in STREAMS.values() if stream.forever} == set(WHOLE)
    assert not any(sweep.advisory for sweep in found.values())


def header(**settings: object) -> dict[str, str]:
    credential = Ipscape.model_validate(SETTINGS | settings).credential()
    assert isinstance(credential, StaticHeaders)
    return {name: value.get_secret_value() for name, value in credential.headers.items()}


def test_the_token_goes_where_the_configuration_says() -> None:
    assert header() == {"Authorization": "Bearer t"}
    assert header(auth_header="X-Api-Key", auth_scheme="") == {"X-Api-Key": "t"}
    for wrong in ({"auth_header": ""}, {"auth_header": "X Key"}, {"auth_scheme": "a:b"}, {"base_url": None}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Ipscape.model_validate(SETTINGS | wrong)


@pytest.mark.covers("ipscape", 1)
def test_the_defaults_are_the_vendors() -> None:
    account = Ipscape.model_validate(SETTINGS)
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    timings = {(s.name, w.name): (w.every, w.lookback) for s in account.build_streams() for w in s.sweeps}
    calls = {"live": (minute, 10 * minute), "settle": (10 * minute, 6 * hour), "audit": (24 * hour, 72 * hour)}
    leads = {
        "live": (5 * minute, hour),
        "settle": (hour, 6 * hour),
        "audit": (24 * hour, 7 * 24 * hour),
        "touched": (5 * minute, 15 * minute),
    }
    assert timings == {
        **{(stream, sweep): timing for stream in ("activities", "dialler_calls") for sweep, timing in calls.items()},
        **{("leads", sweep): timing for sweep, timing in leads.items()},
        **{(stream, "snapshot"): (hour, None) for stream in WHOLE},
    }
    assert (account.default_region, account.timezone, account.retention) == ("AU", None, timedelta(days=400))


def test_only_the_chosen_streams_are_polled() -> None:
    assert list(streams(streams={"leads": {}, "users": None})) == ["leads", "users"]
    timed = streams(streams={"campaigns": {"sweeps": {"snapshot": {"every": "5m"}}}})["campaigns"].sweeps[0]
    assert timed.every == timedelta(minutes=5)
