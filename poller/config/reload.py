"""Secrets that lie in files are read again when these change: a rotated key needs no restart."""

from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic import BaseModel, SecretStr

from outputs.registry import renew_login
from poller.config.document import document_of
from poller.config.placeholders import Stamp, stamp
from poller.config.settings import Settings, check_document
from poller.config.yaml_reader import read_text
from poller.errors import ConfigError
from poller.plugin.source import Source
from poller.telemetry import Telemetry

EVERY = 5.0
"""Seconds between two looks at the files."""
_SETTLING = 0.2
"""Seconds that a file must not change in before it is read: it may be half written."""
_IN_CLEAR = frozenset({"auth", "client_id", "proxy"})
"""Keys that go with a credential, and are none of those that are never shown (a proxy may hold a password)."""
_NEXT = "it takes effect at the next start"


class ConfigReload:
    """A configuration, its text as it was at the start, and the files that its `${file:...}` name.

    Raises ConfigError where it is wrong at the start. Later a file that is missing, empty or wrong changes nothing.
    """

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path, self._text, self._environ = path, read_text(path), dict(environ)
        self._said: str | None = None
        self.settings, self._files = self._read()
        self._in_use = self.settings

    def _read(self) -> tuple[Settings, Mapping[Path, Stamp]]:
        document = document_of(self._path, self._text, self._environ)
        return check_document(document), document.placeholders.files

    async def watch(self, replace: Callable[[str, Source], None], telemetry: Telemetry) -> None:
        """Look every few seconds, until cancelled; `replace` is given each account whose credential changed."""
        while self._files:
            await anyio.sleep(EVERY)
            found = await anyio.to_thread.run_sync(self._stamps, abandon_on_cancel=True)
            if found == self._files:
                continue
            await anyio.sleep(_SETTLING)
            if found == await anyio.to_thread.run_sync(self._stamps, abandon_on_cancel=True):
                await self._reread(replace, telemetry)

    def _stamps(self) -> Mapping[Path, Stamp]:
        return {path: stamp(path) for path in self._files}

    async def _reread(self, replace: Callable[[str, Source], None], telemetry: Telemetry) -> None:
        try:
            found, files = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        except ConfigError as error:
            if str(error) != self._said:
                self._said = str(error)
                telemetry.notice("secrets.unreadable", error=str(error), kept="what was read before")
            return
        self._said, self._files = None, files
        before, self.settings = self.settings, found
        for name, source in found.sources.items():
            self._compare(name, before.sources[name], source, replace, telemetry)
        for name, output in found.outputs.items():
            if output != before.outputs[name]:
                _renew(self._in_use.outputs[name], before.outputs[name], output, telemetry, output=name)
        if found.server.token != before.server.token:
            telemetry.notice("secrets.reread", part="server")
        if found.state != before.state:
            _renew(self._in_use.state, before.state, found.state, telemetry, part="state")
        if _but_token(found.server) != _but_token(before.server):
            telemetry.notice("secrets.changed", part="server", when=_NEXT)

    def _compare(
        self, name: str, was: Source, now: Source, replace: Callable[[str, Source], None], telemetry: Telemetry
    ) -> None:
        if now == was:
            return
        if _beside_credentials(now) == _beside_credentials(was):
            telemetry.secrets_reread(name)
            replace(name, now)
        else:
            telemetry.notice("secrets.changed", source=name, when=_NEXT)


def _renew(in_use: BaseModel, was: BaseModel, now: BaseModel, telemetry: Telemetry, **place: str) -> None:
    """Let what is in use log in anew, where nothing but its login has changed; tell what was done."""
    if renew_login(in_use, was, now):
        telemetry.notice("secrets.reread", **place)
    else:
        telemetry.notice("secrets.changed", when=_NEXT, **place)


def _but_token(part: BaseModel) -> Mapping[str, object]:
    """Return what is set; `token`, which the server asks for, is read anew at each request."""
    return {name: value for name, value in part if name != "token"}


def _beside_credentials(source: Source) -> Mapping[str, object]:
    """All that is set but what lets us in; what is not set says nothing."""
    values = {name: getattr(source, name) for name in type(source).model_fields if name not in _IN_CLEAR}
    return {name: value for name, value in values.items() if value is not None and not isinstance(value, SecretStr)}
