"""The ledger on one machine: outputs first, then one SQLite transaction; a restart takes back what it did not cover."""

import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from outputs import Marks
from poller.clock import Now
from poller.events.seen import Seen, pack_keys
from poller.plugin.credentials import Token
from poller.retry import keep_trying
from poller.state.account import AccountId
from poller.state.commit_queue import CommitQueue
from poller.state.delivery import Delivery
from poller.state.ledger import Change
from poller.state.output_calls import told_in_time
from poller.state.reader import Restored, loading, restored, token_of
from poller.state.rows import ACCOUNT, CHECKPOINT, IN_DOUBT, MARK, TOKEN, encode
from poller.state.sqlite.database import Database
from poller.telemetry import Telemetry

T = TypeVar("T")

_TOO_SPARSE = 4
"""Chunks are rewritten once they hold this many times what is live,"""
_SMALL = 1 << 20
"""and so many bytes more."""
_AT_ONCE = 32
"""Chunks that are rewritten in one transaction: eight megabytes at most."""
_LAST = (1 << 63) - 1
"""The highest number that a chunk can have."""
_TURN = 0.003
"""Seconds for which a restore holds up everything else."""


class SqliteLedger:
    """Implements `Ledger`. Commits stand in one line; what is ready shares one."""

    def __init__(self, database: Database, delivery: Delivery, telemetry: Telemetry, now: Now) -> None:
        self._database = database
        self._delivery = delivery
        self._telemetry = telemetry
        self._now = now
        self._queue = CommitQueue(self._commit, telemetry)
        self._database_free = anyio.Lock()
        self._doubts: dict[str, set[int]] = {}
        self.trouble: str | None = None

    async def claim(self, owners: Mapping[str, AccountId]) -> None:
        """Take possession of the sources' states, which were judged when the state was opened."""
        await self._save({ACCOUNT.key(source): encode(owner) for source, owner in owners.items()})

    async def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        """Say that all are, once the outputs are there: nobody else can have this state open."""
        await self._delivery.arrive()
        yield configured

    async def restore(self, stream: str, keep: float | None) -> Restored:
        """Read what is known of a stream."""
        seen = Seen(keep)
        async with self._database_free:
            steps = loading(self._database, stream, seen)
        more = True
        while more:  # in this thread: what another one allocates is never given to this one again
            async with self._database_free:
                more = _advance(steps)
        async with self._database_free:
            known = restored(self._database, stream, seen)
        self._doubts[stream] = set(known.doubts)
        return known

    async def commit(self, change: Change) -> None:
        """Deliver and save; several that wait together are one delivery and one transaction."""
        await self._queue.put(change)

    async def flush(self) -> None:
        """Save the changes that wait, in one transaction."""
        await self._queue.flush()

    async def _commit(self, group: Sequence[Change]) -> None:
        messages = [message for change in group for message in change.batch.messages]
        marks: dict[str, Marks] = {}
        if messages:
            doubted = {change.stream: self._doubts[change.stream] | change.batch.seen.delivered for change in group}
            doubts = _doubt_rows(doubted) if self._delivery.doubtful else {}
            marks = await self._delivery.deliver(messages, lambda announced: self._save(_mark_rows(announced) | doubts))
        certain = {change.stream: self._doubts[change.stream] - change.batch.seen.delivered for change in group}
        rows: dict[str, bytes | None] = {CHECKPOINT.key(change.stream): encode(change.checkpoint) for change in group}
        rows |= _mark_rows(marks)
        if self._delivery.doubtful or certain != self._doubts:
            rows |= _doubt_rows(certain)
        await self._save(rows, _chunks(group, int(self._now().timestamp())))
        self._doubts |= certain

    async def _save(self, rows: Mapping[str, bytes | None], chunks: Sequence[tuple[str, int, bytes]] = ()) -> None:
        async def write() -> None:
            with told_in_time("it has not been written", self._hangs):
                await self._in_turn(self._database.write, rows, chunks)

        await keep_trying(write, on=sqlite3.Error, report=self._failed)
        self.trouble = None

    def _hangs(self, why: str) -> None:
        """Note that a disk takes its time: a thread that hangs in it cannot be given up."""
        self.trouble = f"the state cannot be written: {why}"
        self._telemetry.notice("state.failed", error=why, retry_in=None)

    def _failed(self, error: sqlite3.Error, wait: float) -> None:
        self.trouble = f"the state cannot be written: {error}"
        self._telemetry.notice("state.failed", error=str(error), retry_in=round(wait, 1))

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Forget what was committed before this time, and rewrite the rest where most of it is superseded.

        The stream itself commits nothing meanwhile; the others do.
        """
        try:
            await self._in_turn(self._database.drop_chunks, stream, before)
            for _ in seen.expire(self._now().timestamp()):
                await anyio.lowlevel.checkpoint()
            if await self._in_turn(self._database.chunk_bytes, stream) > _TOO_SPARSE * seen.packed_size + _SMALL:
                await self._rewrite(stream, seen)
        except sqlite3.Error as error:  # the next time will do
            self._telemetry.notice("tidying.failed", stream=stream, error=str(error))

    async def _rewrite(self, stream: str, seen: Seen) -> None:
        """Write new chunks before the old ones are forgotten: new ones win, so a crash in between loses nothing."""
        last = await self._in_turn(self._database.last_number)
        chunks = seen.pack_by_day()
        try:
            while some := await anyio.to_thread.run_sync(lambda: list(islice(chunks, _AT_ONCE))):
                await self._in_turn(self._database.write, {}, [(stream, at, chunk) for at, chunk in some])
        except sqlite3.Error:
            await self._in_turn(self._database.drop_numbers, stream, last + 1, _LAST)
            raise
        await self._in_turn(self._database.drop_numbers, stream, 0, last)

    async def _in_turn(self, work: Callable[..., T], *args: object) -> T:
        """One call at a time, apart from the line: what needs no output must not wait for one."""
        async with self._database_free:
            return await anyio.to_thread.run_sync(work, *args)

    async def token(self, source: str) -> Token | None:
        """The source's stored token."""
        return token_of(self._database, source)

    async def prove(self, source: str) -> None:
        """Return at once: the lock of the file proves that no other process polls the source."""

    async def save_token(self, source: str, token: Token) -> None:
        """Return once the token is durable, whether or not an output is away."""
        await self._save({TOKEN.key(source): encode(token)})


def _advance(steps: Iterator[None]) -> bool:
    """Take steps for a while; return False once there are no more."""
    end = time.monotonic() + _TURN
    return any(time.monotonic() > end for _ in steps)


def _mark_rows(marks: Mapping[str, Marks]) -> dict[str, bytes | None]:
    return {MARK.key(output, name): mark for output, of in marks.items() for name, mark in of.items()}


def _doubt_rows(doubts: Mapping[str, Iterable[int]]) -> dict[str, bytes | None]:
    return {IN_DOUBT.key(stream): pack_keys(keys) or None for stream, keys in doubts.items()}


def _chunks(group: Sequence[Change], at: int) -> list[tuple[str, int, bytes]]:
    packed = [(change.stream, b"".join(change.batch.seen.rows())) for change in group]
    return [(stream, at, chunk) for stream, chunk in packed if chunk]
