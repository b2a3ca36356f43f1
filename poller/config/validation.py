"""The mistakes that pydantic finds in a configuration, with their places in the file and what would be right there."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from poller.config.document import Document, Keys, Problem
from poller.redaction import Redaction

_EXPECTED = {
    "missing": "this key is missing",
    "too_short": "at least one is needed",
    "string_type": "text is needed, in quotes if it looks like something else",
    "path_type": "a path is needed, in quotes if it looks like something else",
    "model_type": "a mapping is needed: keys and values, indented under it",
    "list_type": "a list is needed, such as [a, b]",
    "int_parsing": "a whole number is needed",
    "bool_parsing": "true or false is needed",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected} is needed",
    "string_pattern_mismatch": "a name is letters, digits, '.', '_' and '-', and begins with a letter or a digit",
    "string_too_short": "this is empty",
}
_ALIKE = {  # pydantic's finer distinctions
    "model_attributes_type": "model_type",
    "dict_type": "model_type",
    "tuple_type": "list_type",
    "int_type": "int_parsing",
    "int_from_float": "int_parsing",
    "int_parsing_size": "int_parsing",
    "finite_number": "int_parsing",
    "bool_type": "bool_parsing",
}


class _Place(NamedTuple):
    """The user's own path, which shows no tag of a union; and the keys known there and in the mapping around it."""

    keys: Keys
    known: Collection[str]
    around: Collection[str]


def validation_problems(error: ValidationError, schema: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    """Place every error in the document; `schema` is the JSON Schema of what was validated.

    No value is shown but that of an unknown `type`, and none is judged that could not be read. What a package's own
    check says shows no secret, also none that stands in the file itself.
    """
    secrets = Redaction(_secrets(schema, schema, document.value))
    for one in error.errors(include_url=False):
        keys, text = _told(one, _place(schema, one["loc"]))
        if keys not in document.unread or one["type"] == "extra_forbidden":
            yield document.problem(keys, secrets.hide(document.placeholders.hide(text)))


def _told(error: ErrorDetails, place: _Place) -> tuple[Keys, str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        whole = str(context["error"])
        path, _, text = whole.partition(": ")  # a check of several keys names the one to change: `keep: at least 5m`
        below = tuple(path.split("."))
        return ((*place.keys, *below), text) if text and below[0] in place.known else (place.keys, whole)
    if kind == "extra_forbidden":
        return place.keys, _unknown(str(place.keys[-1]), place.around)
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return (*place.keys, "type"), f"{_wrong_type(error['input'])}; known: {', '.join(sorted(place.known))}"
    expected = _EXPECTED.get(_ALIKE.get(kind, kind))
    text = expected.format_map(context) if expected else error["msg"]
    return place.keys, f"nothing stands here: {text}" if error["input"] is None else text


def _wrong_type(mapping: Mapping[str, Any]) -> str:
    kind = mapping.get("type")
    if kind is None:
        return "nothing stands here" if "type" in mapping else "this key is missing"
    return f"unknown type '{kind}'" if isinstance(kind, str) else "unknown type"


def _unknown(key: str, known: Collection[str]) -> str:
    if ":" in key:
        return "unknown key; behind its ':' a space is missing"
    near = get_close_matches(key.lower().replace("-", "_"), known, n=1)
    return f"unknown key;{f' did you mean {near[0]}?' if near else ''} known here: {', '.join(known)}"


def _place(schema: Mapping[str, Any], loc: Sequence[str | int]) -> _Place:
    keys: list[str | int] = []
    node = around = _resolved(schema, schema)
    for step in loc:
        if step == "[key]":  # it is the key that is wrong
            break
        tags = _tags(node)
        if isinstance(step, str) and step in tags:
            node = _resolved(schema, {"$ref": tags[step]})
            continue
        keys.append(step)
        around, node = node, _resolved(schema, _child(node, step))
    return _Place(tuple(keys), _tags(node) or node.get("properties", {}), around.get("properties", {}))


def _child(node: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    """The schema of what stands under a key, or at a place of a list; nothing where it is unknown."""
    every = (*node.get("patternProperties", {}).values(), node.get("additionalProperties"), node.get("items"))
    children = (node.get("properties", {}).get(step), *every)
    return next((child for child in children if isinstance(child, Mapping)), {})


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and of what may be null, take what it is otherwise."""
    if "$ref" in node:
        return _resolved(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    return _resolved(schema, node["anyOf"][0]) if "anyOf" in node else node


def _secrets(schema: Mapping[str, Any], node: Mapping[str, Any], value: Any) -> Iterator[str]:
    """Find what stands in the places of secrets."""
    node = _resolved(schema, node)
    if isinstance(value, str) and node.get("format") == "password":
        yield value
    elif isinstance(value, dict):
        tag = _tags(node).get(str(value.get("type")))
        chosen = _resolved(schema, {"$ref": tag}) if tag else node
        for key, child in value.items():
            yield from _secrets(schema, _child(chosen, key), child)
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from _secrets(schema, _child(node, place), child)


def _tags(node: Mapping[str, Any]) -> Mapping[str, str]:
    tags: Mapping[str, str] = node.get("discriminator", {}).get("mapping", {})
    return tags
