"""`poller streams`: where every stream stands, as the poller that runs says, or as the state says."""

from datetime import datetime

from poller.config.settings import Settings
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.source import restore_streams
from poller.polling.status import stream_status
from poller.server.control import statuses
from poller.state.delivery import Delivery
from poller.state.dry_run import DryLedger
from poller.state.kafka.owners import Owners
from poller.state.open import group_owners, open_reader
from poller.telemetry import Telemetry
from poller.telemetry.status import StreamStatus


async def stream_statuses(settings: Settings, telemetry: Telemetry, now: datetime) -> list[StreamStatus]:
    """Every configured stream: as the poller that polls it says, else as the state has it.

    Raises ConfigError where that can't be read.
    """
    said = {(one.source, one.stream): one for one in await statuses(settings.control) if one.here}
    if owners := group_owners(settings.state):
        await owners.ask()
    async with open_reader(settings.state) as state:
        found = await _standings(settings, DryLedger(state, Delivery({}, telemetry)), owners, now)
    return [said.get((one.source, one.stream), one) for one in found]


async def _standings(settings: Settings, ledger: DryLedger, owners: Owners | None, now: datetime) -> list[StreamStatus]:
    runs = [
        run
        for name, account in settings.sources.items()
        for run in await restore_streams(name, account, ledger, lambda: now)
    ]
    return [
        stream_status(run, CircuitBreaker(), paused=False, owner=owners(run.source) if owners else "", now=now)
        for run in runs
    ]
