"""The requests of one pass: what a fetch of a sweep asks its vendor with."""

from collections.abc import Collection, Mapping

from poller.clock import Now
from poller.http.session import Session
from poller.plugin.stream import Response
from poller.polling.circuit_breaker import CircuitBreaker
from poller.telemetry import Telemetry


class Requests:
    """Implements `Http` for one pass."""

    def __init__(self, session: Session, breaker: CircuitBreaker, telemetry: Telemetry, now: Now) -> None:
        self._session, self._breaker, self._telemetry, self._now = session, breaker, telemetry, now

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        """Ask once. Raises SourceError."""
        return await self._session.get(path, params, accept=accept)

    def answered(self, path: str) -> bool:
        """Return True if this path has given a 200 to this credential since the program started."""
        return self._session.answered(path)
