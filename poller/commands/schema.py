"""`poller schema`: what a configuration delivers, in schemas."""

from collections.abc import Iterator
from typing import Any

from poller import VERSION
from poller.config.settings import Settings
from poller.events.asyncapi import Delivery, asyncapi_document
from poller.events.cloudevent import PROGRESS
from poller.plugin.kinds import Kind


def delivered_kinds(settings: Settings) -> list[type[Kind]]:
    """Return the kinds of events that the configured streams bring."""
    streams = [stream for source in settings.sources.values() for stream in source.built_streams]
    return list(dict.fromkeys(kind for stream in streams for kind in stream.records.kinds))


def asyncapi(settings: Settings) -> dict[str, Any]:
    """Return the AsyncAPI document of what this configuration delivers."""
    return asyncapi_document(VERSION, delivered_kinds(settings), _deliveries(settings))


def _deliveries(settings: Settings) -> Iterator[Delivery]:
    for output, config in settings.outputs.items():
        for name, source in settings.sources.items():
            for stream in source.built_streams:
                told = f"{name}.{stream.name}"
                if settings.progress:
                    yield Delivery(output, told, PROGRESS, config.channel((name, stream.name, PROGRESS)))
                for kind in stream.records.kinds:
                    place = (name, stream.name, kind.KIND)
                    yield Delivery(output, told, kind.KIND, config.channel(place))
                    yield Delivery(output, told, "reject", config.channel(place, reject=True))
