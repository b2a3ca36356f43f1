"""Sources of a configuration at another pace: every vendor of the sandbox, sixty times too often."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import TypeAdapter

from poller.config.plugins import OneOf
from poller.plugin.source import Source
from poller.plugin.stream import Stream
from poller.sandbox.accounts import ACCOUNTS, account
from poller.sources.registry import SOURCES
from tests.laws.progress import reaches

SHORTEST, LONGEST = timedelta(milliseconds=300), timedelta(seconds=5)


def sources(at: str) -> dict[str, Any]:
    """Return all vendors as sources, at the sandbox's origin."""
    return {vendor: _source(at, vendor) for vendor in ACCOUNTS}


def paced(source: Mapping[str, Any], pace: Callable[[timedelta], timedelta]) -> dict[str, Any]:
    """Return a source with another `every` for every sweep of every stream."""
    streams: dict[str, Any] = {}
    for stream in _built(source):
        asked = source.get("streams", {}).get(stream.name, {})
        known = asked.get("sweeps", {})
        sweeps = {
            sweep.name: {**known.get(sweep.name, {}), "every": f"{pace(sweep.every).total_seconds():g}s"}
            for sweep in stream.sweeps
        }
        streams[stream.name] = {**asked, "sweeps": sweeps}
    return {**source, "streams": streams}


def configured_reaches(sources: Mapping[str, Any]) -> Mapping[tuple[str, str], Mapping[str, timedelta]]:
    """Return how far the promises of each stream of a configuration reach, by source and stream."""
    return {(name, stream.name): reaches(stream) for name, source in sources.items() for stream in _built(source)}


def _built(source: Mapping[str, Any]) -> Sequence[Stream]:
    configured: Source = TypeAdapter(Annotated[Source, OneOf(SOURCES)]).validate_python(source)
    return configured.build_streams()


def _source(at: str, vendor: str) -> dict[str, Any]:
    return paced(account(at, vendor) | {"start": "all", "requests_per_minute": 6000, "timeout": "3s"}, _hasty)


def _hasty(every: timedelta) -> timedelta:
    return min(max(every / 60, SHORTEST), LONGEST)
