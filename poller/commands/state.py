"""`poller state`: a state is written out, taken in, or forgotten in part, while nobody polls."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from poller.clock import utc_now
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.events.seen import Seen
from poller.state import export
from poller.state.account import account_id
from poller.state.checkpoint import Checkpoint
from poller.state.offline import OfflineState, StateDump
from poller.state.open import Opening, describe_place, open_offline
from poller.state.rows import (
    ACCOUNT,
    CHECKPOINT,
    TOKEN,
    is_of_source,
    is_of_stream,
    mismatches,
    source_of,
    stream_of,
    whole_chunk,
)
from poller.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Forgotten:
    """One stream that a reset forgets."""

    stream: str
    records: int
    sweeps: int


@dataclass(frozen=True, slots=True)
class Reset:
    """A reset under this name: the streams that are forgotten, and the sources whose tokens go with them."""

    name: str
    streams: list[Forgotten]
    tokens: list[str]


@asynccontextmanager
async def exported(
    settings: Settings, now: datetime, *, secrets: bool
) -> AsyncIterator[tuple[Iterator[bytes], list[str]]]:
    """The lines of an export, and the sources whose tokens are left out, unless `secrets`. Raises ConfigError."""
    async with offline(settings, "export") as state:
        whole = state.all()
        left_out = [] if secrets else whole.tokens
        for source in left_out:
            del whole.rows[TOKEN.key(source)]
        yield export.export_lines(whole, now), left_out


async def imported(settings: Settings, lines: Iterable[bytes], place: str) -> tuple[StateDump, list[str]]:
    """Take an export into an empty state, all of it or nothing; also says what has no meaning there.

    Raises ConfigError where it is not whole, is another account's, or the state is not empty.
    """
    whole = export.read_export(lines, place)
    saved = {name: whole.rows[ACCOUNT.key(name)] for name in ACCOUNT.names(whole.rows)}
    if problems := mismatches(saved, {name: account_id(account) for name, account in settings.sources.items()}):
        raise ConfigError(problems)
    async with offline(settings, "import", make=True) as state:
        if not _is_empty(state.all()):
            where = describe_place(settings.state)
            raise ConfigError(f"state: {where} is not empty: reset its sources, or move it away, and import again")
        with writing():
            return whole, await state.fill(whole)


async def reset(settings: Settings, name: str, sure: Callable[[Reset], bool]) -> Reset | None:
    """Forget a source or one stream of it (`SOURCE.STREAM`), once it is `sure`; None where it was not.

    Raises ConfigError where the state holds nothing of that name.
    """
    async with offline(settings, "reset") as state:
        streams, keys = _named(state.all(), name)
        plan = _planned(name, state, streams, keys)
        if not sure(plan):
            return None
        with writing():
            await state.forget(keys, streams)
        return plan


def offline(settings: Settings, command: str, *, make: bool = False) -> AbstractAsyncContextManager[OfflineState]:
    """Hold the state for a command (`poller state COMMAND`). Raises ConfigError as `open_offline` does."""
    return open_offline(settings.state, Opening(f"state {command}", Telemetry(), utc_now), make=make)


@contextmanager
def writing() -> Iterator[None]:
    """Turn an error of SQLite into a ConfigError: the operator can mend it, and nothing was changed."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConfigError(f"state.path: cannot be written: {error}; nothing was changed") from None


def _is_empty(whole: StateDump) -> bool:
    """Return True if no stream is in the state: accounts and marks are there as soon as a poller was started."""
    return not any(map(is_of_stream, whole.rows)) and next(iter(whole.chunks), None) is None


def _named(whole: StateDump, name: str) -> tuple[Collection[str], Collection[str]]:
    """The streams (`source/stream`) and the rows under this name, in which a dot or a slash goes before the stream."""
    keys = [key for key in whole.rows if is_of_source(key)]
    streams = {stream_of(key) for key in keys if "/" in key} | {stream for stream, _, _ in whole.chunks}
    if there := {stream for stream in streams if name in {stream, stream.replace("/", ".", 1)}}:
        return there, [key for key in keys if stream_of(key) in there]
    of_source = [key for key in keys if source_of(key) == name]
    there = {stream for stream in streams if stream.partition("/")[0] == name}
    if not of_source and not there:
        known = ", ".join(sorted(stream.replace("/", ".", 1) for stream in streams)) or "nothing"
        raise ConfigError(f"{name}: the state holds neither a source nor a stream of that name; it holds {known}")
    return there, of_source


def _planned(name: str, state: OfflineState, streams: Collection[str], keys: Collection[str]) -> Reset:
    whole = state.all()
    seen = {stream: Seen(None) for stream in sorted(streams)}
    for stream, _, data in whole.chunks:
        if stream in seen:
            seen[stream].load(whole_chunk(stream, data))
    return Reset(
        name,
        [Forgotten(stream, len(of), _sweeps(CHECKPOINT.read(whole.rows, stream))) for stream, of in seen.items()],
        TOKEN.names(keys),
    )


def _sweeps(checkpoint: Checkpoint | None) -> int:
    return len(checkpoint.sweeps) if checkpoint else 0
