"""A source that is polled on simulated time and recorded, and its recording replayed at the same times."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from poller.commands.replay_config import TOKEN_PATH
from poller.http.recorder import Recorder
from poller.plugin.source import Source
from poller.recording.file import Exchange
from poller.recording.matching import Tape
from poller.redaction import secrets_in
from poller.sandbox.api.list_rows import Rows
from poller.sandbox.api.list_server import ListServer
from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.sandbox.replay import Replay
from poller.sources.rest import Rest
from poller.testing.faults import FaultyDouble
from poller.testing.simulation import BIRTH, Simulation
from tests.simulation import ACCOUNTS
from tests.sources.rest.test_list_server import CASES, refusal, settings_of

NAMES = (*ACCOUNTS, *CASES)
HOUR = timedelta(hours=1)


@dataclass
class Recorded(Simulation):
    """A poller whose exchanges are kept."""

    kept: list[Exchange] = field(default_factory=list)

    def recorder(self, source: str) -> Recorder:
        account = self.accounts[source]
        return Recorder(self.kept.append, secrets_in(account), account.headers)


def source_of(name: str) -> Source:
    return ACCOUNTS[name](start="1h") if name in ACCOUNTS else Rest.model_validate(settings_of(CASES[name]))


def double_of(name: str, now: Callable[[], datetime]) -> ASGIApp:
    if name in ACCOUNTS:
        return sandbox(new_world(1, 4, now, HOUR))
    return FaultyDouble(ListServer(CASES[name].api, Rows(now, BIRTH - HOUR)), now, refusal)


def recorded(folder: Path, name: str, seconds: float) -> Recorded:
    """Poll it for so long."""
    poller = Recorded(folder, {"acme": source_of(name)})
    poller.app = double_of(name, poller.now)
    poller.poll(seconds)
    return poller


def replayed(folder: Path, name: str, exchanges: Iterable[Exchange], seconds: float) -> tuple[Simulation, list[str]]:
    """Poll a recording of it for so long; also what was asked that is like nothing in it."""
    source, unlike = source_of(name), list[str]()
    poller = Simulation(folder, {"acme": source})
    without = getattr(source.credential(), "params", {})
    poller.app = Replay(Tape(exchanges, without), urlsplit(source.base_url).path, TOKEN_PATH, unlike.append)
    poller.poll(seconds)
    return poller, unlike


def shown(poller: Simulation) -> list[Any]:
    """What the events say of records, but for what a mask replaces."""
    return [(event["stream"], event["type"], event["revision"], event["time"]) for event in poller.events("acme")]
