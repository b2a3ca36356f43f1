"""A state held for the operator alone, wherever it lies: no poller uses it meanwhile."""

from collections.abc import Collection

from poller.state.offline import Whole
from poller.state.sqlite.database import Database


class HeldFile:
    """Implements `Held`: one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Whole:
        """Everything in it; chunks are read as they are asked for."""
        return Whole(self._database.under(""), self._database.all_chunks())

    async def forget(self, keys: Collection[str], streams: Collection[str]) -> None:
        """Remove them in one transaction."""
        self._database.forget(keys, streams)

    async def fill(self, whole: Whole) -> list[str]:
        """Write it in one transaction."""
        self._database.write(whole.rows, list(whole.chunks))
        return []
