"""What a source's configuration may not say, and what the error answers."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tests.sources.settings import CALLCAP, FLEXTELL, OAUTH, READ


def problem(settings: dict[str, Any]) -> tuple[str, str]:
    """Where the one error is, and its text."""
    with pytest.raises(ValidationError) as caught:
        READ.validate_python(settings)
    (found,) = caught.value.errors(include_input=False)
    return ".".join(map(str, found["loc"])), found["msg"]


SWEEPS, FULL = ("streams", "calls", "sweeps"), ("streams", "leads", "sweeps", "full")


def nested(*path: str, to: object) -> dict[str, Any]:
    first, *rest = path
    return {first: nested(*rest, to=to) if rest else to}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    (CALLCAP | {"type": "callfax"}, "", "'callcap', 'flextell'"),
    (CALLCAP | {"api_keys": "k"}, "callcap.api_keys", "not permitted"),
    ({"type": "callcap"}, "callcap.api_key", "required"),
    (CALLCAP | {"api_key": ""}, "callcap.api_key", "environment variable"),
    (CALLCAP | {"api_key": " \n"}, "callcap.api_key", "environment variable"),
    (CALLCAP | {"api_key": "a\nb"}, "callcap.api_key", "one line"),
    (CALLCAP | {"api_key": "clé"}, "callcap.api_key", "ASCII"),
    (CALLCAP | {"streams": {}}, "callcap.streams", "leave `streams` out"),
    (CALLCAP | {"streams": None}, "callcap.streams", "leave `streams` out"),
    (CALLCAP | {"streams": {"leads": {}}}, "callcap.streams.leads", "not permitted"),
    (CALLCAP | {"streams": ["calls"]}, "callcap.streams", "dictionary"),
    (CALLCAP | nested(*SWEEPS, "settle", to={}), "callcap.streams.calls.sweeps.settle", "not permitted"),
    (CALLCAP | nested(*SWEEPS, "live", "every", to="30"), "callcap.streams.calls.sweeps.live.every", "such as 30s"),
    (CALLCAP | nested(*SWEEPS, "live", "every", to="0s"), "callcap.streams.calls.sweeps.live.every", "more than zero"),
    (CALLCAP | nested(*SWEEPS, "recent", "lookback", to="61m"), "callcap", "calls.sweeps.recent.lookback: at most 60m"),
    (CALLCAP | {"timezone": "US/Nowhere"}, "callcap.timezone", "US/Arizona"),
    (CALLCAP | {"timezone": ""}, "callcap.timezone", "US/Arizona"),
    (CALLCAP | {"timezone": "US"}, "callcap.timezone", "US/Arizona"),
    (CALLCAP | {"timezone": "../../etc/passwd"}, "callcap.timezone", "US/Arizona"),
    (CALLCAP | {"keep": "71h"}, "callcap", "keep: 71h is too short: 5d reaches over every + lookback of calls.audit"),
    (
        CALLCAP | nested(*SWEEPS, "live", "lookback", to="400d"),
        "callcap",
        "keep: 400d, its default, is too short: 401d reaches over every + lookback of calls.live",
    ),
    (CALLCAP | {"base_url": "api.callcap.com"}, "callcap.base_url", "https://"),
    (CALLCAP | {"base_url": "ftp://api.callcap.com"}, "callcap.base_url", "https://"),
    (CALLCAP | {"base_url": "https://"}, "callcap.base_url", "names a host"),
    (CALLCAP | {"base_url": "https://x:y"}, "callcap.base_url", "names a host"),
    (CALLCAP | {"base_url": "https://x:99999"}, "callcap.base_url", "names a host"),
    (CALLCAP | {"base_url": "https://[::1"}, "callcap.base_url", "names a host"),
    (CALLCAP | {"base_url": "https://a b.example"}, "callcap.base_url", "names a host"),
    (CALLCAP | {"base_url": "https://x.example/\n"}, "callcap.base_url", "names a host"),
    (CALLCAP | {"base_url": "https://u:p@x.example"}, "callcap.base_url", "no user"),
    (CALLCAP | {"base_url": "https://x.example/?a=1"}, "callcap.base_url", "no query"),
    (CALLCAP | {"base_url": "https://x.example/#a"}, "callcap.base_url", "no fragment"),
    (CALLCAP | {"proxy": "socks5://x.example"}, "callcap.proxy", "http://"),
    (CALLCAP | {"proxy": "proxy:3128"}, "callcap.proxy", "http://"),
    (CALLCAP | {"ca_file": "/nowhere.pem"}, "callcap.ca_file", "No such file"),
    (CALLCAP | {"ca_file": __file__}, "callcap.ca_file", "PEM"),
    (CALLCAP | {"region": "USA"}, "callcap.region", "two letters"),
    (CALLCAP | {"region": "XX"}, "callcap.region", "two letters"),
    (CALLCAP | {"drop": ["raw.caller"]}, "callcap.drop.0", "data.raw.caller.name"),
    (CALLCAP | {"drop": ["data"]}, "callcap.drop.0", "data.raw.caller.name"),
    (CALLCAP | {"drop": ["data.caller", "data.id"]}, "callcap.drop.1", "data.id stays"),
    (CALLCAP | {"drop": ["data..x"]}, "callcap.drop.0", "dotted path"),
    (CALLCAP | {"start": "yesterday"}, "callcap.start", "such as 24h"),
    (CALLCAP | {"start": "2026-03-14T09:00:00"}, "callcap.start", "with its offset"),
    (CALLCAP | {"start": datetime(2026, 3, 14, 9)}, "callcap.start", "with its offset"),  # noqa: DTZ001  as YAML reads it
    (CALLCAP | {"start": "2026-03-14"}, "callcap.start", "with its offset"),
    (CALLCAP | {"start": "-24h"}, "callcap.start", "such as 24h"),
    (CALLCAP | {"start": None}, "callcap.start", "such as 24h"),
    (CALLCAP | {"requests_per_minute": 0}, "callcap.requests_per_minute", "greater than or equal to 1"),
    (CALLCAP | {"max_concurrency": 0}, "callcap.max_concurrency", "greater than or equal to 1"),
    (FLEXTELL | {"keep": "400d"}, "flextell", "for ever"),
    (FLEXTELL | {"tenant": "acme"}, "flextell.tenant", "integer"),
    (FLEXTELL | {"access_token": ""}, "flextell.access_token", "environment variable"),
    (FLEXTELL | {"access_token": None}, "flextell", "either access_token, or client_id"),
    (FLEXTELL | {"client_id": "c"}, "flextell", "either access_token, or client_id"),
    (FLEXTELL | OAUTH, "flextell", "either access_token, or client_id"),
    (OAUTH | {"client_id": ""}, "flextell", "either access_token, or client_id"),
    (OAUTH | {"client_secret": None}, "flextell", "either access_token, or client_id"),
    (OAUTH | {"refresh_token": None}, "flextell", "either access_token, or client_id"),
    (OAUTH | {"token_url": "dev.flextell.ai"}, "flextell.token_url", "https://"),
    (FLEXTELL | nested(*FULL, "lookback", to="1h"), "flextell.streams.leads.sweeps.full.lookback", "not permitted"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "where", "says"), WRONG)
def test_a_wrong_setting_names_its_place_and_its_remedy(settings: dict[str, Any], where: str, says: str) -> None:
    found, text = problem(settings)
    assert found == where
    assert says in text
