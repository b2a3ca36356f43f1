"""A vendor's session that answers from a script, as `poller.testing` brings it, and changes to what it says."""

from collections.abc import Mapping, Sequence
from typing import Any

from poller.plugin.stream import Stream
from poller.testing.recorded import HOUR, NOW, Pass, json_bytes
from poller.testing.recorded import Answer as Said
from poller.testing.recorded import Recorded as Scripted
from poller.testing.recorded import read_sweep as read

__all__ = ["HOUR", "NOW", "Pass", "Said", "Scripted", "changed", "decoded", "json_bytes", "leaves", "numbered", "read"]
__all__ += ["without"]


def decoded(stream: Stream, record: object) -> Any:
    return stream.records.decoder.decode(json_bytes(record))


def without(mapping: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """A copy that lacks the key at `path`."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in mapping.items() if key != first}
    return {**mapping, first: without(mapping[first], *rest)}


def changed(mapping: Mapping[str, Any], value: object, *path: str) -> dict[str, Any]:
    """A copy with another value at `path`."""
    first, *rest = path
    return {**mapping, first: changed(mapping.get(first) or {}, value, *rest) if rest else value}


def numbered(prefix: str, count: int, start: int = 1) -> Sequence[str]:
    return [f"{prefix}{number}" for number in range(start, start + count)]


def leaves(record: dict[str, Any], *path: str) -> list[tuple[str, ...]]:
    """The path of every field of a record, those of objects within it too."""
    found: list[tuple[str, ...]] = []
    for key, value in record.items():
        found.append((*path, key))
        if isinstance(value, dict):
            found += leaves(value, *path, key)
    return found
