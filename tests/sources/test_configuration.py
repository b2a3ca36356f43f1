"""What a source's configuration may say, and what an error answers."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import certifi
import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from poller.model import Refreshing, Static
from poller.sources.account import Account
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.sources.registry import SourceConfig

READ: TypeAdapter[Callcap | Flextell] = TypeAdapter(SourceConfig)
CALLCAP: dict[str, Any] = {"type": "callcap", "api_key": "k"}
FLEXTELL: dict[str, Any] = {"type": "flextell", "tenant": 42, "access_token": "t"}
OAUTH: dict[str, Any] = {"type": "flextell", "tenant": 42, "client_id": "c", "client_secret": "s", "refresh_token": "r"}
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def callcap(**settings: object) -> Callcap:
    return Callcap.model_validate(CALLCAP | settings)


def flextell(**settings: object) -> Flextell:
    return Flextell.model_validate(FLEXTELL | settings)


def problem(settings: dict[str, Any]) -> tuple[str, str]:
    """Where the one error is, and its text."""
    with pytest.raises(ValidationError) as caught:
        READ.validate_python(settings)
    (found,) = caught.value.errors(include_input=False)
    return ".".join(map(str, found["loc"])), found["msg"]


def timings(account: Account) -> dict[str, tuple[timedelta, timedelta | None]]:
    return {sweep.name: (sweep.every, sweep.lookback) for stream in account.build() for sweep in stream.sweeps}


def test_the_defaults_are_the_vendors() -> None:
    found = READ.validate_python(CALLCAP)
    assert isinstance(found, Callcap)
    assert (found.base_url, found.timezone, found.home) == ("https://api.callcap.com", "US/Arizona", "US")
    assert (found.tenant_key, found.headers, found.keep_for) == (None, {}, timedelta(days=400))
    assert (found.raw, found.requests_per_minute, found.max_concurrency) == (True, 60, 1)
    assert timings(found) == {
        "recent": (timedelta(seconds=15), timedelta(minutes=5)),
        "live": (timedelta(seconds=30), timedelta(minutes=5)),
        "audit": (timedelta(hours=24), timedelta(hours=72)),
    }
    other = READ.validate_python(FLEXTELL)
    assert isinstance(other, Flextell)
    assert (other.base_url, other.token_url) == (
        "https://dev.flextell.ai/api/v1",
        "https://dev.flextell.ai/oauth/token",
    )
    assert (other.home, other.keep_for) == (None, None)
    assert timings(other) == {
        "live": (timedelta(minutes=1), timedelta(minutes=10)),
        "converted": (timedelta(minutes=5), timedelta(minutes=10)),
        "synced": (timedelta(minutes=5), timedelta(minutes=10)),
        "trashed": (timedelta(hours=1), None),
        "full": (timedelta(hours=6), None),
    }


@pytest.mark.parametrize(
    "chosen", [{"calls": {}}, {"calls": None}, {"calls": {"sweeps": {}}}, {"calls": {"sweeps": None}}]
)
def test_a_stream_that_is_only_named_keeps_its_defaults(chosen: dict[str, Any]) -> None:
    assert timings(callcap(streams=chosen)) == timings(callcap())


def test_a_sweep_keeps_what_is_not_set() -> None:
    sweeps = {"live": {"every": "0.5s"}, "audit": {"lookback": "7d"}, "recent": None}
    found = timings(callcap(streams={"calls": {"sweeps": sweeps}}))
    assert found == {
        "recent": (timedelta(seconds=15), timedelta(minutes=5)),
        "live": (timedelta(seconds=0.5), timedelta(minutes=5)),
        "audit": (timedelta(hours=24), timedelta(days=7)),
    }


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
    (CALLCAP | {"keep": "71h"}, "callcap", "keep: at least 4 days, 0:00:00, every + lookback of calls.audit"),
    (CALLCAP | nested(*SWEEPS, "live", "lookback", to="400d"), "callcap", "every + lookback of calls.live"),
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


def test_no_secret_is_shown() -> None:
    account = READ.validate_python(
        OAUTH | {"client_secret": "hidden1", "refresh_token": "hidden2", "proxy": "http://u:hidden3@p:1"}
    )
    assert "hidden" not in repr(account) + str(account) + repr(account.credential())
    assert "hidden" not in repr(callcap(api_key="hidden").credential())
    with pytest.raises(ValidationError) as caught:
        callcap(api_key="hidden\nhidden", base_url="https://hidden@x.example", proxy="hidden://x")
    assert "hidden" not in str(caught.value)


def test_credentials() -> None:
    assert callcap(api_key=" k\n").credential() == Static({"Authorization": SecretStr("Bearer k")})
    assert flextell().credential() == Static({"Authorization": SecretStr("Bearer t")})
    assert READ.validate_python(OAUTH).credential() == Refreshing(
        "https://dev.flextell.ai/oauth/token", "c", SecretStr("s"), SecretStr("r")
    )


def test_values_are_kept_in_one_spelling() -> None:
    found = callcap(base_url="http://127.0.0.1:8080/callcap/", region="ca", ca_file=certifi.where(), drop=["data.raw"])
    assert (found.base_url, found.region, found.home) == ("http://127.0.0.1:8080/callcap", "CA", "CA")
    assert found.ca_file == Path(certifi.where())
    assert found.drop == ("data.raw",)
    assert callcap(proxy="http://u:p@proxy.example:3128").proxy == "http://u:p@proxy.example:3128"
    assert callcap(keep="96h").keep_for == timedelta(hours=96)
    assert flextell(tenant="42").tenant_key == "42"


@pytest.mark.parametrize(
    ("start", "at"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("500ms", NOW - timedelta(seconds=0.5)),
        ("9999999d", None),
        ("all", None),
        ("2026-03-01T00:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T02:00:00+02:00", datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_start(start: object, at: datetime | None) -> None:
    assert callcap(start=start).start_at(NOW) == at


def test_there_is_a_schema() -> None:
    schema = READ.json_schema()
    assert schema["discriminator"]["mapping"].keys() == {"callcap", "flextell"}
    assert "required" not in schema["$defs"]["Windowed"]
