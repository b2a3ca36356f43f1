"""A state held for the operator alone, wherever it lies: no poller uses it meanwhile."""

from collections.abc import Collection

from poller.state.offline import StateDump
from poller.state.sqlite.database import Database


class OfflineFile:
    """Implements `OfflineState`: one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> StateDump:
        """Everything in it; chunks are read as they are asked for."""
        return StateDump(self._database.under(""), self._database.all_chunks())

    async def forget(self, keys: Collection[str], streams: Collection[str]) -> None:
        """Remove them in one transaction."""
        self._database.forget(keys, streams)

    async def move(self, added: StateDump, keys: Collection[str], streams: Collection[str]) -> None:
        """Put the one and remove the other in one transaction."""
        self._database.move(added.rows, list(added.chunks), keys, streams)

    async def fill(self, whole: StateDump) -> list[str]:
        """Write it in one transaction."""
        self._database.write(whole.rows, list(whole.chunks))
        return []
