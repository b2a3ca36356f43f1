"""The JSON Schema of events, rejects and progress events (https://json-schema.org/draft/2020-12)."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from poller.events.cloudevent import PROGRESS, SCHEMA_VERSION
from poller.plugin.kinds import KINDS, Kind


def event_schema(further: Iterable[type[Kind]] = ()) -> dict[str, Any]:
    """Return the JSON Schema of everything that is ever written: an event of a kind, a reject, a progress event.

    `further` are kinds that a source brings.
    """
    data = data_schemas((*KINDS, *further))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "poller event",
        "oneOf": [envelope_schema(name) for name in data],
        "$defs": data,
    }


def data_schemas(kinds: Iterable[type[Kind]]) -> dict[str, Any]:
    """Return the schema of `data` by the word of its kind, and that of rejects; kinds of one word are one."""
    found: dict[str, Any] = {}
    for kind in kinds:
        schema = _data_schema(kind)
        before = found.get(kind.KIND, {"properties": {}})["properties"]
        found[kind.KIND] = {**schema, "properties": {**before, **schema["properties"]}}
    return {**found, "reject": _REJECT_DATA, PROGRESS: _PROGRESS_DATA}


def envelope_schema(kind: str, definitions: str = "#/$defs/") -> dict[str, Any]:
    """Return the schema of an event of a kind, or of a reject; that of its `data` stands under `definitions`."""
    text, when = {"type": "string"}, {"type": "string", "format": "date-time"}
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        **dict.fromkeys(("id", "source", "subject", "stream", "partitionkey"), text),
        "type": {"enum": event_types(kind)},
        "time": when,
        "observedtime": when,
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": f"urn:poller:schema:{kind}:{SCHEMA_VERSION}"},
        "revision": {"type": "integer", "minimum": 1},
        "data": {"$ref": f"{definitions}{kind}"},
    }
    optional = {"subject", "revision"} if kind in {"reject", PROGRESS} else set()
    if kind == PROGRESS:
        properties = {name: schema for name, schema in properties.items() if name not in optional}
    return {"type": "object", "properties": properties, "required": sorted(properties.keys() - optional)}


def event_types(kind: str) -> list[str]:
    """Return the types of the events of a kind, of rejects, or of progress events."""
    whats = ("progress",) if kind == PROGRESS else ("created", "updated", "deleted")
    return ["record.rejected"] if kind == "reject" else [f"{kind}.{what}" for what in whats]


_REJECT_DATA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "record": {},
        "stream": {"type": "string"},
        "size": {"type": "integer"},
    },
    "required": ["reason", "stream", "size"],
}


_PROGRESS_DATA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "covered_until": {"type": "string", "format": "date-time"},
        "settled_until": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "gaps": {"type": "integer", "minimum": 0},
    },
    "required": ["covered_until", "settled_until", "gaps"],
}


def _data_schema(kind: type[Struct]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    parts = {name: dict(part) for name, part in components.items()}
    data = parts.pop(kind.__name__)
    fields = {name: _inlined(field, parts) for name, field in data["properties"].items()}
    or_null = {name: {"anyOf": [field, {"type": "null"}]} for name, field in fields.items()}  # of a vanished record
    return {**data, "required": ["id"], "properties": {**or_null, "id": fields["id"], "raw": {}}}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {**_inlined(parts[schema["$ref"].removeprefix("#/$defs/")], parts), "required": []}
    return {key: _inlined(value, parts) for key, value in schema.items() if key != "default"}
