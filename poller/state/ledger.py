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
    """A change of one stream, named `source/stream`: its new checkpoint, and the batch that goes with it.

    `may_wait`: a crash may lose it. Its batch is empty.
    """

    stream: str
    checkpoint: Checkpoint
    batch: Batch = field(default_factory=Batch)
    may_wait: bool = False


class OwnershipLost(PollerError):
    """A commit may hold or not, or another process polls the source now: what is in memory must be forgotten."""


class Ledger(Protocol):
    """A place that delivers batches and saves checkpoints as one, open from the first poll to the last commit."""

    def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        """Say which of the sources are this process's to poll, as soon as that is known, and whenever it changes."""
        ...

    async def restore(self, stream: str, keep: float | None) -> Restored:
        """Read what is known of a stream. `keep` in seconds, None for ever."""
        ...

    async def commit(self, change: Change) -> None:
        """Return once every output holds the batch and the checkpoint is saved; nothing is true before.

        A change that may wait is saved with the next one that may not, or by `flush`.
        Waits as long as an output or the state is away. Raises OutputClosed where waiting can't help, OwnershipLost.
        """
        ...

    async def flush(self) -> None:
        """Save the changes that wait. To be called once a second."""
        ...

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Forget, here and in `seen`, what was committed before this time (seconds since 1970)."""
        ...

    async def token(self, source: str) -> Token | None:
        """The source's stored token."""
        ...

    async def prove(self, source: str) -> None:
        """Return if the source is surely ours: what is spent for it now can be saved. Raises OwnershipLost."""
        ...
