from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import anyio
import httpx
import pytest
from pydantic import SecretStr

from poller.server.endpoints import application
from poller.server.listener import serve
from poller.server.port import listen
from poller.telemetry import Telemetry
from poller.telemetry.status import GapStatus, StreamStatus, SweepStatus
from tests.support.loopback import NO_AUTHORITIES

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
NASTY = "<script>alert('x')</script>"


class House:
    """What the endpoints ask: a test changes it and looks again."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()
        self.reasons: list[str] = []
        self.token: SecretStr | None = None
        self.streams = [
            StreamStatus(
                source="acme",
                stream="calls",
                state="gap",
                lag_seconds=12.5,
                gaps=[GapStatus("live", NOON, NOON, "unreadable", NOON)],
                last_error=NASTY,
                owner="here",
                sweeps=[SweepStatus("live", NOON, NOON, None), SweepStatus("audit", None, None, NASTY)],
                seen=1234,
                gap_seconds=30.0,
                covered_until=NOON - timedelta(seconds=12),
            )
        ]
        self.telemetry.watch(lambda: (status.gauges for status in self.statuses()))

    def ready(self) -> list[str]:
        return self.reasons

    def statuses(self) -> Iterable[StreamStatus]:
        return self.streams


@asynccontextmanager
async def running(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The real server on a free loopback port, and somebody who asks it."""
    sock = listen("127.0.0.1", 0)
    url = "http://{}:{}".format(*sock.getsockname())
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_AUTHORITIES) as client,
        anyio.create_task_group() as tasks,
    ):
        app = application(house.telemetry, house.ready, house.statuses, lambda: house.token)
        tasks.start_soon(serve, sock, app)
        yield client
        tasks.cancel_scope.cancel()


@pytest.fixture
def house() -> House:
    return House()
