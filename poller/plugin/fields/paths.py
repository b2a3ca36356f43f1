"""Paths into a JSON value, and structs that decode just what several paths lead to.

A path is a subset of JMESPath (https://jmespath.org/specification.html), and means there what it means here: names
(`caller.name`), names in quotes (`"line-memo".id`), positions in lists (`targets[0].id`), and `@` for the value itself.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from poller.plugin.fields.structs import Odd, read_or_none
from poller.plugin.record_type import JsonValue

Path: TypeAlias = tuple[str | int, ...]
"""The steps of a path: the names of fields, and positions in lists."""

_STEP = re.compile(r'(?P<name>[A-Za-z_]\w*)|(?P<quoted>"(?:[^"\\]|\\.)*")|\[(?P<position>-?\d+)\]', re.ASCII)
_REFUSED = {
    "*": "a wildcard", "[*": "a wildcard", "[?": "a filter", "[]": "flattening", "[:": "a slice", "(": "a function",
    "|": "a pipe", "[": "a selection", "{": "a selection", "&": "an expression", "`": "a literal", "'": "a literal",
    "-": "a name with other signs than letters, digits and _, which needs quotes,",
}  # fmt: skip
_WANTED = 'a path is names and list positions, such as a.b, a[0].b or "odd-name".b'


def parse_path(text: str) -> Path:
    """Read a path. Raises ValueError, which names what is not part of one."""
    if text == "@":
        return ()
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        dotted = bool(steps) and text[at] == "."
        found = _STEP.match(text, at + dotted)
        if (
            found is None
            or (bool(steps) and (found["position"] is None) != dotted)
            or (not steps and found["position"])
        ):
            raise ValueError(f"{_WANTED}{_refusal(text[at + dotted :])}")
        steps.append(_step(found))
        at = found.end()
    if not steps:
        raise ValueError(f"{_WANTED}; this is empty")
    return tuple(steps)


def _step(found: re.Match[str]) -> str | int:
    if found["position"]:
        return int(found["position"])
    try:
        name = found["name"] or str(json.loads(found["quoted"]))
        name.encode()  # half of a pair of surrogates is no text: no message could say it
        return name
    except ValueError:
        raise ValueError(f"{_WANTED}; what is in quotes is spelt as in JSON") from None


def _refusal(rest: str) -> str:
    if not rest:
        return "; it ends in a dot"
    kind = next((kind for sign, kind in _REFUSED.items() if rest.startswith(sign)), None)
    return f"; {kind} is no part of it" if kind else f"; `{rest[0]}` is part of a name in quotes only"


Getter: TypeAlias = Callable[[Any], Any]
"""Return what a path leads to in a struct; None where it leads nowhere."""


@dataclass(slots=True)
class _Node:
    """A field: whether a path ends in it, of which type it is then, and the fields within it."""

    leaf: Any = None
    fields: "dict[str, _Node]" = field(default_factory=dict)
    struct: type[Any] | None = None


def compile_paths(paths: Sequence[Path], types: Mapping[Path, Any] | None = None) -> tuple[type[Any], list[Getter]]:
    """Build one nested Struct that has what all these paths lead to, and a getter for each path.

    A field may hold anything, unless `types` says of which type it is (with the default UNSET); positions in lists are
    followed after decoding. Each path begins with a name.
    """
    root = _Node()
    for path in paths:
        node = root
        for step in _names(path):
            node = node.fields.setdefault(step, _Node())
        node.leaf = (types or {}).get(path, JsonValue)
    _build(root)
    return root.struct or msgspec.defstruct("Nothing", []), [_getter(root, path) for path in paths]


def _names(path: Path) -> list[str]:
    names: list[str] = []
    for step in path:
        if not isinstance(step, str):
            break
        names.append(step)
    return names


def _build(node: _Node) -> Any:
    """Return the type of a node; one in which a path ends holds anything, also for the paths that go on."""
    if node.leaf is not None:
        return node.leaf
    fields = []
    for position, (name, child) in enumerate(node.fields.items()):
        kind = _build(child)
        default = None if child.leaf in {None, JsonValue} else msgspec.UNSET
        fields.append((f"f{position}", kind, msgspec.field(name=name, default=default)))
    node.struct = msgspec.defstruct("Found", fields, frozen=True, gc=False)
    return node.struct | Odd


def _getter(root: _Node, path: Path) -> Getter:
    chain: list[str] = []
    node = root
    while node.leaf is None:
        name = path[len(chain)]
        position = list(node.fields).index(str(name))
        node = node.fields[str(name)]
        chain.append(f"f{position}")
    rest, read_leaf = path[len(chain) :], attrgetter(".".join(chain))
    if rest:
        return lambda record: follow_path(read_or_none(read_leaf, record), rest)
    return read_leaf if len(chain) == 1 else partial(read_or_none, read_leaf)


def follow_path(value: Any, path: Path) -> Any:
    """Return what a path leads to in a decoded value; None where it leads nowhere."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            held = isinstance(value, list) and -len(value) <= step < len(value)
            value = value[step] if held else None
    return value
