"""What a poll that brings nothing is made of: `python -m tests.bench.idle`.

Turn by turn in one process: a bare httpx request on a connection that is kept, one on a new connection, one of our
session, and a whole poll of a Callcap `live` sweep as `poller run` does it (request, decision, commit to SQLite,
metrics, log). The vendor is a process of its own that sends an empty list. What counts is this process's processor
time, all its threads. `profile` prints the functions in which the polls spend their time. `make bench CELL=empty`
measures the same poll from outside.
"""

import asyncio
import cProfile
import multiprocessing
import pstats
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import anyio
import httpx

from poller.clock import Clock, utc_now
from poller.http.auth import make_auth
from poller.http.session import Session, open_session
from poller.polling.source import source_loop
from poller.sources.callcap import Callcap
from poller.state.delivery import Delivery
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry, configure_logging
from tests.outputs.material import file_config

ROUNDS, PATIENCE = 7, 1.0
"""How often each has its turn, and for how many seconds."""
QUERY = {
    "search_last_modified_start": "2026-11-29 05:12", "search_range": "custom", "show": "1000", "page": "1",
    "search_startdate": "2000-01-01", "search_enddate": "2026-11-30", "order": "oldest", "detail": "all",
    "conversation_type": "call", "search_timezone": "US/Arizona",
}  # fmt: skip
EMPTY = (
    b'{"status":"success","pagination":{"page":1,"show":1000,"last_page":1,"total_records":0,"records_returned":0},'
    b'"search":{"timezone":"US/Arizona"},"call":[]}'
)


class EmptyVendor(asyncio.Protocol):
    """Answers whatever it is asked with an empty list of calls."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        *asked, self._read = (self._read + data).split(b"\r\n\r\n")
        for head in asked:
            ends = b"onnection: close" in head
            fields = f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(EMPTY)}\r\n".encode()
            fields += b"Content-Type: application/json\r\n" + b"Connection: close\r\n" * ends
            self._transport.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + EMPTY)
            if ends:
                self._transport.close()


async def _serve(told: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(EmptyVendor, "127.0.0.1", 0, backlog=1000)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _in_a_process(told: Connection) -> None:
    asyncio.run(_serve(told))


def vendor() -> tuple[multiprocessing.Process, str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_in_a_process, args=(theirs,), daemon=True)
    process.start()
    return process, f"http://127.0.0.1:{ours.recv()}"


def account(url: str, every: str) -> Callcap:
    rare = {"every": "24h", "lookback": "5m"}
    sweeps = {"recent": rare, "live": {"every": every, "lookback": "5m"}, "audit": {**rare, "lookback": "72h"}}
    return Callcap.model_validate(
        {
            "type": "callcap", "api_key": "key", "base_url": url, "requests_per_minute": 10_000_000,
            "streams": {"calls": {"sweeps": sweeps}},
        }
    )  # fmt: skip


@asynccontextmanager
async def sqlite_ledger(folder: Path, telemetry: Telemetry) -> AsyncIterator[SqliteLedger]:
    database = Database.open(folder / "poller.db")
    try:
        async with Delivery({"files": file_config(folder).open({})}, telemetry) as delivery:
            yield SqliteLedger(database, delivery, telemetry, utc_now)
    finally:
        database.close()


class CountingTelemetry(Telemetry):
    """Telemetry that also says how many polls there were."""

    polls = 0

    def poll_completed(self, *names: str, **fields: object) -> None:
        self.polls += 1
        super().poll_completed(*names, **fields)  # type: ignore[arg-type]  # passed on as they came


@asynccontextmanager
async def polling(url: str, folder: Path) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """A function that polls for a while, and returns how often."""
    telemetry = CountingTelemetry()
    async with sqlite_ledger(folder, telemetry) as ledger:

        async def polls() -> int:
            before, named = (
                telemetry.polls,
                {"telemetry": telemetry, "now": Clock(telemetry.clock_stepped), "save": None, "once": False},
            )
            async with source_loop("acme", account(url, "1ms"), ledger=ledger, **named) as loop:  # type: ignore[arg-type]
                assert loop
                with anyio.move_on_after(PATIENCE):
                    await loop.run()
            return telemetry.polls - before

        yield polls


async def bare_requests(client: httpx.AsyncClient, url: str) -> int:
    """Ask as plainly as httpx can; return how often."""
    count, until = 0, time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = await client.get(f"{url}/v2/get/calls/", params=QUERY, headers={"Authorization": "Bearer key"})
        assert answer.content
        count += 1
    return count


async def our_requests(ours: Session) -> int:
    """Ask as the program does; return how often."""
    count, until = 0, time.monotonic() + PATIENCE
    while time.monotonic() < until:
        await ours.get("/v2/get/calls/", QUERY)
        count += 1
    return count


async def cost(work: Callable[[], Awaitable[int]]) -> float:
    """Return the CPU of one piece of the work, in milliseconds."""
    began = time.process_time()
    count = await work()
    return (time.process_time() - began) / count * 1000


async def compare(url: str, folder: Path, *, profile: bool) -> None:
    configure_logging((folder / "log").open("w"), json=True)
    fresh = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), headers={"Connection": "close"})
    auth = make_auth(config := account(url, "1ms"), None, None, utc_now)
    session = open_session("acme", config, auth, Telemetry(), utc_now)
    async with polling(url, folder) as polls, httpx.AsyncClient() as kept, fresh, session as ours:
        await polls()
        if profile:
            with cProfile.Profile() as found:
                await polls()
            pstats.Stats(found, stream=sys.stdout).sort_stats("tottime").print_stats(45)
            return
        works: dict[str, Callable[[], Awaitable[int]]] = {
            "bare httpx request, connection kept": lambda: bare_requests(kept, url),
            "httpx request, new connection": lambda: bare_requests(fresh, url),
            "request of our session": lambda: our_requests(ours),
            "empty poll": polls,
        }
        rounds = [[await cost(work) for work in works.values()] for _ in range(ROUNDS)]
    for name, times in zip(works, zip(*rounds, strict=True), strict=True):
        ratio = median(mine / first for mine, (first, *_) in zip(times, rounds, strict=True))
        sys.stdout.write(f"{name:<36} {median(times):.3f} ms CPU   {ratio:.2f} times\n")


def main() -> None:
    process, url = vendor()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(url, Path(folder), profile="profile" in sys.argv))
    process.terminate()


if __name__ == "__main__":
    main()
