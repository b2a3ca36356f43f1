"""The AsyncAPI document of what is delivered: addresses, keys, messages, headers, schemas.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from outputs import Channel
from poller.events.cloudevent import PROGRESS
from poller.events.json_schema import data_schemas, envelope_schema, event_types
from poller.plugin.kinds import Kind

_SCHEMAS = "#/components/schemas/"
_SUFFIXES = {"structured": "", "binary": "_binary", "line": "_line"}
_KEY = "The event's `partitionkey`: source/stream/subject. Events of one key keep their order."
_KEYS = {
    "reject": "The `partitionkey`: source/stream/subject, or source/stream where the record's identity is not known.",
    PROGRESS: "The `partitionkey`: source/stream.",
}


class Delivery(NamedTuple):
    """The messages of a kind, or the rejects, of a stream, at an output; `stream` is told to people."""

    output: str
    stream: str
    kind: str
    channel: Channel


def asyncapi_document(version: str, kinds: Iterable[type[Kind]], deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Return the document of these deliveries; `kinds` are all that are among them."""
    found, data = list(deliveries), data_schemas(kinds)
    channels = _channels(found)
    used = sorted({(one.kind, one.channel.carries) for one in found})
    names = sorted({kind for kind, _ in used})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "poller", "version": version, "description": _DESCRIPTION},
        "defaultContentType": "application/cloudevents+json",
        "servers": dict(_servers(found)),
        "channels": channels,
        "operations": {f"deliver_{name}": _operation(name, channel) for name, channel in channels.items()},
        "components": {
            "messages": {_message_name(kind, carries): _message(kind, carries) for kind, carries in used},
            "schemas": {
                **{name: data[name] for name in names},
                **{f"{name}_event": envelope_schema(name, _SCHEMAS) for name in names},
            },
        },
    }


_DESCRIPTION = (
    "Calls, leads and other records of vendors as CloudEvents 1.0. Every revision of a record is an event. `id` is the "
    "same whenever a revision is delivered again: drop repeated pairs of `source` and `id`."
)


def _servers(deliveries: Iterable[Delivery]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in deliveries:
        for number, host in enumerate(one.channel.hosts):
            login = [dict(one.channel.security)] if one.channel.security else []
            server = {"host": host, "protocol": one.channel.protocol, **({"security": login} if login else {})}
            yield _server_name(one.output, number), server


def _server_name(output: str, number: int) -> str:
    return _name(output if number == 0 else f"{output}-{number + 1}")


def _channels(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Return the channels by name: the deliveries of one output to one address share one."""
    grouped: dict[tuple[str, str], list[Delivery]] = {}
    for one in deliveries:
        grouped.setdefault((one.output, one.channel.address), []).append(one)
    channels: dict[str, Any] = {}
    for (output, address), here in grouped.items():
        name = wanted = _name(f"{output}.{address}")
        while name in channels:  # what makes a name of an address may make one of two
            name = f"{wanted}-{len(channels)}"
        channels[name] = _channel(address, here)
    return channels


def _channel(address: str, here: list[Delivery]) -> dict[str, Any]:
    channel, streams = here[0].channel, ", ".join(sorted({one.stream for one in here}))
    names = sorted({_message_name(one.kind, one.channel.carries) for one in here})
    described: dict[str, Any] = {
        "address": address,
        "description": f"From {streams}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }
    if fields := re.findall(r"\{(\w+)\}", address):
        described["parameters"] = {field: {"description": f"The {field} (UTC) of observedtime."} for field in fields}
    if channel.hosts:
        hosts = range(len(channel.hosts))
        described["servers"] = [{"$ref": f"#/servers/{_server_name(here[0].output, number)}"} for number in hosts]
    if channel.settings:
        described["bindings"] = {channel.protocol.removesuffix("-secure"): dict(channel.settings)}
    return described


def _operation(name: str, channel: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{name}/messages/{message}"} for message in channel["messages"]]
    return {"action": "send", "channel": {"$ref": f"#/channels/{name}"}, "messages": messages}


def _message_name(kind: str, carries: str) -> str:
    return f"{kind}{_SUFFIXES[carries]}"


def _message(kind: str, carries: str) -> dict[str, Any]:
    binary = carries == "binary"
    described = {
        "name": kind,
        "title": ", ".join(event_types(kind)),
        "contentType": "application/json" if binary else "application/cloudevents+json",
        "payload": {"$ref": f"{_SCHEMAS}{kind}" if binary else f"{_SCHEMAS}{kind}_event"},
    }
    if carries == "line":
        return described
    key = {"type": "string", "description": _KEYS.get(kind, _KEY)}
    headers = _headers(kind) if binary else _one_of({"content-type": {"const": "application/cloudevents+json"}})
    return {**described, "headers": headers, "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}}}


def _headers(kind: str) -> dict[str, Any]:
    """Return the headers of an event in binary mode: each attribute but `data`, as text."""
    envelope = envelope_schema(kind)
    attributes = {name: schema for name, schema in envelope["properties"].items() if name != "data"}
    headers = {f"ce_{name}": schema for name, schema in attributes.items() if name != "datacontenttype"}
    if "ce_revision" in headers:
        headers["ce_revision"] = {"type": "string", "pattern": "^[1-9][0-9]*$"}
    required = [f"ce_{name}" for name in envelope["required"] if name not in {"data", "datacontenttype"}]
    return _one_of({"content-type": attributes["datacontenttype"], **headers}, ["content-type", *required])


def _one_of(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required or properties)}


def _name(text: str) -> str:
    """Return a text as a name of AsyncAPI."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)
