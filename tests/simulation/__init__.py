"""Whole pollers on simulated time: vendors' doubles, real state and files, a clock that jumps, and sudden death."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from poller.plugin.source import Source
from poller.sandbox.accounts import DESCRIBED, account
from poller.sandbox.app import sandbox
from poller.sandbox.registry import KINDS
from poller.sandbox.vendors import agendize as agendize_double
from poller.sandbox.vendors import ipscape as ipscape_double
from poller.sandbox.vendors.agendize_records import COMPANY_ZONE
from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.vendors.trackdrive import PRIVATE_KEY, PUBLIC_KEY
from poller.sandbox.world.truth import History
from poller.sandbox.world.world import World
from poller.sources.agendize import Agendize
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.sources.ipscape import Ipscape
from poller.sources.rest import Rest
from poller.sources.trackdrive import Trackdrive
from poller.testing.simulation import BIRTH
from poller.testing.simulation import Simulation as PollerOnSimulatedTime
from tests.chaos.death import Death, Killed, mortal
from tests.laws.laws import Life
from tests.laws.truth import Yardstick

__all__ = ["ACCOUNTS", "AT", "BIRTH", "Simulation", "truth_of"]

AT = "http://sandbox"


def agendize(**settings: Any) -> Agendize:
    fixed = {"type": "agendize", "base_url": f"{AT}/agendize/api/2.0", "requests_per_minute": 600}
    keys = {"api_key": agendize_double.API_KEY, "token": agendize_double.TOKEN, "timezone": COMPANY_ZONE}
    return Agendize.model_validate(fixed | keys | settings)


def callcap(**settings: Any) -> Callcap:
    return Callcap.model_validate(
        {"type": "callcap", "base_url": f"{AT}/callcap", "api_key": API_KEY, "requests_per_minute": 600} | settings
    )


def flextell(**settings: Any) -> Flextell:
    token: dict[str, Any] = {"access_token": ACCESS_TOKEN}
    if settings.pop("oauth", False):
        token = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
        token["token_url"] = f"{AT}/flextell/oauth/token"
    fixed = {"type": "flextell", "base_url": f"{AT}/flextell/api/v1", "tenant": TENANT, "requests_per_minute": 600}
    return Flextell.model_validate(fixed | token | settings)


def trackdrive(**settings: Any) -> Trackdrive:
    keys = {"public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY}
    fixed = {"type": "trackdrive", "base_url": f"{AT}/trackdrive", "requests_per_minute": 600}
    return Trackdrive.model_validate(fixed | keys | settings)


def ipscape(**settings: Any) -> Ipscape:
    fixed = {"type": "ipscape", "base_url": f"{AT}/ipscape/platform-api", "requests_per_minute": 600}
    return Ipscape.model_validate(fixed | {"token": ipscape_double.TOKEN} | settings)


def helpdesk(*, streams: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any) -> Rest:
    """Return the described source; `streams` are laid over its description."""
    fixed = account(AT, DESCRIBED) | settings
    described = {name: stream | (streams or {}).get(name, {}) for name, stream in fixed["streams"].items()}
    return Rest.model_validate(fixed | {"streams": described})


ACCOUNTS: Mapping[str, Callable[..., Source]] = {
    "agendize": agendize,
    "callcap": callcap,
    "flextell": flextell,
    DESCRIBED: helpdesk,
    "ipscape": ipscape,
    "trackdrive": trackdrive,
}
"""Every vendor's account in the sandbox, by its name."""


@dataclass
class Simulation(PollerOnSimulatedTime):
    """These vendors' sandbox, and one after another the lives of pollers over it, which may end by sudden death."""

    rate: float = 2.0
    history: timedelta = timedelta(hours=1)
    vices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = {urlsplit(account.base_url).path.split("/")[1] for account in self.accounts.values()}
        kinds = [kind for kind in KINDS if kind.vendor in asked]
        self.world = World(kinds, self.seed, self.rate, self.now, self.history)
        self.world.vices.set(self.vices)
        self.app = sandbox(self.world)

    def live(self, seconds: float, death: Death | None = None, *, once: bool = False) -> bool:
        """Let a poller live for this many simulated seconds at most; return False if it was killed."""
        with pytest.MonkeyPatch.context() as patch:
            mortal(death or Death(), patch.setattr)
            try:
                self.poll(seconds, once=once)
            except BaseExceptionGroup as group:
                if group.subgroup(Killed) is None:
                    raise
                return False
            except Killed:
                return False
        return True


def truth_of(world: World, yardstick: Yardstick) -> Mapping[str, Life]:
    """Return by identity all that ever became visible, in the laws' words."""
    told = world.truth(yardstick.name)
    return {identity: _life(yardstick, history) for identity, history in told.items()}


def _life(yardstick: Yardstick, history: History) -> Life:
    versions = [
        {"at": shown.at, "record": shown.record, "deleted": shown.deleted, "vices": shown.vices}
        for shown in history.versions
    ]
    return yardstick.life(versions, history.deletion_event)
