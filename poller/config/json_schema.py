"""The JSON Schema of the configuration file, with which an editor can help to write one."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from poller.config.plugins import BUILT_IN, Named
from poller.config.settings import settings_type
from poller.humanize import format_duration

_NOTES = {"title", "description", "default", "examples", "format", "writeOnly"}  # they allow and forbid nothing


def config_schema(named: Named = BUILT_IN) -> dict[str, Any]:
    """The JSON Schema of the configuration file: wherever a value may stand, so may `${...}`.

    It has the types that are built in, and those `named`.
    """
    schema = settings_type(named.sources, named.outputs).model_json_schema(schema_generator=_Schema)
    opened: dict[str, Any] = _opened(schema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **opened, "title": "The configuration of poller"}


class _Schema(GenerateJsonSchema):
    """Writes defaults as the file would: a duration is `30s`, not ISO 8601."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, BaseModel):
            return {name: self.encode_default(value) for name, value in dft}
        if isinstance(dft, timedelta):
            return format_duration(dft)
        return super().encode_default(dft)


def _opened(schema: Any) -> Any:
    """Let a placeholder stand for every scalar."""
    if not isinstance(schema, dict):
        return [_opened(one) for one in schema] if isinstance(schema, list) else schema
    opened: dict[str, Any] = {}
    for word, value in schema.items():
        if word in {"properties", "patternProperties", "$defs"}:
            opened[word] = {name: _opened(child) for name, child in value.items()}
        elif word in {"items", "additionalProperties", "anyOf", "oneOf"}:
            opened[word] = _opened(value)
        elif word != "discriminator":
            opened[word] = value
    notes = {word: value for word, value in opened.items() if word in _NOTES}
    rule = {word: value for word, value in opened.items() if word not in _NOTES}
    if rule.get("type") in ("string", "integer", "number", "boolean") and rule != {"type": "string"}:
        return {**notes, "anyOf": [rule, {"type": "string", "pattern": r"\$\{.+\}"}]}
    return opened
