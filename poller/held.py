"""A state held for the operator alone, wherever it lies: no poller uses it meanwhile."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing

from outputs.kafka.state import KafkaState
from poller.errors import ConfigError
from poller.ledger.database import Database
from poller.ledger.idle import idle
from poller.ledger.whole import Held, Whole
from poller.settings import StateConfig
from poller.stored import absent
from poller.telemetry import Telemetry


class HeldFile:
    """See `poller.ledger.whole.Held`: one transaction each."""

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


@asynccontextmanager
async def held(state: StateConfig, *, make: bool = False) -> AsyncIterator[Held]:
    """Hold it. Raises ConfigError where a poller runs, and, unless `make`, where there is no state."""
    if isinstance(state, KafkaState):
        async with idle(state, make=make) as found:
            yield found
        return
    if not make and (missing := await absent(state)):
        raise ConfigError(missing)
    with closing(Database.open(state.path)) as database:
        if database.copy:
            Telemetry().notice("state.migrated", path=str(state.path), copy=str(database.copy))
        yield HeldFile(database)
