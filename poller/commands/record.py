"""`poller record`: keeps what one source's vendor was asked and answered, as a dry run would ask it."""

from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio

from poller.clock import Clock, utc_now
from poller.commands.lifecycle import load_certificates, poll_until_stopped, stop_signals
from poller.commands.replay_config import make_header
from poller.config.settings import Settings, source_named
from poller.errors import ConfigError
from poller.http.recorder import Recorder
from poller.plugin.credentials import Token
from poller.polling.source import restore_streams, source_loop
from poller.polling.supervisor import Supervisor
from poller.recording.file import Exchange, RecordingWriter
from poller.recording.masking import Mask, masked_header
from poller.recording.words import words_in
from poller.redaction import secrets_in
from poller.state.open import open_dry_run, replica_name
from poller.telemetry import Telemetry

_IN_HAND = 4.0
"""Seconds that a page in hand has to arrive, once the time is over."""


class Recorded(NamedTuple):
    """What came of a recording: how many exchanges; and why it is not whole, where it is not."""

    exchanges: int
    problem: str | None = None


async def record(
    settings: Settings, name: str, telemetry: Telemetry, path: Path, length: timedelta, *, mask: bool = False
) -> Recorded:
    """Poll one source for so long, or until a signal, and keep all exchanges in a file; deliver and save nothing.

    With `mask`, what is personal in them is replaced.

    Raises ConfigError where there is no such source, or where the file cannot be made.
    """
    source = source_named(settings, name)
    load_certificates(settings)
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(stop_signals())
        ledger, *_ = await stack.enter_async_context(open_dry_run(settings.state, telemetry, show=False))
        file = stack.enter_context(closing(_new_file(path)))
        now = utc_now()
        header = make_header(source, await restore_streams(name, source, ledger, utc_now), now)
        file.write(masked_header(header) if mask else header)
        kept = _Kept(file, Mask(words_in(header.source)) if mask else None)
        secrets = {*secrets_in(source)} | _token_secrets(await ledger.token(name))
        build = partial(
            source_loop, ledger=ledger, telemetry=telemetry, now=Clock(telemetry.clock_stepped), save=None, once=False,
            recorder=Recorder(kept, secrets, source.headers),
        )  # fmt: skip
        supervisor = Supervisor({name: source}, build)
        kept.stop = supervisor.stop
        await poll_until_stopped(
            supervisor, ledger, telemetry, signals, replica_name(settings.state),
            beside=[partial(_stop_in_time, supervisor, length)], end=lambda: None,
        )  # fmt: skip
        if not kept.exchanges:
            file.discard()
            return Recorded(0, kept.problem or "nothing was answered, so there is no recording: the log says why")
    return Recorded(kept.exchanges, kept.problem)


class _Kept:
    """The exchanges of a recording under way; `stop` is called where its file cannot be written any more."""

    def __init__(self, file: RecordingWriter, mask: Mask | None) -> None:
        self._file, self._mask = file, mask
        self.exchanges = 0
        self.problem: str | None = None
        self.stop: Callable[[], None] = lambda: None

    def __call__(self, exchange: Exchange) -> None:
        """Write it."""
        if self.problem:
            return
        try:
            self._file.write(self._mask.exchange(exchange) if self._mask else exchange)
            self.exchanges += 1
        except OSError as error:
            self.problem = f"the recording ends early, its file cannot be written: {error.strerror or error}"
            self.stop()


def _new_file(path: Path) -> RecordingWriter:
    try:
        return RecordingWriter(path)
    except FileExistsError:
        raise ConfigError(f"-o: {path} is there already, and is not written over: name another file") from None
    except OSError as error:
        raise ConfigError(f"-o: {path} cannot be made: {error.strerror or error}") from None


async def _stop_in_time(supervisor: Supervisor, length: timedelta) -> None:
    await anyio.sleep(length.total_seconds())
    supervisor.stop()
    await anyio.sleep(_IN_HAND)
    supervisor.cancel_requests()


def _token_secrets(token: Token | None) -> set[str]:
    return {token.refresh_token, token.access_token} if token else set()
