"""Sources of a configuration at another pace: every vendor of the sandbox, sixty times too often."""

from collections.abc import Callable, Mapping
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


def paced(source: Mapping[str, Any], pace: Callable[[timedelta], timedelta]) -> dict[str, Any]:
    """Return a source with another `every` for every sweep of every stream."""
    configured: Source = TypeAdapter(Annotated[Source, OneOf(SOURCES)]).validate_python(source)
    streams: dict[str, Any] = {}
    for stream in configured.build_streams():
        asked = source.get("streams", {}).get(stream.name, {})
        known = asked.get("sweeps", {})
        sweeps = {
            sweep.name: {**known.get(sweep.name, {}), "every": f"{pace(sweep.every).total_seconds():g}s"}
            for sweep in stream.sweeps
        }
        streams[stream.name] = {**asked, "sweeps": sweeps}
    return {**source, "streams": streams}


def _source(at: str, vendor: str) -> dict[str, Any]:
    return paced(account(at, vendor) | {"start": "all", "requests_per_minute": 6000, "timeout": "3s"}, _hasty)


def _hasty(every: timedelta) -> timedelta:
    return min(max(every / 60, SHORTEST), LONGEST)
