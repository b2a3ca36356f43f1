"""The ledgers there are, each opened as after a start; and outputs that fail, hang and die on command."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

import orjson

from outputs import Marks, Message, OutputClosed, OutputError
from poller.events.batch import Batch
from poller.events.seen import UNSTAMPED, Entry, Seen, key_of
from poller.plugin.credentials import Token
from poller.plugin.stream import Cursor
from poller.state.account import AccountId
from poller.state.checkpoint import Checkpoint, SweepState
from poller.state.delivery import Delivery
from poller.state.ledger import Change
from poller.state.reader import Restored, account_mismatches, marks_of
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry
from tests.support.toy import NOON


class Killed(BaseException):
    """The process is gone."""


class Ledger(Protocol):
    """What every ledger can do."""

    async def claim(self, owners: Mapping[str, AccountId]) -> None: ...
    async def restore(self, stream: str, keep: float | None) -> Restored: ...
    async def commit(self, change: Change) -> None: ...
    async def tidy(self, stream: str, seen: Seen, before: float) -> None: ...
    async def token(self, source: str) -> Token | None: ...
    async def save_token(self, source: str, token: Token) -> None: ...


@dataclass
class Place:
    """Where the state lives through restarts, the clock, and the outputs of one process after the other.

    `owners` are the accounts that the next start claims the states of, if any.
    """

    folder: Path
    outputs: list["Sink"] = field(default_factory=list)
    now: datetime = NOON
    owners: Mapping[str, AccountId] = field(default_factory=dict)

    def clock(self) -> datetime:
        return self.now

    def delivery(self) -> Delivery:
        return Delivery({output.name: output for output in self.outputs}, Telemetry())


@asynccontextmanager
async def sqlite(place: Place) -> AsyncIterator[tuple[Ledger, Callable[[str], Mapping[str, bytes]]]]:
    database = Database.open(place.folder / "poller.db", lambda found: account_mismatches(found, place.owners))
    try:
        async with place.delivery() as delivery:
            ledger = SqliteLedger(database, delivery, Telemetry(), place.clock)
            await ledger.claim(place.owners)
            yield ledger, lambda output: marks_of(database, output)
    finally:
        database.close()


OpenState = AbstractAsyncContextManager[tuple[Ledger, Callable[[str], Mapping[str, bytes]]]]
LEDGERS: Mapping[str, Callable[[Place], OpenState]] = {"sqlite": sqlite}
"""Each gives the ledger, and where an output stood at its last commit."""


class Sink:
    """An output that remembers what it was told, and how often; `before` runs before a batch is held."""

    notices: Sequence[str] = ()

    def __init__(self, name: str, *, exact: bool = True) -> None:
        self.name, self.exact = name, exact
        self.held: list[bytes] = []
        self.batches: list[int] = []
        self.attempts = 0
        self.failures = 0
        self.before: Callable[[], Awaitable[None]] | None = None
        self.closed = False
        self.entered = self.left = 0

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.left += 1

    def announce(self, batch: Sequence[Message]) -> Marks:
        return {"at": b"announced", "gone": b"not yet"} if self.exact else {}

    async def write(self, batch: Sequence[Message]) -> Marks:
        self.attempts += 1
        if self.before:
            await self.before()
        if self.closed:
            raise OutputClosed(f"{self.name} is closed")
        if self.failures:
            self.failures -= 1
            raise OutputError(f"{self.name} is away")
        self.held += [message.value for message in batch]
        self.batches.append(len(batch))
        return {"at": b"%d" % len(self.held), "gone": None} if self.exact else {}


def entry(number: int, delivered: datetime = NOON, flags: int = 0) -> Entry:
    return Entry(number, number, UNSTAMPED, number, int(delivered.timestamp()), flags, 1)


def checkpoint(minutes: int = 0) -> Checkpoint:
    until = Cursor(NOON + timedelta(minutes=minutes))
    return Checkpoint(NOON, NOON - timedelta(days=1), {"live": SweepState(cursor=until, due=NOON)})


def change(stream: str, minutes: int, *names: str, at: datetime = NOON) -> Change:
    """A commit that delivers one message for each name."""
    batch = Batch()
    for name in names:
        value = f'{{"stream":"{stream}","name":"{name}","minutes":{minutes}}}'.encode()
        batch.messages.append(Message(value, f"{stream}/{name}", "acme", "calls", "call", at))
        batch.seen.entries[key_of(name)] = entry(minutes + 1, at)
        batch.seen.delivered.add(key_of(name))
    return Change(stream, checkpoint(minutes), batch)


def names(held: Sequence[bytes]) -> Iterator[str]:
    yield from (orjson.loads(value)["name"] for value in held)
