"""What a source's configuration says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

import certifi
import pytest
from pydantic import SecretStr, ValidationError

from poller.plugin.credentials import RefreshTokenGrant, StaticHeaders
from poller.plugin.source import Source
from poller.plugin.stream import Stream
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from tests.sources.settings import CALLCAP, FLEXTELL, OAUTH, READ

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def callcap(**settings: object) -> Callcap:
    return Callcap.model_validate(CALLCAP | settings)


def flextell(**settings: object) -> Flextell:
    return Flextell.model_validate(FLEXTELL | settings)


class Counted(Callcap):
    """Counts how often its streams were built."""

    built: ClassVar = 0

    def build_streams(self) -> Sequence[Stream]:
        type(self).built += 1
        return super().build_streams()


def test_a_sources_streams_are_built_once_and_a_copy_builds_its_own() -> None:
    source = Counted.model_validate(CALLCAP)
    assert source.built_streams is source.built_streams
    assert Counted.built == 1, "validation, which builds them to see whether they can be built, included"
    longer = source.model_copy(
        update={"streams": callcap(streams={"calls": {"sweeps": {"live": {"every": "7s"}}}}).streams}
    )
    assert longer.built_streams[0].sweeps[1].every == timedelta(seconds=7)
    assert source == Counted.model_validate(CALLCAP)
    assert Counted.built == 3


def timings(account: Source) -> dict[str, tuple[timedelta, timedelta | None]]:
    return {sweep.name: (sweep.every, sweep.lookback) for stream in account.build_streams() for sweep in stream.sweeps}


def test_the_defaults_are_the_vendors() -> None:
    found = READ.validate_python(CALLCAP)
    assert isinstance(found, Callcap)
    assert (found.base_url, found.timezone, found.default_region) == ("https://api.callcap.com", "US/Arizona", "US")
    assert (found.tenant_key, found.headers, found.retention) == (None, {}, timedelta(days=400))
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
    assert (other.default_region, other.retention) == (None, None)
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
    assert callcap(api_key=" k\n").credential() == StaticHeaders({"Authorization": SecretStr("Bearer k")})
    assert flextell().credential() == StaticHeaders({"Authorization": SecretStr("Bearer t")})
    assert READ.validate_python(OAUTH).credential() == RefreshTokenGrant(
        "https://dev.flextell.ai/oauth/token", "c", SecretStr("s"), SecretStr("r")
    )


def test_values_are_kept_in_one_spelling() -> None:
    found = callcap(base_url="http://127.0.0.1:8080/callcap/", region="ca", ca_file=certifi.where(), drop=["data.raw"])
    assert (found.base_url, found.region, found.default_region) == ("http://127.0.0.1:8080/callcap", "CA", "CA")
    assert found.ca_file == Path(certifi.where())
    assert found.drop == ("data.raw",)
    assert callcap(proxy="http://u:p@proxy.example:3128").proxy == "http://u:p@proxy.example:3128"
    assert callcap(keep="96h").retention == timedelta(hours=96)
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
    vendors = {"agendize", "callcap", "flextell", "ipscape", "trackdrive"}
    assert schema["discriminator"]["mapping"].keys() == vendors | {"rest"}
    assert "required" not in schema["$defs"]["Windowed"]
