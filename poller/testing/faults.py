"""A source's double that fails on demand: markup, errors, silence and cuts, as networks and gateways make them."""

from starlette.types import ASGIApp, Receive, Scope, Send

from poller.clock import Now
from poller.sandbox.faults import FAULTS as ALL
from poller.sandbox.faults import Front, Log, Refusal
from poller.sandbox.world.vices import Vices
from poller.sandbox.world.world import World

FAULTS = tuple(fault for fault in ALL if fault not in {"short_body", "retry_after_a_year"})
"""The faults that no answer gets through, by the names of `poller sandbox`: see docs/sandbox.md."""

_NAME = "double"


class FaultyDouble:
    """An ASGI application behind a front door that dates every answer and fails as it is told.

    `refusal` builds the vendor's own error answer of a status; with status 200, an error that only the body tells of.
    """

    def __init__(self, app: ASGIApp, now: Now, refusal: Refusal, seed: int = 1) -> None:
        world = World((), seed, 0, now)
        world.vices = self._vices = Vices(seed, vendors=[_NAME])
        self._front = Front(app, world, Log(), {_NAME: refusal})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to do so."""
        await self._front(scope, receive, send)

    def fail(self, **faults: float) -> None:
        """Fail with these probabilities from now on, and in no other way; amounts such as `stall_seconds` go here, too.

        Raises ValueError where there is no such fault.
        """
        self._vices.set({_NAME: faults})

    def recover(self) -> None:
        """Answer well from now on."""
        self._vices.clear()
