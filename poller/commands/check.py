"""`poller check`: asks every vendor and every output, and changes nothing, so it is safe beside a running poller."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from pydantic import SecretStr

from outputs import OutputConfig, OutputError
from poller.config.plugins import OURS, OUTPUT_TYPES, SOURCE_TYPES
from poller.config.settings import Settings
from poller.errors import ConfigError, Denied, PollerError, SourceError, Throttled, Unavailable, Unexpected
from poller.http.auth import make_auth
from poller.http.response import quote
from poller.http.session import Session, open_session
from poller.humanize import format_seconds
from poller.plugin.source import Probed, Source
from poller.plugin.stream import Http, Query, Response
from poller.server import control_socket, port
from poller.state.account import account_id
from poller.state.delivery import output_key
from poller.state.kafka import KafkaState
from poller.state.open import check_writable, describe_place, open_reader
from poller.state.reader import (
    StateReader,
    account_mismatches,
    facts_of,
    identity_mismatches,
    likely_renames,
    marks_of,
    token_of,
)
from poller.telemetry import Telemetry

_TRIES, _PAUSE, _LONGEST = 3, 0.5, 15.0
"""So often a vendor is asked, with so many seconds between, or as many as it asks for up to the last number."""
LEFT_OUT = "left out: no valid access token at hand, and none is asked for here, so it is not checked"
"""What is said of a source whose access token has ended: to ask for another one would spend its refresh token."""
_LOOKS = 20
"""The number of looks at an output while a running poller writes to it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding about a source, an output or the state, in words; one that is not `ok` prevents a run.

    `package` is the package, and its version, that brings the type; `details` are for machines. `keys` lead to what of
    the configuration it is about, where that is known.
    """

    name: str
    ok: bool
    words: str
    package: str = OURS
    details: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


async def check(settings: Settings, telemetry: Telemetry, now: datetime) -> AsyncIterator[Finding]:
    """Look at the state, every source (one record is asked for) and every output; yield a finding for each."""
    async with AsyncExitStack() as stack:
        state, readable, problems, warnings = None, False, list[str](), ""
        try:
            state = await stack.enter_async_context(open_reader(settings.state))
            readable = True
            owners = {name: account_id(source) for name, source in settings.sources.items()}
            problems = account_mismatches(state, owners)
            problems += identity_mismatches(state, settings.sources)
            noticed = [*likely_renames(state, owners), *await check_writable(settings.state, settings.outputs)]
            warnings = "".join(f"; warning: {words}" for words in noticed)
        except ConfigError as error:
            problems += error.problems
        there = "can be read" if state else "not there yet; the first run makes it"
        yield Finding(
            "state",
            ok=not problems,
            words="; ".join(problems) or f"{describe_place(settings.state)}: {there}{warnings}",
        )
        for found in _server(settings):
            yield found
        for name, source in settings.sources.items():
            package = SOURCE_TYPES.package(source.type)
            try:
                async for found in _source(name, source, state, telemetry, now):
                    yield _from(package, found)
            except ConfigError as error:  # its token cannot be read: nothing of the other sources' is wrong with that
                yield _from(package, Finding(name, ok=False, words="; ".join(error.problems)))
            except Exception as error:  # noqa: BLE001  a bug in a package's code is a finding like others
                yield _from(package, Finding(name, ok=False, words=f"a bug: {type(error).__name__}: {error}"))
        judged = readable and not isinstance(settings.state, KafkaState)  # where files are, their state is one, too
        for name, config in settings.outputs_beside_state().items():
            found = await _output(name, config, partial(marks_of, state, name) if judged else lambda: None)
            yield _from(OUTPUT_TYPES.package(config.type), found)


def _server(settings: Settings) -> Iterator[Finding]:
    """Yield what a start would refuse of `server`; nothing where all is well, or a poller has it already.

    That a port is taken is a warning: the poller that has it may be this one, and `run --once` needs none.
    """
    if settings.control and control_socket.is_heard(settings.control):
        return
    problems, warning = list[str](), ""
    try:
        port.could_listen(settings.server.host, settings.server.port)
    except port.PortTaken as taken:
        warning = f"{settings.server.host}; warning: {taken}; a start waits half a minute for it"
    except ConfigError as error:
        problems += error.problems
    try:
        if settings.server.control:
            control_socket.could_listen(settings.server.control)
    except ConfigError as error:
        problems += error.problems
    if problems or warning:
        yield Finding("server", ok=not problems, words="; ".join(problems) or warning)


def _from(package: str, found: Finding) -> Finding:
    """Add the package that brings the type; the words name it where it is not this one."""
    words = found.words if package == OURS else f"{found.words}; from {package}"
    return replace(found, words=words, package=package)


async def _source(
    name: str, source: Source, state: StateReader | None, telemetry: Telemetry, now: datetime
) -> AsyncIterator[Finding]:
    """Yield what the vendor answers: one finding, or one for each stream where the source tells of them singly."""
    auth = make_auth(source, token_of(state, name), None, lambda: now)
    if not auth.at_hand:
        yield Finding(name, ok=True, words=LEFT_OUT)
        return
    slow = _too_slow(source)
    async with open_session(name, source, auth, telemetry, lambda: now) as session:
        for stream, probe in source.probes(now).items():
            knowing = _Knowing(session, facts_of(state, f"{name}/{stream}"))
            asked = partial(knowing.probed, probe)
            found = await _probed(f"{name}.{stream}" if stream else name, source, asked, slow)
            below = ("sources", name, "streams", stream)
            yield replace(found, keys=(*below, *found.keys) if found.keys else ())
            slow = ""


class _Knowing(Http):
    """A session that knows what pages of a stream have told before, and lets no secret out of what a vendor says."""

    def __init__(self, session: Session, facts: Collection[str]) -> None:
        self._session, self._facts = session, facts

    async def probed(self, probe: Callable[[Http], Awaitable[Probed]]) -> Probed:
        """Return what comes of a probe, or raise its error, which quotes the vendor as one of the session's does."""
        try:
            return await probe(self)
        except SourceError as error:
            error.said = quote(error.said.encode(), self._session.secrets)
            raise

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        return await self._session.ask(path, query, body=body, accept=accept)

    def answered(self, path: str) -> bool:
        return self._session.answered(path)

    def knows(self, fact: str) -> bool:
        return fact in self._facts


async def _probed(name: str, source: Source, probe: Callable[[], Awaitable[Probed]], slow: str) -> Finding:
    try:
        found: object = await _patiently(probe)
        if not isinstance(found, Probed) or not isinstance(found.words, str):
            gave = found.words if isinstance(found, Probed) else found
            raise TypeError(f"its probe gave {named(gave)}, and not in words what came")
    except Exception as error:  # noqa: BLE001  a bug in a vendor's file is a finding like others
        if not isinstance(error, PollerError):
            return Finding(name, ok=False, words=f"a bug: {type(error).__name__}: {error}")
        remedy = describe_refusal(source) if isinstance(error, Denied) else ""
        if isinstance(error, SourceError) and error.said:
            remedy += f"; the vendor says: {error.said}"
        keys = tuple(error.key.split(".")) if isinstance(error, Unexpected) and error.key else ()
        return Finding(name, ok=False, words=f"{source.base_url}: {error}{remedy}", keys=keys)
    warnings = "".join(f"; warning: {words}" for words in found.warnings)
    return Finding(name, ok=True, words=f"{found.words}{warnings}{slow}", details=found.details)


async def _patiently(probe: Callable[[], Awaitable[Probed]]) -> Probed:
    """Ask a vendor again that is away, or wants some seconds of patience, as a run would."""
    for _ in range(_TRIES - 1):
        try:
            return await probe()
        except Unavailable:
            await anyio.sleep(_PAUSE)
        except Throttled as error:
            wait = error.retry_after or _PAUSE
            if wait > _LONGEST:
                raise Throttled(f"{error}: it asks to wait for {format_seconds(wait)}", wait) from None
            await anyio.sleep(wait)
    return await probe()


def named(given: object) -> str:
    """Return what a package gave, in a word that quotes nothing of it."""
    return "None" if given is None else type(given).__name__


def describe_refusal(source: Source) -> str:
    """Return which keys of the configuration the vendor refuses, and a remedy; none of their values."""
    keys = " and ".join(key for key, value in source if key == "auth" or isinstance(value, SecretStr))
    return f": the vendor refuses the credential ({keys}): is it still valid, and for this account?"


def _too_slow(source: Source) -> str:
    """Return a warning where the sweeps ask more often than `requests_per_minute` allows, else nothing."""
    minute = timedelta(minutes=1)
    wanted = sum(minute / sweep.every for stream in source.built_streams for sweep in stream.sweeps)
    if wanted <= source.requests_per_minute:
        return ""
    return (
        f"; warning: the sweeps ask {wanted:.0f} times a minute at least, requests_per_minute allows "
        f"{source.requests_per_minute}: raise it, or `every`"
    )


async def _output(name: str, config: OutputConfig, marks: Callable[[], Mapping[str, bytes] | None]) -> Finding:
    """`marks` says where the output stands by the state, and None where nobody knows; a running poller moves that."""
    after = marks()
    for _ in range(_LOOKS):
        before = after
        try:
            return Finding(name, ok=True, words=await anyio.to_thread.run_sync(config.check, before))
        except OutputError as error:
            words, after = f"{output_key(name, error)}: {error}", marks()
        except Exception as error:  # noqa: BLE001  a bug in an output's file is a finding like others
            words = f"a bug: {type(error).__name__}: {error}"
        if after == before:
            break
    return Finding(name, ok=False, words=words)
