"""The ledger that the configuration names, opened with its outputs for as long as a run lasts."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, nullcontext
from typing import NamedTuple

from outputs import OutputError, StreamRef, Unreachable
from outputs.kafka import KafkaConfig
from outputs.registry import OutputConfig
from outputs.stdout import StdoutConfig
from poller.clock import Now
from poller.errors import ConfigError
from poller.plugin.credentials import SaveToken
from poller.plugin.source import Source, account_id
from poller.state.delivery import Delivery
from poller.state.dry_run import DryLedger
from poller.state.kafka import KafkaState, topic
from poller.state.kafka.ledger import KafkaLedger
from poller.state.kafka.offline import open_offline_topic
from poller.state.kafka.owners import Owners
from poller.state.kafka.reader import missing_topic_text, read_topic
from poller.state.ledger import Ledger
from poller.state.offline import OfflineState
from poller.state.reader import StateReader, account_mismatches
from poller.state.registry import StateConfig
from poller.state.sqlite import SqliteState, file
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger, marks_of
from poller.state.sqlite.offline import OfflineFile
from poller.telemetry import Telemetry


class OpenState(NamedTuple):
    """A ledger, how a token is saved (None: none is ever spent), and what is wrong with the state, if anything is."""

    ledger: Ledger
    save: SaveToken | None
    trouble: Callable[[], str | None]


def open_state(
    state: StateConfig,
    outputs: Mapping[str, OutputConfig],
    sources: Mapping[str, Source],
    telemetry: Telemetry,
    now: Now,
    patience: float | None,
) -> AbstractAsyncContextManager[OpenState]:
    """Open state and outputs. `patience` see `Delivery`. Raises ConfigError where the operator has to mend it."""
    if isinstance(state, KafkaState):
        return _in_kafka(state, outputs, sources, telemetry, now, patience)
    return _in_sqlite(state, outputs, sources, telemetry, now, patience)


@asynccontextmanager
async def open_dry_run(state: StateConfig, telemetry: Telemetry) -> AsyncIterator[OpenState]:
    """The state to be read, and stdout in the place of all outputs."""
    shown = Delivery({"stdout": StdoutConfig(type="stdout").open({})}, telemetry)
    async with open_reader(state) as known, _entered(shown) as delivery:
        yield OpenState(DryLedger(known, delivery), None, lambda: None)


def replica_name(state: StateConfig) -> str:
    """Our name among those who may poll the same sources: several of a group can run on one machine."""
    host = socket.gethostname()
    return f"{host}-{os.getpid()}" if isinstance(state, KafkaState) else host


def group_owners(state: StateConfig) -> Owners | None:
    """Who of them polls what; None where we are alone."""
    return Owners(state) if isinstance(state, KafkaState) else None


@asynccontextmanager
async def _in_sqlite(
    state: SqliteState,
    outputs: Mapping[str, OutputConfig],
    sources: Mapping[str, Source],
    telemetry: Telemetry,
    now: Now,
    patience: float | None,
) -> AsyncIterator[OpenState]:
    owners = {name: account_id(account) for name, account in sources.items()}
    database = Database.open(state.path, lambda found: account_mismatches(found, owners))
    places = _places(sources)
    if database.copy:
        telemetry.notice("state.migrated", path=str(state.path), copy=str(database.copy))
    try:
        opening = {name: output.open(marks_of(database, name), places) for name, output in outputs.items()}
        async with _entered(Delivery(opening, telemetry, patience)) as delivery:
            ledger = SqliteLedger(database, delivery, telemetry, now)
            await ledger.claim(owners)
            yield OpenState(ledger, ledger.save_token, lambda: ledger.trouble)
    finally:
        database.close()


@asynccontextmanager
async def _in_kafka(
    state: KafkaState,
    outputs: Mapping[str, OutputConfig],
    sources: Mapping[str, Source],
    telemetry: Telemetry,
    now: Now,
    patience: float | None,
) -> AsyncIterator[OpenState]:
    joined = {name: output for name, output in outputs.items() if isinstance(output, KafkaConfig)}
    others = {name: output.open({}) for name, output in outputs.items() if name not in joined}
    replica, places = replica_name(state), _places(sources)
    async with (
        _entered(Delivery(others, telemetry, patience)) as delivery,
        KafkaLedger(state, joined, delivery, telemetry, now, replica, places, patience) as ledger,
    ):
        await ledger.claim({name: account_id(account) for name, account in sources.items()})
        yield OpenState(ledger, ledger.save_token, lambda: ledger.trouble)


def _places(sources: Mapping[str, Source]) -> Collection[StreamRef]:
    """Where events will come from."""
    return [(name, of.name, of.records.kind.KIND) for name, account in sources.items() for of in account.built_streams]


@asynccontextmanager
async def _entered(delivery: Delivery) -> AsyncIterator[Delivery]:
    """What stands in the way of writing at the start is the operator's to mend."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(delivery)
        except OutputError as error:
            raise ConfigError(str(error)) from None
        yield delivery


@asynccontextmanager
async def open_offline(state: StateConfig, *, make: bool = False) -> AsyncIterator[OfflineState]:
    """Hold it. Raises ConfigError where a poller runs, and, unless `make`, where there is no state."""
    if isinstance(state, KafkaState):
        async with open_offline_topic(state, make=make) as found:
            yield found
        return
    with closing(Database.open(state.path, make=make)) as database:
        if database.copy:
            Telemetry().notice("state.migrated", path=str(state.path), copy=str(database.copy))
        yield OfflineFile(database)


@asynccontextmanager
async def open_reader(state: StateConfig) -> AsyncIterator[StateReader | None]:
    """What is there; None where nothing was saved yet. Raises ConfigError where it cannot be read."""
    if isinstance(state, KafkaState):
        yield await read_topic(state)
        return
    database = Database.read(state.path)
    with closing(database) if database else nullcontext():
        yield database


async def check_writable(state: StateConfig) -> None:
    """Return if it may be written, where that can be told without doing so. Raises ConfigError."""
    if isinstance(state, KafkaState):
        try:
            await topic.check_writable(state)
        except Unreachable:
            return
        except OutputError as error:
            raise ConfigError(str(error)) from None


def missing_text(state: StateConfig) -> str:
    """Say that there is no state yet: another folder's, or another topic, may have been meant."""
    return missing_topic_text(state) if isinstance(state, KafkaState) else file.missing(state.path)


def describe_place(state: StateConfig) -> str:
    """Where it is, in words."""
    return f"topic {state.topic} of {state.place}" if isinstance(state, KafkaState) else str(state.path)
