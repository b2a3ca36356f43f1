"""A made-up poller to look at: streams of every state, an hour of events, served on a port of its own."""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import anyio
from anyio.from_thread import start_blocking_portal
from msgspec.structs import replace

from poller.events.batch import Counts
from poller.server.endpoints import application
from poller.server.listener import serve
from poller.server.port import listen
from poller.telemetry import Telemetry
from poller.telemetry.status import GapStatus, State, StreamStatus, SweepStatus

HOUR = timedelta(hours=1)
STREAMS: Sequence[tuple[str, str, str, float]] = (  # source, stream, sweeps, events a minute
    ("acme-calls", "calls", "recent live audit", 4),
    ("acme-leads", "leads", "live settle audit changes", 9),
    ("acme-leads", "calls", "live ended updated audit", 14),
    ("clinics", "calls", "live settle audit", 1.5),
    ("crm", "leads", "live converted synced trashed full", 6),
    ("support-centre", "activities", "live settle audit", 22),
    ("support-centre", "dialler_calls", "live settle audit", 40),
    ("support-centre", "leads", "live settle audit touched", 3),
    ("support-centre", "campaigns", "snapshot", 0),
    ("support-centre", "users", "snapshot", 0),
)
UPDATED = "updated: the list reaches back to 09:12:40 only"


class Picture:
    """What the page is asked to show; a test changes it and looks again."""

    def __init__(self, streams: Sequence[StreamStatus]) -> None:
        self.seconds = 0.0
        self.telemetry = Telemetry(lambda: self.seconds)
        self.streams = list(streams)
        self.reasons: list[str] = []
        self.broken = False

    def ready(self) -> list[str]:
        return self.reasons

    def statuses(self) -> list[StreamStatus]:
        if self.broken:
            raise RuntimeError("as a test wishes")
        return self.streams

    def change(self, source: str, stream: str, state: State, error: str | None = None) -> None:
        """Put a stream into another state."""
        at = next(n for n, of in enumerate(self.streams) if (of.source, of.stream) == (source, stream))
        self.streams[at] = replace(self.streams[at], state=state, last_error=error)

    def fail(self, source: str, stream: str, sweep: str, outcome: str, error: str) -> None:
        """A sweep of it failed, and says so."""
        of = next(of for of in self.streams if (of.source, of.stream) == (source, stream))
        at = self.streams.index(of)
        sweeps = [replace(one, last_error=error) if one.name == sweep else one for one in of.sweeps]
        self.streams[at] = replace(of, sweeps=sweeps, last_error=f"{sweep}: {error}")
        self.telemetry.poll_failed(source, stream, sweep, error=OSError(error), outcome=outcome, retry_in=30.0)


def well(source: str, stream: str, sweeps: str, now: datetime) -> StreamStatus:
    """A stream in no trouble."""
    listed = sweeps == "snapshot"
    lag = 1240.0 if listed else 8.0 + len(source)
    each = [
        SweepStatus(
            name, now - timedelta(seconds=lag * (at + 1) ** 3 - 5), now + timedelta(seconds=12 + 600 * at), None
        )
        for at, name in enumerate(sweeps.split())
    ]
    status = StreamStatus(source, stream, "ok", lag, [], None, "poller-0", each, 48211, 0.0)
    return behind(status, lag, now)


def behind(status: StreamStatus, lag: float, now: datetime) -> StreamStatus:
    """Return the status of a stream that is so many seconds behind."""
    return replace(status, lag_seconds=lag, covered_until=now - timedelta(seconds=lag))


def mixed(now: datetime) -> Picture:
    """Ten streams: one refused, one with a gap, one late, one that waits, the others well; two outputs that are up."""
    of = Picture([well(source, stream, sweeps, now) for source, stream, sweeps, _ in STREAMS])
    of.telemetry.outputs(["archive", "bus"])
    _fill(of, {(source, stream): rate for source, stream, _, rate in STREAMS})
    of.streams[0] = replace(behind(of.streams[0], 5340.0, now), state="denied")
    of.fail("acme-calls", "calls", "live", "denied", "HTTP 401")
    gap = GapStatus("updated", now - 2 * HOUR, now - 1.5 * HOUR, "unreadable", now - HOUR)
    of.streams[2] = replace(of.streams[2], state="gap", gaps=[gap], gap_seconds=1800.0)
    of.streams[4] = replace(of.streams[4], state="waiting")
    of.fail("crm", "leads", "synced", "throttled", "HTTP 429")
    of.streams[5] = replace(behind(of.streams[5], 431.0, now), state="late")
    of.fail("support-centre", "activities", "live", "unavailable", "no answer within 30 s")
    return of


def many(now: datetime, number: int = 500) -> Picture:
    """So many streams, every fiftieth in trouble."""
    of = Picture([well(f"tenant-{n:03}", "calls", "live settle audit", now) for n in range(number)])
    of.telemetry.outputs(["bus"])
    _fill(of, {(f"tenant-{n:03}", "calls"): n % 7 for n in range(number)})
    for n in range(25, number, 50):
        of.streams[n] = replace(behind(of.streams[n], 900.0 + n, now), state="late")
        of.fail(f"tenant-{n:03}", "calls", "live", "unavailable", "HTTP 503")
    return of


def _fill(of: Picture, rates: dict[tuple[str, str], float]) -> None:
    chance = random.Random(7)
    for minute in range(60):
        of.seconds = 60.0 * minute
        for (source, stream), rate in rates.items():
            count = round(rate * (1 + 0.5 * math.sin(minute / 7)) * chance.random() * 2)
            if not (source == "acme-calls" and minute > 30):  # refused since
                events = {"x.created": count}
                of.telemetry.page_delivered(source, stream, "live", Counts(events=Counter(events)))


class Served:
    """A picture on a port; `stop` takes the server away."""

    def __init__(self, of: Picture) -> None:
        self.of = of
        self._sock = listen("127.0.0.1", 0)
        self.at = f"http://127.0.0.1:{self._sock.getsockname()[1]}/"
        self._scope = anyio.CancelScope()

    async def run(self) -> None:
        with self._scope:
            await serve(self._sock, application(self.of.telemetry, self.of.ready, self.of.statuses))


@contextmanager
def served(of: Picture) -> Iterator[Served]:
    """The real server, in a thread of its own."""
    with start_blocking_portal() as portal:
        house = Served(of)
        done = portal.start_task_soon(house.run)
        try:
            yield house
        finally:
            portal.call(house._scope.cancel)
            done.result(20)


def utc_now() -> datetime:
    return datetime.now(UTC)
