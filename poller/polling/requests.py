"""The requests of one pass: a page that cannot be had is asked for again; a vendor's clock is not believed blindly.

A pass of many pages would never end if every failure began it anew at its first page. So what fails after the first
answer of a pass is asked for again, a few times and soon: also what came as a 200, and is none to its reader. A first
page that fails says that the vendor is down: then the pass fails, and its sweep, or its source, waits. So it does where
the same would be answered again: what is wrong with a request, no repetition mends.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import anyio

from poller.clock import Clock, follow
from poller.errors import Denied, Lasting, SourceError, Throttled, Unavailable, Unexpected
from poller.http.session import Session
from poller.plugin.stream import Http, Query, Response
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.runtime import StreamRuntime
from poller.telemetry import Telemetry

T = TypeVar("T")

_WAITS = (0.5, 1.0, 2.0)
"""Seconds before a page is asked for again, for the first, second and third time."""
_PATIENCE = 300.0
"""Seconds: a vendor that asks for a longer pause in the middle of a pass ends it."""
_UNDATED = timedelta(minutes=1)
"""The time by which the clock of a vendor that sends no `Date` is taken to be behind ours."""


class VendorClock:
    """How far a vendor's clock is `behind` ours, by its last answer; None before the first one."""

    def __init__(self) -> None:
        self.behind: timedelta | None = None
        self.stepped = timedelta(0)

    def shift(self, by: timedelta) -> None:
        """Follow a step of our clock, of which the vendor's knows nothing."""
        self.behind = None if self.behind is None else max(self.behind + by, timedelta(0))


class Requests(Http):
    """Implements `Http` for one pass. `told` remembers what was said of the source once; `facts` are the stream's."""

    def __init__(
        self,
        session: Session,
        breaker: CircuitBreaker,
        telemetry: Telemetry,
        now: Clock,
        told: set[str],
        *,
        vendor: VendorClock,
        facts: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._session, self._breaker, self._telemetry, self._now = session, breaker, telemetry, now
        self._told, self._vendor, self._facts = told, vendor, facts
        self._answers = 0

    def answered(self, path: str) -> bool:
        """Return True if this path has given a 200 to this credential since the program started."""
        return self._session.answered(path)

    def knows(self, fact: str) -> bool:
        """Return True if a page of the stream ever had this fact."""
        return fact in self._facts()

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Ask, and after the first answer of the pass ask again where none comes. Raises SourceError.

        What is no JSON to the end is returned all the same. The `date` is as in `read`.
        """
        return await self.read(path, query, lambda response: response, body=body, accept=accept)

    async def read(
        self,
        path: str,
        query: Query,
        believed: Callable[[Response], T],
        *,
        body: bytes | None = None,
        accept: Collection[int] = (200,),
    ) -> T:
        """Ask, and after the first answer of the pass ask again where none comes that is `believed`.

        The `date` of the answer is never later than our clock was when it was asked for. Raises SourceError.
        """
        failures = 0
        while True:
            asked_at = follow(self._now, self._vendor)
            judge = partial(self._judge, believed, asked_at, may_repeat=bool(self._answers) and failures < len(_WAITS))
            try:
                found = await self._session.read(path, query, judge, body=body, accept=accept)
            except (Unavailable, Throttled, Denied, Unexpected) as error:
                if (wait := self._wait(error, failures)) is None:
                    raise
                failures += 1
                self._telemetry.notice(
                    "request.repeated", source=self._session.source, error=str(error), retry_in=round(wait, 1)
                )
                await anyio.sleep(wait)
            else:
                self._answers += 1
                return found

    def _judge(
        self, believed: Callable[[Response], T], asked_at: datetime, response: Response, *, may_repeat: bool
    ) -> T:
        """Return what is believed of an answer. One that is plainly none is not asked for its date."""
        if may_repeat and not _may_be_json(response):
            raise Unexpected("the answer is no JSON")
        return believed(replace(response, date=self._date(response.date, asked_at)))

    def _wait(self, error: SourceError, failures: int) -> float | None:
        """Return the seconds until the page is asked for again; None where the pass is given up."""
        if not self._answers or failures >= len(_WAITS) or isinstance(error, Lasting):
            return None
        if isinstance(error, Denied):
            if failures:
                return None
            self._session.refused()
        if isinstance(error, Throttled):
            if (error.retry_after or 0.0) > _PATIENCE:
                return None
            now = follow(self._now, self._breaker)
            wait = self._breaker.pause(error.retry_after or _WAITS[failures], now)
            self._telemetry.source_throttled(self._session.source, seconds=wait)
            return wait
        return _WAITS[failures]

    def _date(self, date: datetime | None, asked_at: datetime) -> datetime:
        """Return the vendor's time, as far as it may move a cursor: no later than ours when we asked."""
        self._vendor.behind = max(asked_at - date, timedelta(0)) if date else timedelta(0)
        if date is None:
            self._tell("dates.missing", "the vendor's answers have no Date: our clock counts, less a minute")
            return asked_at - _UNDATED
        if abs(date - asked_at) > timedelta(hours=1):
            self._tell("clock.differs", f"the vendor's clock says {date:%F %T} UTC: the earlier one counts")
        return min(date, asked_at)

    def _tell(self, event: str, why: str) -> None:
        if event not in self._told:
            self._told.add(event)
            self._telemetry.notice(event, source=self._session.source, reason=why)


def _may_be_json(response: Response) -> bool:
    """Return False for a body that is plainly no JSON, or cut off; what it is then, its reader says."""
    if response.status != 200:
        return True
    first, last = response.sent[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1], response.sent[-64:].rstrip()[-1:]
    return (first, last) in {(b"{", b"}"), (b"[", b"]")}


class RequestsFactory:
    """Makes the requests of one source's passes. What is said of the source once is said once for all of them."""

    def __init__(self, session: Session, breaker: CircuitBreaker, telemetry: Telemetry, now: Clock) -> None:
        self.vendor = VendorClock()
        self._session, self._breaker, self._telemetry, self._now = session, breaker, telemetry, now
        self._told = set[str]()

    def __call__(self, stream: StreamRuntime) -> Requests:
        """Return the requests of a pass over this stream that begins."""
        return Requests(
            self._session,
            self._breaker,
            self._telemetry,
            self._now,
            self._told,
            vendor=self.vendor,
            facts=lambda: stream.checkpoint.facts,
        )
