"""The state, opened to be read and nothing else, wherever it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext

from outputs import OutputError, Unreachable
from outputs.kafka.state import KafkaState
from poller.errors import ConfigError
from poller.ledger import Stored, state_topic
from poller.ledger.database import Database
from poller.ledger.snapshot import no_topic, snapshot
from poller.settings import StateConfig


@asynccontextmanager
async def stored(state: StateConfig) -> AsyncIterator[Stored | None]:
    """What is there; None where nothing was saved yet. Raises ConfigError where it cannot be read."""
    if isinstance(state, KafkaState):
        yield await snapshot(state)
        return
    database = Database.read(state.path)
    with closing(database) if database else nullcontext():
        yield database


async def allowed(state: StateConfig) -> None:
    """Return if it may be written, where that can be told without doing so. Raises ConfigError."""
    if isinstance(state, KafkaState):
        try:
            await state_topic.allowed(state)
        except Unreachable:
            return
        except OutputError as error:
            raise ConfigError(str(error)) from None


async def absent(state: StateConfig) -> str | None:
    """That there is no state yet, in words; None where there is one. Raises ConfigError where that cannot be told."""
    if isinstance(state, KafkaState):
        return await no_topic(state)
    database = Database.read(state.path)
    if database:
        database.close()
        return None
    return f"state.path: {state.path} is not there: nothing was saved yet"


def place_of(state: StateConfig) -> str:
    """Where it is, in words."""
    return f"topic {state.topic} of {state.place}" if isinstance(state, KafkaState) else str(state.path)
