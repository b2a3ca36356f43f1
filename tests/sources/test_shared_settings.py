"""Thousands of sources that are polled alike share their streams' settings; nothing else is shared."""

from datetime import timedelta
from typing import Any, Literal

from poller.plugin import ChosenStreams
from poller.plugin.source import Source
from poller.sources.callcap import Callcap


def callcap(**live: Any) -> Callcap:
    streams = {"calls": {"sweeps": {"live": live}}} if live else {"calls": {}}
    return Callcap.model_validate({"type": "callcap", "api_key": "k", "streams": streams})


def test_equal_settings_are_one() -> None:
    one, same, other = callcap(every="60s"), callcap(every="1m"), callcap(every="61s")
    assert one.streams is same.streams
    assert one.built_streams[0] is not same.built_streams[0]
    assert other.streams.calls.sweeps.live.every == timedelta(seconds=61)
    assert one.streams.calls.sweeps.live.every == timedelta(seconds=60)


class Listed(ChosenStreams):
    names: list[str]


class Odd(Callcap):
    type: Literal["odd"]  # type: ignore[assignment]
    streams: Listed  # type: ignore[assignment]

    def build_streams(self) -> Any:
        return []


def test_settings_without_a_hash_are_taken_as_they_are() -> None:
    odd: Source = Odd.model_validate({"type": "odd", "api_key": "k", "streams": {"names": ["a"]}})
    assert isinstance(odd, Odd)
    assert odd.streams.names == ["a"]
