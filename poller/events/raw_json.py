"""JSON carried as bytes, so that a vendor's record stands in an event with its values untouched."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

encode = msgspec.json.Encoder().encode


def compact_json(record: bytes) -> bytes:
    """Return a JSON value without white space between its tokens; values, key order and spelling stay."""
    return msgspec.json.format(record, indent=-1)


def remove_path(value: bytes, path: Sequence[str]) -> bytes:
    """Return a JSON value without what lies at `path`, in every element of a list on the way; the rest is untouched."""
    if value[:1] == b"[":
        return encode([Raw(remove_path(bytes(item), path)) for item in msgspec.json.decode(value, type=list[Raw])])
    fields = msgspec.json.decode(value, type=dict[str, Raw]) if value[:1] == b"{" else {}
    if path[0] not in fields:
        return value
    if len(path) > 1:
        fields[path[0]] = Raw(remove_path(bytes(fields[path[0]]), path[1:]))
    else:
        del fields[path[0]]
    return encode(fields)
