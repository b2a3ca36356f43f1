"""The JSON Schema of events and rejects (https://json-schema.org/draft/2020-12)."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from poller.events.cloudevent import SCHEMA_VERSION
from poller.plugin.kinds import KINDS, Kind


def event_schema(further: Iterable[type[Kind]] = ()) -> dict[str, Any]:
    """Return the JSON Schema of everything that is ever written: an event of one of the kinds, or a reject.

    `further` are kinds that a source brings.
    """
    kinds = {kind.KIND: _data_schema(kind) for kind in (*KINDS, *further)}
    events = [_envelope(name, [f"{name}.{what}" for what in ("created", "updated", "deleted")]) for name in kinds]
    reject = _envelope("reject", ["record.rejected"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "poller event",
        "oneOf": [*events, reject],
        "$defs": {**kinds, "reject": _REJECT_DATA},
    }


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


def _envelope(data: str, types: list[str]) -> dict[str, Any]:
    text, when = {"type": "string"}, {"type": "string", "format": "date-time"}
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        **dict.fromkeys(("id", "source", "subject", "stream", "partitionkey"), text),
        "type": {"enum": types},
        "time": when,
        "observedtime": when,
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": f"urn:poller:schema:{data}:{SCHEMA_VERSION}"},
        "revision": {"type": "integer", "minimum": 1},
        "data": {"$ref": f"#/$defs/{data}"},
    }
    optional = {"subject", "revision"} if data == "reject" else set()
    return {"type": "object", "properties": properties, "required": sorted(properties.keys() - optional)}
