"""What is secret, taken out of the texts that are shown: an error of a package's own may quote its credential."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
from pydantic import BaseModel, SecretStr

_SHORTEST, _SHORT = 4, 12
"""Letters of a secret that is looked for at all; and of one that is looked for as a word of its own only, since a user
or a password may be a part of a field's name."""
_HIDDEN, _FEW = "***", 100


class Redaction:
    """Takes the secrets that it was told out of texts, however they are spelt: as they are, in a URL, in JSON, quoted.

    It may be told of very many: how long a text takes does not depend on their number then.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._by_start: dict[str, frozenset[str]] = {}
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, too."""
        new = defaultdict[str, set[str]](set)
        for secret in secrets:
            for spelt in _spellings(secret) if len(secret) >= _SHORTEST else ():
                new[spelt[:_SHORTEST]].add(spelt)
        for start, found in new.items():
            self._by_start[start] = self._by_start.get(start, frozenset()) | found

    def forget(self) -> None:
        """Hide nothing any more."""
        self._by_start.clear()

    def hide(self, text: str) -> str:
        """Return a text with *** in the place of each secret."""
        starts, parts, end = self._by_start, list[str](), 0
        for at in self._places(text):
            there = [one for one in starts[text[at : at + _SHORTEST]] if _stands_at(text, at, one)]
            if there:
                parts += [text[end:at], _HIDDEN] if at >= end else []
                end = max(end, at + max(map(len, there)))
        return "".join([*parts, text[end:]])

    def _places(self, text: str) -> list[int]:
        """Return where a secret may begin, in order. A body has millions of letters: few secrets are found by C."""
        starts = self._by_start
        if len(starts) > _FEW:
            return [at for at in range(len(text) - _SHORTEST + 1) if text[at : at + _SHORTEST] in starts]
        return sorted(at for start in starts for at in _all(text, start))

    def hide_within(self, value: Any) -> Any:
        """Return a value of plain JSON whose texts hold no secret; its keys stay."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {key: self.hide_within(child) for key, child in value.items()}
        return [self.hide_within(child) for child in value] if isinstance(value, list | tuple) else value


SECRETS = Redaction()
"""The secrets of the configuration that this process runs, in every version of it that was read."""


def secrets_in(value: Any) -> Iterator[str]:
    """Yield every secret in settings: what is a `SecretStr`, and what lets us in within an address (`user:word@`)."""
    yield from _secrets(value, set())


def _secrets(value: Any, met: set[int]) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, str):
        if "@" in value and "://" in value:
            yield from value.partition("://")[2].partition("/")[0].rpartition("@")[0].split(":", 1)
    elif id(value) not in met and isinstance(value, BaseModel | Mapping | list | tuple):
        met.add(id(value))  # thousands of sources share what is equal in their settings
        children = value.values() if isinstance(value, Mapping) else value
        for child in children:
            yield from _secrets(child[1] if isinstance(value, BaseModel) else child, met)


def _all(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _spellings(secret: str) -> set[str]:
    whole = secret.encode(errors="replace").decode()  # without halves of a pair of surrogates
    in_json = msgspec.json.encode(whole).decode()[1:-1]
    return {secret, quote(whole, safe=""), quote(whole), quote_plus(whole), in_json, repr(secret)[1:-1]}


def _stands_at(text: str, at: int, secret: str) -> bool:
    end = at + len(secret)
    alone = len(secret) > _SHORT or not (_is_of_word(text[max(0, at - 1) : at]) or _is_of_word(text[end : end + 1]))
    return alone and text.startswith(secret, at)


def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"
