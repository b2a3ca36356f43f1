"""The sandbox as a week goes by: every vice a little, and now and then a vendor that is out of order for hours."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest
from starlette.types import Receive, Scope, Send

from poller.sandbox.accounts import ACCOUNTS
from poller.sandbox.app import sandbox
from poller.sandbox.world.world import World
from tests.chaos.files import Overlapping
from tests.chaos.vices import vices

HOUR = timedelta(hours=1)
OUTAGES = ("server_error", "reset", "stall", "html_200", "forbidden", "throttle")
"""What every answer of a vendor is, while it is out of order."""
LONGEST = 6
"""Hours of an outage."""
REPLICAS = timedelta(seconds=30)
"""Time by which copies of a vendor's database are behind."""
AMOUNTS = {
    "retry_after_a_year": 0.0002,  # each is a day of silence
    "csv_imports": 0.00005,  # each is hundreds of records: pages, and so requests, and so imports
    "shifting_pages": 0.02,  # each is a record, too
    "replica_seconds": REPLICAS.total_seconds(),
    "stall_seconds": 30.0,
    "retry_seconds": 60.0,
    "slide_seconds": 30.0,
    "token_seconds": 3600.0,
}


class Weather:
    """An ASGI app: the sandbox over this world, whose vices change by the hour, until it is `calm`."""

    def __init__(self, world: World, seed: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("poller.sandbox.vendors.flextell.Tokens", Overlapping)
            self._inner = sandbox(world)
        self._world, self._seed = world, seed
        self._hour: datetime | None = None
        self._calm = False
        self.requests = 0
        self.hours_out: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.requests += 1
        hour = self._world.now().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour and not self._calm:
            self._hour = hour
            self._blow(hour)
        await self._inner(scope, receive, send)

    def calm(self) -> None:
        """Let nothing happen any more, and everything be well."""
        self._calm = True
        self._world.quiet()
        self._world.vices.clear()

    def _blow(self, hour: datetime) -> None:
        out = {vendor: kind for vendor in ACCOUNTS if (kind := self._outage(vendor, hour))}
        self.hours_out.update(out.keys())
        worst = {vendor: {kind: 1.0} for vendor, kind in out.items()}
        self._world.vices.set({"*": vices()["*"] | AMOUNTS, **worst})

    def _outage(self, vendor: str, hour: datetime) -> str | None:
        """Return what this vendor suffers from in this hour."""
        for ago in range(LONGEST):
            rng = Random(f"{self._seed} {vendor} {hour - ago * HOUR}")
            if rng.random() < 0.02 and rng.randint(1, LONGEST) > ago:
                return rng.choice(OUTAGES)
        return None
