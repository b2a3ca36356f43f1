"""A recorder of what a source's vendor was asked and answered: no credential of ours gets into what it keeps.

It sees requests before a credential is added, never those for tokens, and of an answer's headers none that set a
cookie or challenge. What a vendor repeats of a credential, in a link or an error, is taken out by its value.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, quote_plus

import anyio
import msgspec
from pydantic import BaseModel, SecretStr

from poller.http.response import RawResponse
from poller.plugin.source import Source
from poller.recording.file import Exchange, body_fields

_LEFT_OUT = {
    "set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate", "authorization", "authentication-info",
    "proxy-authentication-info", "connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length",
    "alt-svc", "report-to", "nel", "content-security-policy", "strict-transport-security",
}  # fmt: skip
"""Headers that hold a credential, or are about a connection and a body that are not kept as they came."""
_SHORTEST, _SHORT = 4, 12
"""Letters of a secret that is looked for in an answer at all; and of one that is looked for as a word of its own only,
since a user or a password may be a part of a field's name."""
_HIDDEN = "***"


Keep: TypeAlias = Callable[[Exchange], None]
"""Takes the exchanges of a recording, one by one."""


class Recorder:
    """Gives the exchanges of one session to `keep`, without what is secret."""

    def __init__(self, keep: Keep, secrets: Collection[str], headers: Mapping[str, str]) -> None:
        self._keep, self._public = keep, set(headers.values())
        self._began = anyio.current_time()
        self._hide = hiding(secrets)
        self._shown = set[str]()

    def exchanged(
        self, path: str, query: str, sent: bytes | None, answer: RawResponse, credential: Mapping[str, str]
    ) -> None:
        """Keep a request and its answer; `credential` are the headers that it went with."""
        self._learn(credential)
        kept = {name: value for name, value in answer.headers.items() if name not in _LEFT_OUT}
        exchange = Exchange(
            at=round(anyio.current_time() - self._began, 3),
            method="GET" if sent is None else "POST",
            path=self._hide(path),
            query=self._hide(query),
            status=answer.status,
            headers={name: self._hide(value) for name, value in kept.items()},
            sent=None if sent is None else self._hide(sent.decode("utf-8", "replace")),
            **body_fields(self._hide(answer.body.decode("latin-1")).encode("latin-1")),
        )
        self._keep(exchange)

    def _learn(self, credential: Mapping[str, str]) -> None:
        """Hide the access token of today, too."""
        values = {value for value in credential.values() if value not in self._public} - self._shown
        if values:
            self._shown |= values
            hide, further = self._hide, hiding([part for value in values for part in (value, value.rpartition(" ")[2])])
            self._hide = lambda text: further(hide(text))


def secrets_of(source: Source) -> set[str]:
    """Return every secret in a source's settings: what is a `SecretStr`, and a proxy's user and password."""
    found = set(_secrets(source))
    if source.proxy and "@" in source.proxy:
        found |= set(source.proxy.partition("://")[2].rpartition("@")[0].split(":", 1))
    return found


def _secrets(value: Any) -> Collection[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        return [found for _, child in value for found in _secrets(child)]
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [found for child in children for found in _secrets(child)]


def hiding(secrets: Collection[str]) -> Callable[[str], str]:
    """Return what takes these secrets out of a text, however they are spelt in it: as they are, in a URL, in JSON."""
    spellings = {
        spelt
        for secret in secrets
        if len(secret) >= _SHORTEST
        for spelt in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret), _in_json(secret))
    }
    longest_first = sorted(spellings, key=len, reverse=True)
    found = re.compile("|".join(map(_pattern, longest_first)) or r"(?!)")
    return lambda text: found.sub(_HIDDEN, text)


def _pattern(secret: str) -> str:
    return re.escape(secret) if len(secret) > _SHORT else rf"(?<!\w){re.escape(secret)}(?!\w)"


def _in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]
