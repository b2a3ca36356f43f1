"""YAML 1.2 as we read it: from a file to a tree of nodes, from a plain scalar to a value."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import yaml

from poller.config.bounded_file import CONFIGURATION, read_at_most
from poller.errors import ConfigError

Scalar: TypeAlias = str | int | float | bool | None

MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
# YAML 1.2 in its strict reading (numbers as in JSON): `NO`, `12:30`, `2026-01-01` and `007` are text.
_SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], Scalar]]] = {
    "tag:yaml.org,2002:null": (re.compile(r"(~|null|Null|NULL|)\Z"), lambda _: None),
    "tag:yaml.org,2002:bool": (re.compile(r"(true|false)\Z"), lambda text: text == "true"),
    "tag:yaml.org,2002:int": (re.compile(r"-?(0|[1-9][0-9]{0,17})\Z"), int),
    "tag:yaml.org,2002:float": (
        re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)\Z"),
        float,
    ),
    MERGE: (re.compile(r"<<\Z"), str),
    _TEXT: (re.compile(""), str),
}
_REMEDIES = {  # of the parser's words those that say too little, or quote what may be half a secret
    r"'\t' that cannot start": "a tab: indent with spaces",
    "cannot start any token": "a value that begins with this character needs quotes",
    "mapping values are not allowed": "no ':' can stand here: the indentation is off, or the value needs quotes",
    "sequence entries are not allowed": "no list item (- ) can stand here: the indentation is off, or it needs quotes",
    "could not find expected ':'": "a key without ': ' behind it",
    "undefined alias": "an alias without its anchor; a value that begins with * needs quotes",
    "undefined tag handle": "a tag, which means nothing here; a value that begins with ! needs quotes",
    "but found another document": "a second document begins here, and a configuration is one",
    "expected <block end>": "this does not fit the lines above: the indentation is off, or the value needs quotes",
    "expected ',' or": 'a list or mapping in brackets goes wrong here: is it closed? In brackets, quote "${NAME}"',
    "unknown escape": "in double quotes a backslash stands for more than itself: double it, or use single quotes",
    "found unexpected end of stream": "a quote is not closed",
}


class _Loader(yaml.SafeLoader):  # not the one in C: brackets nested deep enough kill the process there
    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML's own way


for _tag, (_pattern, _) in _SCALARS.items():
    if _tag != _TEXT:
        _Loader.add_implicit_resolver(_tag, _pattern, None)


def tree(path: Path, text: str) -> yaml.MappingNode:
    """Take a file's text apart down to nodes, which know their places. Raises ConfigError."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{path}:{line}: a control character (U+{error.character:04X}): take it out") from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}:{_told(error)}") from None
    except RecursionError:
        raise ConfigError(f"{path}: lists and mappings are nested too deeply") from None
    except (ValueError, OverflowError):  # PyYAML leaves these to int() and chr()
        raise ConfigError(f"{path}: a \\U escape or a % line with a number that no character or version has") from None
    if root is None:
        raise ConfigError(f"{path}: the file is empty: it needs sources and outputs")
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(
            f"{path}:{root.start_mark.line + 1}: the file is a mapping: sources: and outputs: at its left"
        )
    return root


def read_text(path: Path) -> str:
    """Return the text of a file. Raises ConfigError where it cannot be had, or is no UTF-8."""
    try:
        data = read_at_most(path, CONFIGURATION)
        return data.decode()
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; -c FILE names another") from None
    except OSError as error:
        raise ConfigError(f"{path}: the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: the file is not UTF-8: save it as UTF-8") from None
    except ValueError:
        raise ConfigError(f"{str(path)!r}: no file can have this name") from None


def _told(error: yaml.MarkedYAMLError) -> str:
    mark, problem = error.problem_mark, str(error.problem)
    place = f"{mark.line + 1}:{mark.column + 1}: " if mark else " "
    return place + next((remedy for words, remedy in _REMEDIES.items() if words in problem), f"not YAML: {problem}")


def scalar(node: yaml.Node) -> Scalar:
    """Give a scalar's value. Raises ValueError for a tag, which means nothing here, and for half a character."""
    pattern, value = _SCALARS.get(node.tag, (None, str))
    if not pattern or not pattern.match(node.value):
        raise ValueError("a tag (!) means nothing here; a value that begins with ! needs quotes")
    if not is_whole(node.value):
        raise ValueError("half a character: the escape for a whole one is \\U and eight digits")
    return value(node.value)


def is_whole(text: str) -> bool:
    """Tell whether a text fits into UTF-8: odd escapes and undecodable bytes leave half characters (surrogates)."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
