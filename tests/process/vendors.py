"""The simulated vendors on a port of their own, served from a thread of the tests; a test changes them as it likes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from poller.sandbox.serve import listen, serve
from poller.sandbox.world import World

LISTS = {"callcap": "/callcap/v2/get/calls/", "flextell": "/flextell/api/v1/leads"}
STREAMS = {"callcap": "callcap/calls", "flextell": "flextell/leads"}


class Vendors:
    """Where they are (`at`), what they hold, and what they were asked."""

    def __init__(self, at: str, portal: BlockingPortal, world: World) -> None:
        self.at = at
        self._portal, self._world = portal, world

    def vices(self, settings: Mapping[str, Mapping[str, float]]) -> None:
        """Misbehave like this from now on, and not as before."""
        self._portal.call(self._world.vices.set, settings)

    def put(self, vendor: str, **fields: Any) -> str:
        """A new record, visible now; its identity."""
        return str(self._portal.call(self._world.put, STREAMS[vendor], fields))

    def holds(self, vendor: str) -> set[str]:
        """The identities of all that its list shows, broken records apart: there are none."""
        return set(self._portal.call(self._world.truth, STREAMS[vendor]))

    def number(self) -> int:
        """The number of the last request so far."""
        return int(self._log(0)["last"])

    def asked(self, vendor: str, since: int = 0) -> list[dict[str, Any]]:
        """The requests that a vendor got after number `since`, token requests too."""
        return [entry for entry in self._log(since)["requests"] if entry["path"].startswith(f"/{vendor}/")]

    def _log(self, since: int) -> dict[str, Any]:
        with httpx.Client(base_url=self.at, trust_env=False, timeout=20) as http:
            return dict(http.get("/_sandbox/log", params={"since": since}).json())


@contextmanager
def serving(rate: float = 6, minutes: float = 10) -> Iterator[Vendors]:
    """Vendors whose records came in the last `minutes`, and to whom nothing happens but by the test's hand."""
    world = World(7, rate, lambda: datetime.now(UTC), timedelta(minutes=minutes))
    world.quiet()
    sock = listen(0)
    with start_blocking_portal() as portal:
        stop = portal.call(anyio.Event)
        done = portal.start_task_soon(lambda: serve(sock, world, stop=stop))
        yield Vendors(f"http://127.0.0.1:{sock.getsockname()[1]}", portal, world)
        portal.call(stop.set)
        done.result(20)
