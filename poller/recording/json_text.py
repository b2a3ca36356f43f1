"""JSON as text: values are replaced one by one, and all else stays as it was, mistakes and spelling included."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"?)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<mark>[\[\]{},:])"""
    r"""|[^"\d\[\]{},:-]+|-""",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the name of its field, how deep, and whether it is within a list."""

    name: str
    depth: int
    in_list: bool


Replace: TypeAlias = Callable[[Place, str], str]
"""Returns what stands for a value, given its text."""


class JsonText:
    """Replaces the strings, numbers and keys of a JSON text, as far as it is JSON."""

    def __init__(self, value: Replace, key: Callable[[str], str]) -> None:
        self._value, self._key = value, key

    def replaced(self, text: str) -> str:
        """Return the text with other values."""
        self._open: list[tuple[str, str]] = []
        self._name, self._is_key = "", False
        return "".join(map(self._token, _TOKEN.finditer(text)))

    def _token(self, found: re.Match[str]) -> str:
        if found["mark"]:
            self._mark(found["mark"])
        elif found["string"]:
            return self._string(found["string"])
        elif found["number"]:
            return self._number(found["number"])
        return found[0]

    def _mark(self, mark: str) -> None:
        if mark in "[{":
            self._open.append((mark, self._name))
        elif mark in "]}" and self._open:
            self._name = self._open.pop()[1]
        self._is_key = mark in "{," and bool(self._open) and self._open[-1][0] == "{"

    def _string(self, token: str) -> str:
        text = _decoded(token)
        if self._is_key:
            self._name, self._is_key = text, False
            return _encoded(self._key(text), token)
        return _encoded(self._value(self._place, text), token)

    def _number(self, token: str) -> str:
        mantissa = re.split("[eE]", token)[0]
        return self._value(self._place, mantissa) + token[len(mantissa) :]

    @property
    def _place(self) -> Place:
        return Place(self._name, len(self._open), any(mark == "[" for mark, _ in self._open))


def _decoded(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:  # cut off, or escaped as no JSON is
        return token.strip('"')


def _encoded(text: str, as_token: str) -> str:
    """Spell a string as another one was spelt."""
    spelt = json.dumps(text, ensure_ascii="\\u" in as_token)
    if "\\/" in as_token:
        spelt = spelt.replace("/", "\\/")
    return spelt if as_token.endswith('"') and len(as_token) > 1 else spelt[:-1]
