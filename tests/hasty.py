"""Every vendor of the sandbox as a source of a configuration, every sweep of every stream sixty times too often."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from poller.sandbox import agendize, agendize_records
from poller.sandbox.callcap import API_KEY
from poller.sandbox.flextell import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.ipscape import TOKEN
from poller.sandbox.trackdrive import PRIVATE_KEY, PUBLIC_KEY
from poller.sources.account import Account
from poller.sources.registry import SourceConfig

ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "agendize": {
        "base_url": "/agendize/api/2.0",
        "api_key": agendize.API_KEY,
        "token": agendize.TOKEN,
        "timezone": agendize_records.COMPANY_ZONE,
    },
    "callcap": {"base_url": "/callcap", "api_key": API_KEY},
    "flextell": {
        "base_url": "/flextell/api/v1",
        "token_url": "/flextell/oauth/token",
        "tenant": TENANT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    },
    "ipscape": {"base_url": "/ipscape/platform-api", "token": TOKEN},
    "trackdrive": {"base_url": "/trackdrive", "public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY},
}
"""What each vendor wants to know, by its name, which is the source's too; addresses are within the sandbox."""
SHORTEST, LONGEST = timedelta(milliseconds=300), timedelta(seconds=5)


def sources(at: str) -> dict[str, Any]:
    """All of them, at the sandbox's origin."""
    return {vendor: _source(at, vendor) for vendor in ACCOUNTS}


def _source(at: str, vendor: str) -> dict[str, Any]:
    asked = {"type": vendor, "start": "all", "requests_per_minute": 6000, "timeout": "3s"}
    for key, value in ACCOUNTS[vendor].items():
        asked[key] = f"{at}{value}" if key.endswith("_url") else value
    account: Account = TypeAdapter(SourceConfig).validate_python(asked)
    streams = {
        stream.name: {"sweeps": {sweep.name: {"every": _hasty(sweep.every)} for sweep in stream.sweeps}}
        for stream in account.build()
    }
    return {**asked, "streams": streams}


def _hasty(every: timedelta) -> str:
    return f"{min(max(every / 60, SHORTEST), LONGEST).total_seconds():g}s"
