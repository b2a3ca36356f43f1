"""A YAML file as plain values, its placeholders filled in, and the line in which each of them stands."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from poller.config.placeholders import Placeholders
from poller.config.yaml_reader import MERGE, Scalar, is_whole, read_text, scalar, tree
from poller.errors import ConfigError

Keys: TypeAlias = tuple[str | int, ...]
"""The place of a value: the keys and list positions that lead to it from the top."""

Value: TypeAlias = "dict[str, Value] | list[Value] | Scalar"

_MOST_VALUES = 200_000  # ten thousand sources need fewer; aliases of aliases can make any number


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake at a place of the file, and what would be right there."""

    line: int
    keys: Keys
    text: str


@dataclass(slots=True)
class Document:
    """The contents of a file, and the line of each of its keys.

    `problems` are those of the file itself; `unread` are the places where these leave no value to judge. `brought` is
    what placeholders brought in, by place.
    """

    name: str
    placeholders: Placeholders
    value: Value = None
    lines: dict[Keys, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[Keys] = field(default_factory=set)
    brought: dict[Keys, list[str]] = field(default_factory=dict)

    def problem(self, keys: Keys, text: str) -> Problem:
        """Place a problem: in the line of what stands there, or of the nearest that surrounds it."""
        place = keys
        while place not in self.lines:
            place = place[:-1]
        return Problem(self.lines[place], keys, text)

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """Say all of it, a line each, as it follows in the file."""
        found = sorted(set(problems), key=lambda problem: (problem.line, dotted_path(problem.keys), problem.text))
        return ConfigError(
            f"{self.name}:{one.line}: {dotted_path(one.keys) or 'the file'}: {' '.join(one.text.split())}"
            for one in found
        )

    def enter(self, node: Node, keys: Keys) -> Value:
        """Read what stands there, and everything under it."""
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if len(self.lines) > _MOST_VALUES:
            raise ConfigError(f"{self.name}: more than {_MOST_VALUES:,} values: aliases of aliases multiply")
        if isinstance(node, MappingNode):
            return self._mapping(node, keys)
        if isinstance(node, SequenceNode):
            return [self.enter(item, (*keys, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, keys)

    def _scalar(self, node: Node, keys: Keys) -> Scalar:
        try:
            value = scalar(node)
            text = self.placeholders.fill(value, partial(self._note, keys)) if isinstance(value, str) else ""
        except ValueError as problem:
            self.problems.append(self.problem(keys, str(problem)))
            self.unread.add(keys)
            return str(node.value).encode(errors="replace").decode()  # what else is said of it has to be text
        if not isinstance(value, str):
            return value
        return text or (None if _is_plain(node) else "")

    def _note(self, keys: Keys, brought: str) -> None:
        self.brought.setdefault(keys, []).append(brought)

    def _mapping(self, node: MappingNode, keys: Keys) -> Value:
        self._check_keys(node, keys)
        found: dict[str, Value] = {}
        for key, value in _pairs(node, set()):
            if key.value not in found:
                place = (*keys, key.value)
                self.lines[place] = key.start_mark.line + 1
                found[key.value] = self.enter(value, place)
        return found

    def _check_keys(self, node: MappingNode, keys: Keys) -> None:
        met: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode) or not is_whole(key.value):
                self.problems.append(Problem(line, keys, "a key is text: what begins with a bracket needs quotes"))
            elif key.value in met:
                text = f"this key is there already, in line {met[key.value]}: keep one of them"
                self.problems.append(Problem(line, (*keys, key.value), text))
            else:
                met[key.value] = line
                if key.tag == MERGE and not all(isinstance(one, MappingNode) for one in _merged(value)):
                    text = "this takes the alias of a mapping (*name), or a list of them"
                    self.problems.append(Problem(line, (*keys, key.value), text))


def read_document(path: Path, environ: Mapping[str, str]) -> Document:
    """Read a file whole. Raises ConfigError where that is not possible; what is wrong in it, the document says."""
    return document_of(path, read_text(path), environ)


def document_of(path: Path, text: str, environ: Mapping[str, str]) -> Document:
    """Take apart what a file held. Raises ConfigError as `read_document` does."""
    document = Document(str(path), Placeholders(environ))
    try:
        document.value = document.enter(tree(path, text), ())
    except RecursionError:
        raise ConfigError(f"{document.name}: an alias stands within what it stands for") from None
    return document


def dotted_path(keys: Keys) -> str:
    """Write a path as people do, on one line: `sources.acme.drop[0]`. What follows a ':' in a key may be a secret."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{_spelt_key(key)}" for key in keys]
    return "".join(parts).removeprefix(".")


def _spelt_key(key: str) -> str:
    if re.fullmatch(r"[\w-]+", key):
        return key
    name, colon, _ = key.partition(":")
    return json.dumps(name + ":…" if colon else name, ensure_ascii=not key.isprintable())


def _is_plain(node: Node) -> bool:
    """Return True if a value stands without quotes, so that nothing means null, as everywhere in YAML."""
    return isinstance(node, ScalarNode) and node.style is None


def _merged(node: Node) -> Iterator[Node]:
    """Yield the mappings that stand behind a <<."""
    yield from node.value if isinstance(node, SequenceNode) else [node]


def _pairs(node: Node, met: set[int]) -> Iterator[tuple[ScalarNode, Node]]:
    """The keys of a mapping, then those it takes over from others: of one key the first counts."""
    if not isinstance(node, MappingNode) or id(node) in met:
        return
    met.add(id(node))
    texts = [(key, value) for key, value in node.value if isinstance(key, ScalarNode) and is_whole(key.value)]
    yield from (pair for pair in texts if pair[0].tag != MERGE)
    for key, value in texts:
        if key.tag == MERGE:
            for one in _merged(value):
                yield from _pairs(one, met)
