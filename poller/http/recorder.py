"""A recorder of what a source's vendor was asked and answered: no credential of ours gets into what it keeps.

It sees requests before a credential is added, never those for tokens, and of an answer's headers none that set a
cookie or challenge. What a vendor repeats of a credential, in a link or an error, is taken out by its value.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import anyio

from poller.http.response import RawResponse
from poller.recording.file import Exchange, body_fields
from poller.redaction import Redaction

_LEFT_OUT = {
    "set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate", "authorization", "authentication-info",
    "proxy-authentication-info", "connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length",
    "alt-svc", "report-to", "nel", "content-security-policy", "strict-transport-security",
}  # fmt: skip
"""Headers that hold a credential, or are about a connection and a body that are not kept as they came."""

Keep: TypeAlias = Callable[[Exchange], None]
"""Takes the exchanges of a recording, one by one."""


class Recorder:
    """Gives the exchanges of one session to `keep`, without what is secret."""

    def __init__(self, keep: Keep, secrets: Iterable[str], headers: Mapping[str, str]) -> None:
        self._keep, self._public = keep, set(headers.values())
        self._began = anyio.current_time()
        self._secrets, self._shown = Redaction(secrets), set[str]()

    def exchanged(
        self, path: str, query: str, sent: bytes | None, answer: RawResponse, credential: Mapping[str, str]
    ) -> None:
        """Keep a request and its answer; `credential` are the headers that it went with."""
        self._learn(credential)
        hide = self._secrets.hide
        kept = {name: value for name, value in answer.headers.items() if name not in _LEFT_OUT}
        exchange = Exchange(
            at=round(anyio.current_time() - self._began, 3),
            method="GET" if sent is None else "POST",
            path=hide(path),
            query=hide(query),
            status=answer.status,
            headers={name: hide(value) for name, value in kept.items()},
            sent=None if sent is None else hide(sent.decode("utf-8", "replace")),
            **body_fields(hide(answer.body.decode("latin-1")).encode("latin-1")),
        )
        self._keep(exchange)

    def _learn(self, credential: Mapping[str, str]) -> None:
        """Hide the access token of today, too."""
        values = {value for value in credential.values() if value not in self._public} - self._shown
        if values:
            self._shown |= values
            self._secrets.learn(part for value in values for part in (value, value.rpartition(" ")[2]))
