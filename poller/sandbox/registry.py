"""The table of contents of the sandbox: every simulated vendor, one file each, and the world that they share."""

from collections.abc import Callable
from datetime import datetime, timedelta

from poller.sandbox.api.backend import Vendor
from poller.sandbox.vendors import agendize, callcap, flextell, helpdesk, ipscape, trackdrive
from poller.sandbox.world.world import World

VENDORS: tuple[Vendor, ...] = (
    agendize.VENDOR,
    callcap.VENDOR,
    flextell.VENDOR,
    helpdesk.VENDOR,
    ipscape.VENDOR,
    trackdrive.VENDOR,
)
KINDS = tuple(kind for vendor in VENDORS for kind in vendor.kinds)


def new_world(
    seed: int,
    rate: float,
    now: Callable[[], datetime],
    history: timedelta = timedelta(days=2),
    past_limit: int = 5_000,
) -> World:
    """Return a world with the records of every simulated vendor; the arguments are those of `World`."""
    return World(KINDS, seed, rate, now, history, past_limit)
