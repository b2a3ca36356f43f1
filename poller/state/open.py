"""The ledger that the configuration names, opened with its outputs for as long as a run lasts."""

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

import anyio

from outputs import OutputConfig, OutputError, StreamRef, Unreachable
from outputs.kafka import KafkaConfig
from outputs.stdout import StdoutConfig
from poller.clock import Now
from poller.errors import ConfigError
from poller.events.cloudevent import PROGRESS
from poller.plugin.credentials import SaveToken
from poller.plugin.source import Source
from poller.state.account import account_id
from poller.state.delivery import Delivery, open_output
from poller.state.dry_run import DryLedger
from poller.state.kafka import KafkaState, topic
from poller.state.kafka.ledger import KafkaLedger
from poller.state.kafka.offline import open_offline_topic
from poller.state.kafka.owners import Owners
from poller.state.kafka.reader import missing_topic_text, read_topic
from poller.state.ledger import Ledger
from poller.state.offline import OfflineState
from poller.state.reader import StateReader, account_mismatches, identity_mismatches, marks_of
from poller.state.registry import StateConfig
from poller.state.sqlite import SqliteState, file
from poller.state.sqlite.database import Database, Judge
from poller.state.sqlite.ledger import SqliteLedger
from poller.state.sqlite.lock import Holder, StateInUse
from poller.state.sqlite.offline import OfflineFile
from poller.telemetry import Telemetry

_LOOK_AGAIN = 0.2
"""Seconds between two tries to get a state that another process has."""
_TELL_AGAIN = 30.0
"""Seconds after which it is told again that it is waited for."""


class OpenState(NamedTuple):
    """A ledger, how a token is saved (None: none is ever spent), and what is wrong with the state, if anything is.

    `end` is to be called once this process was asked to end: whoever comes next waits for that.
    """

    ledger: Ledger
    save: SaveToken | None
    trouble: Callable[[], str | None]
    end: Callable[[], None] = lambda: None


class Opening(NamedTuple):
    """A request to open a state: the `command`, as typed behind `poller`, and what the opened state is to use.

    `patience` see `Delivery`. `pause` lets seconds pass while another command has the state.
    """

    command: str
    telemetry: Telemetry
    now: Now
    patience: float | None = None
    pause: Callable[[float], Awaitable[None]] = anyio.sleep


def open_state(
    state: StateConfig,
    outputs: Mapping[str, OutputConfig],
    sources: Mapping[str, Source],
    by: Opening,
    *,
    progress: bool = False,
) -> AbstractAsyncContextManager[OpenState]:
    """Open state and outputs; with `progress`, progress events come, too.

    Raises ConfigError where the operator has to mend something.
    """
    places = _places(sources, progress=progress)
    if isinstance(state, KafkaState):
        return _in_kafka(state, outputs, sources, places, by)
    return _in_sqlite(state, outputs, sources, places, by)


@asynccontextmanager
async def open_dry_run(state: StateConfig, telemetry: Telemetry, *, show: bool = True) -> AsyncIterator[OpenState]:
    """The state to be read, and stdout in the place of all outputs, or nothing where events are not to be shown."""
    stdout = {"stdout": StdoutConfig(type="stdout").open({})} if show else {}
    async with open_reader(state) as known, _entered(lambda: Delivery(stdout, telemetry)) as delivery:
        yield OpenState(DryLedger(known, delivery), None, lambda: None)


def replica_name(state: StateConfig) -> str:
    """Return the name of this process among the replicas: the host, and with Kafka the process, too."""
    host = socket.gethostname()
    return f"{host}-{os.getpid()}" if isinstance(state, KafkaState) else host


def group_owners(state: StateConfig) -> Owners | None:
    """Return the register of which replica polls which source; None where the state has no replicas."""
    return Owners(state) if isinstance(state, KafkaState) else None


@asynccontextmanager
async def _in_sqlite(
    state: SqliteState,
    outputs: Mapping[str, OutputConfig],
    sources: Mapping[str, Source],
    places: Collection[StreamRef],
    by: Opening,
) -> AsyncIterator[OpenState]:
    owners = {name: account_id(source) for name, source in sources.items()}
    database = await _database(
        state.path, by, lambda found: [*account_mismatches(found, owners), *identity_mismatches(found, sources)]
    )

    def delivery_to() -> Delivery:
        opened = {name: open_output(name, out, marks_of(database, name), places) for name, out in outputs.items()}
        return Delivery(opened, by.telemetry, by.patience)

    try:
        async with _entered(delivery_to) as delivery:
            ledger = SqliteLedger(database, delivery, by.telemetry, by.now)
            await ledger.claim(owners)
            yield OpenState(ledger, ledger.save_token, lambda: ledger.trouble, database.end)
    finally:
        database.close()


async def _database(path: Path, by: Opening, judge: Judge = lambda _: (), *, make: bool = True) -> Database:
    """Open the file; loudly wait for another process that has it, as long as `StateInUse.patience` says."""
    met: tuple[Holder | None, bool] | None = None
    since = told = anyio.current_time()
    while True:
        try:
            database = Database.open(path, judge, command=by.command, make=make)
            break
        except StateInUse as busy:
            now, ending = anyio.current_time(), bool(busy.holder and busy.holder.is_ending)
            if (busy.holder, ending) != met:
                met, since, told = (busy.holder, ending), now, now - _TELL_AGAIN
            if now - since >= busy.patience(by.command):
                raise
            if busy.holder and now - told >= _TELL_AGAIN:
                told = now
                by.telemetry.notice("state.awaited", path=str(path), holder=str(busy.holder), ending=ending)
            await by.pause(_LOOK_AGAIN)
    if database.copy:
        by.telemetry.notice("state.migrated", path=str(path), copy=str(database.copy))
    return database


def _in_kafka_too(outputs: Mapping[str, OutputConfig]) -> Mapping[str, KafkaConfig]:
    return {name: output for name, output in outputs.items() if isinstance(output, KafkaConfig)}


@asynccontextmanager
async def _in_kafka(
    state: KafkaState,
    outputs: Mapping[str, OutputConfig],
    sources: Mapping[str, Source],
    places: Collection[StreamRef],
    by: Opening,
) -> AsyncIterator[OpenState]:
    joined = _in_kafka_too(outputs)
    replica = replica_name(state)

    def delivery_to() -> Delivery:
        others = {name: open_output(name, output, {}) for name, output in outputs.items() if name not in joined}
        return Delivery(others, by.telemetry, by.patience)

    async with (
        _entered(delivery_to) as delivery,
        KafkaLedger(state, joined, delivery, by.telemetry, by.now, replica, places, by.patience) as ledger,
    ):
        await ledger.claim({name: account_id(source) for name, source in sources.items()})
        yield OpenState(ledger, ledger.save_token, lambda: ledger.trouble)


def _places(sources: Mapping[str, Source], *, progress: bool) -> Collection[StreamRef]:
    """Return all streams that events can come from: source, stream and kind."""
    streams = [(name, stream) for name, source in sources.items() for stream in source.built_streams]
    told = [(name, stream.name, PROGRESS) for name, stream in streams] if progress else []
    return [*((name, stream.name, stream.records.kind.KIND) for name, stream in streams), *told]


@asynccontextmanager
async def _entered(delivery_to: Callable[[], Delivery]) -> AsyncIterator[Delivery]:
    """Open the outputs. Raises ConfigError where one refuses to be written to: that is for the operator to mend."""
    async with AsyncExitStack() as stack:
        try:
            delivery = await stack.enter_async_context(delivery_to())
        except OutputError as error:
            raise ConfigError(str(error)) from None
        yield delivery


@asynccontextmanager
async def open_offline(state: StateConfig, by: Opening, *, make: bool = False) -> AsyncIterator[OfflineState]:
    """Hold it. Raises ConfigError where a poller runs, and, unless `make`, where there is no state."""
    if isinstance(state, KafkaState):
        async with open_offline_topic(state, make=make) as found:
            yield found
        return
    with closing(await _database(state.path, by, make=make)) as database:
        yield OfflineFile(database)


@asynccontextmanager
async def open_reader(state: StateConfig) -> AsyncIterator[StateReader | None]:
    """Open a state to look at it, beside a poller that writes it; yields None where nothing was saved yet.

    Raises ConfigError where the state cannot be read.
    """
    if isinstance(state, KafkaState):
        yield await read_topic(state)
        return
    with closing(database) if (database := Database.read(state.path)) else nullcontext():
        yield database


async def check_writable(state: StateConfig, outputs: Mapping[str, OutputConfig]) -> Sequence[str]:
    """Return what a start would warn of, as far as a look can tell that. Raises ConfigError where it would refuse."""
    if not isinstance(state, KafkaState):
        file.check_writable(state.path)
        return ()
    try:
        found = await topic.inspect(state, _in_kafka_too(outputs))
        with suppress(Unreachable):  # a new cluster has no coordinators yet; what was found holds all the same
            await topic.check_reachable(found.state)
    except Unreachable:
        return ()
    except OutputError as error:
        raise ConfigError(str(error)) from None
    if found.problems:
        raise ConfigError(found.problems)
    return found.warnings


def missing_text(state: StateConfig) -> str:
    """Say that there is no state yet: another folder's, or another topic, may have been meant."""
    return missing_topic_text(state) if isinstance(state, KafkaState) else file.missing(state.path)


def describe_place(state: StateConfig) -> str:
    """Return where the state lies, in words for a person."""
    return f"topic {state.topic} of {state.place}" if isinstance(state, KafkaState) else str(state.path)
