"""One pass of one stream, through the real step: session, fetch, transform, checkpoint; only the vendor is a double."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import httpx
import msgspec

from outputs import Message
from poller.clock import Clock
from poller.errors import SourceError
from poller.events.seen import Seen
from poller.http.auth import make_auth
from poller.http.session import Session
from poller.plugin.credentials import Token
from poller.plugin.source import Source
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress.backfill import Order, accept_order
from poller.polling.requests import RequestsFactory
from poller.polling.runtime import StreamRuntime
from poller.polling.source import stream_runtime
from poller.polling.step import Step
from poller.polling.turns import Turns
from poller.state.checkpoint import Checkpoint
from poller.state.dry_run import DryLedger
from poller.state.ledger import Change
from poller.state.reader import Restored
from poller.telemetry import Telemetry
from poller.testing import BIRTH
from tests.fuzz.target import Finding

NOW = BIRTH
HISTORY, PROBE = "its history", "a probe"
_BUG = re.compile(r'"reason":"cannot be (?:read|normalized): \w+:')
_STEPS = 200


@dataclass(frozen=True)
class Part:
    """What a case polls: a sweep of a stream, its history, or nothing but a probe."""

    stream: str
    sweep: str


def parts(source: Source) -> Iterator[Part]:
    """Yield all that there is to poll of a source."""
    yield Part("", PROBE)
    for stream in source.built_streams:
        yield from (Part(stream.name, sweep.name) for sweep in stream.sweeps)
        if stream.history:
            yield Part(stream.name, HISTORY)


class _Telemetry(Telemetry):
    """Keeps how polls failed, and logs nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[BaseException] = []

    def poll_failed(self, *names: str, error: BaseException, **_: object) -> None:
        self.failed.append(error)


class _Ledger(DryLedger):
    """Takes what a disk would take: whole lines of UTF-8, and a checkpoint that can be read again."""

    def __init__(self) -> None:
        self.events = 0

    async def commit(self, change: Change) -> None:
        saved = msgspec.json.encode(change.checkpoint)
        if msgspec.json.encode(msgspec.json.decode(saved, type=Checkpoint)) != saved:
            raise Finding(f"the checkpoint is another one when it is read again: {saved[:2000]!r}")
        for message in change.batch.messages:
            self.events += 1
            _require_line(message)

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Forget nothing."""


def _require_line(message: Message) -> None:
    text = message.value.decode()
    if "\n" in text or "\r" in text:
        raise Finding(f"a torn line: {text[:2000]!r}")
    if message.reject and (bug := _BUG.search(text)):
        raise Finding(f"a bug rejects a record: {text[bug.start() : bug.end() + 200]}")
    event = json.loads(text, parse_int=str, parse_float=str)  # of any size
    if not message.reject and event["data"]["id"] != event["subject"]:
        raise Finding(f"an event of another record: {text[:2000]}")
    message.key.encode()


async def poll(source: Source, part: Part, transport: httpx.AsyncBaseTransport) -> int:
    """Poll a part of a source to its end, or until it fails; return how many events came.

    Raises Finding where something is wrong, and whatever was raised in our code beside SourceError.
    """
    telemetry, ledger = _Telemetry(), _Ledger()
    auth = make_auth(source, None, _forget, lambda: NOW)
    session = Session("fuzzed", source, transport, auth, telemetry=telemetry, now=lambda: NOW)
    if part.sweep == PROBE:
        with suppress(SourceError):
            await source.probe(session)
        return 0
    stream = _runtime(source, part)
    breaker, clock = CircuitBreaker(), Clock(lambda _: None, lambda: NOW, lambda: 0.0)
    step = Step(session, ledger, breaker, telemetry, clock, timedelta(0))
    requests = RequestsFactory(session, breaker, telemetry, clock)
    runs = [run for run in stream.sweeps if run.sweep.name == part.sweep]
    turns = Turns(runs, [stream], requests, telemetry, behind=lambda: timedelta(0), once=False)
    for _ in range(_STEPS):
        if breaker.seconds(NOW) or (work := turns.next(NOW)) is None:
            break
        await step.take(work)
    for error in telemetry.failed:
        if not isinstance(error, SourceError):
            raise error
    return ledger.events


def _runtime(source: Source, part: Part) -> StreamRuntime:
    stream = next(stream for stream in source.built_streams if stream.name == part.stream)
    found = stream_runtime("fuzzed", source, stream, Restored(None, Seen(None), frozenset()), NOW)
    if part.sweep == HISTORY:
        order = Order(("a", "b"), NOW - timedelta(hours=2), NOW - timedelta(minutes=30))
        found.checkpoint.backfill = accept_order(found.name, found.checkpoint, stream.history, None, order, NOW)
    return found


async def _forget(_: Token) -> None:
    """Save no token."""
