"""`poller streams`: where every stream stands, as the poller that runs says, or as the state says."""

from collections.abc import Callable
from datetime import datetime

from poller.config.settings import Settings
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.source import read_stream, stream_runtime
from poller.polling.status import stream_status
from poller.server.control import running_statuses
from poller.state.kafka.owners import Owners
from poller.state.open import group_owners, missing_text, open_reader
from poller.state.reader import StateReader
from poller.telemetry.status import StreamStatus


async def stream_statuses(settings: Settings, now: datetime, note: Callable[[str], None]) -> list[StreamStatus]:
    """Give the status of every configured stream: as the poller that polls it says, else as the state has it.

    `note` is told where there is no state. Raises ConfigError where the state can't be read.
    """
    said = {(one.source, one.stream): one for one in await running_statuses(settings.control) if one.here}
    if owners := group_owners(settings.state):
        await owners.ask()
    async with open_reader(settings.state) as state:
        if state is None:
            note(missing_text(settings.state))
        found = _standings(settings, state, owners, now)
    return [said.get((one.source, one.stream), one) for one in found]


def _standings(
    settings: Settings, state: StateReader | None, owners: Owners | None, now: datetime
) -> list[StreamStatus]:
    runs = [
        stream_runtime(name, source, stream, read_stream(name, source, stream, state), now)
        for name, source in settings.sources.items()
        for stream in source.built_streams
    ]
    return [
        stream_status(run, CircuitBreaker(), paused=False, owner=owners(run.source) if owners else "", now=now)
        for run in runs
    ]
