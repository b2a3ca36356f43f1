"""The ledger of a dry run: reads the state, shows what would be delivered, saves and locks nothing."""

from collections.abc import AsyncIterator, Collection

from poller.events.seen import Seen
from poller.plugin.credentials import Token
from poller.state.delivery import Delivery
from poller.state.ledger import Change
from poller.state.reader import Restored, StateReader, restore, token_of


class DryLedger:
    """Implements `Ledger`. `stored` is None where there is no state yet."""

    def __init__(self, stored: StateReader | None, delivery: Delivery) -> None:
        self._stored = stored
        self._delivery = delivery

    async def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        """Yield all configured sources: a dry run polls them beside whatever else does."""
        yield configured

    async def restore(self, stream: str, keep: float | None) -> Restored:
        """Read what is known of a stream."""
        return restore(self._stored, stream, keep)

    async def commit(self, change: Change) -> None:
        """Deliver the batch to the output that shows it, and save nothing."""
        if change.batch.messages:
            await self._delivery.deliver(change.batch.messages)

    async def flush(self) -> None:
        """Do nothing: a dry run saves nothing."""

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Do nothing: a dry run keeps nothing that could be tidied."""

    async def token(self, source: str) -> Token | None:
        """The source's stored token."""
        return token_of(self._stored, source)

    async def prove(self, source: str) -> None:
        """Return at once: a dry run never spends a refresh token."""
