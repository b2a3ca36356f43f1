"""Every vendor of the sandbox as a source of a configuration, every sweep of every stream sixty times too often."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import TypeAdapter

from poller.config.plugins import OneOf
from poller.plugin.source import Source
from poller.sandbox.accounts import ACCOUNTS, account
from poller.sources.registry import SOURCES

SHORTEST, LONGEST = timedelta(milliseconds=300), timedelta(seconds=5)


def sources(at: str) -> dict[str, Any]:
    """Return all vendors as sources, at the sandbox's origin."""
    return {vendor: _source(at, vendor) for vendor in ACCOUNTS}


def _source(at: str, vendor: str) -> dict[str, Any]:
    asked = account(at, vendor) | {"start": "all", "requests_per_minute": 6000, "timeout": "3s"}
    configured: Source = TypeAdapter(Annotated[Source, OneOf(SOURCES)]).validate_python(asked)
    described = asked.get("streams", {})
    streams = {
        stream.name: described.get(stream.name, {})
        | {"sweeps": {sweep.name: {"every": _hasty(sweep.every)} for sweep in stream.sweeps}}
        for stream in configured.build_streams()
    }
    return {**asked, "streams": streams}


def _hasty(every: timedelta) -> str:
    return f"{min(max(every / 60, SHORTEST), LONGEST).total_seconds():g}s"
