"""The ledger: delivers what a page came to and saves the checkpoint it makes true, as one."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Protocol

from poller.errors import PollerError
from poller.events.batch import Batch
from poller.events.seen import Seen
from poller.plugin.credentials import Token
from poller.state.checkpoint import Checkpoint
from poller.state.reader import Restored


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What one commit makes true of one stream, named `source/stream`: its new checkpoint, and a page's batch."""

    stream: str
    checkpoint: Checkpoint
    batch: Batch = field(default_factory=Batch)


class OwnershipLost(PollerError):
    """Nobody knows whether the commit holds, or another process polls the source now: forget all that is in memory."""


class Ledger(Protocol):
    """Where checkpoints live. Opened before anything is polled, closed after the last commit."""

    def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        """Say which of the sources are this process's to poll, as soon as that is known, and whenever it changes."""
        ...

    async def restore(self, stream: str, keep: float | None) -> Restored:
        """Read what is known of a stream. `keep` in seconds, None for ever."""
        ...

    async def commit(self, change: Change) -> None:
        """Return once every output holds the batch and the checkpoint is saved; nothing is true before.

        Waits as long as an output or the state is away. Raises OutputClosed where waiting can't help, and Lost.
        """
        ...

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Forget, here and in `seen`, what was committed before this time (seconds since 1970)."""
        ...

    async def token(self, source: str) -> Token | None:
        """The source's stored token."""
        ...

    async def prove(self, source: str) -> None:
        """Return if the source is surely ours: what is spent for it now can be saved. Raises Lost."""
        ...
