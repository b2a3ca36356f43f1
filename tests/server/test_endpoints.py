"""The endpoints, over a real port, as a probe, a scraper and a browser see them."""

import gzip
import re
import threading
import time
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import anyio
import httpx
import pytest
from msgspec.structs import replace

from poller.server.endpoints import application
from poller.server.listener import serve
from poller.server.port import listen
from poller.telemetry.status import BackfillStatus, GapStatus, StreamStatus
from tests.server.conftest import NASTY, NOON, House, running
from tests.support.loopback import NO_AUTHORITIES


async def test_it_is_alive(house: House) -> None:
    async with running(house) as client:
        answer = await client.get("/livez")
    assert (answer.status_code, answer.text.strip()) == (200, "ok")


async def test_readiness_flips_and_says_why(house: House) -> None:
    async with running(house) as client:
        assert (await client.get("/readyz")).json() == {"ready": True, "reasons": []}
        house.reasons = ["output bus is down: no route", "the state cannot be written"]
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "reasons": house.reasons}
        assert (await client.get("/livez")).status_code == 200
        house.reasons = []
        assert (await client.get("/readyz")).status_code == 200


async def test_metrics(house: House) -> None:
    async with running(house) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'poller_lag_seconds{source="acme",stream="calls"} 12.5\n' in answer.text


@pytest.mark.parametrize("asked", ["gzip", "deflate, gzip;q=1.0, *;q=0.5", "GZIP", "", "identity", "gzip;q=0", "br"])
async def test_metrics_are_packed_where_that_is_asked_for(house: House, asked: str) -> None:
    async with running(house) as client, client.stream("GET", "/metrics", headers={"accept-encoding": asked}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    packed = asked.lower() not in {"", "identity", "gzip;q=0", "br"}
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert answer.headers["vary"] == "accept-encoding"
    assert b'\npoller_seen_records{source="acme",stream="calls"} 1234.0\n' in (gzip.decompress(raw) if packed else raw)


async def test_streams(house: House) -> None:
    async with running(house) as client:
        answer = await client.get("/api/streams")
    noon = "2026-03-14T12:00:00.000Z"
    assert answer.headers["content-type"] == "application/json"
    (told,) = answer.json()
    assert told == (
        {
            "source": "acme",
            "stream": "calls",
            "state": "gap",
            "lag_seconds": 12.5,
            "covered_until": "2026-03-14T11:59:48.000Z",
            "gap_seconds": 30.0,
            "gaps": [{"start": noon, "end": noon, "kind": "unreadable", "sweep": "live", "since": noon}],
            "last_error": NASTY,
            "owner": "here",
            "seen": 1234,
            "backfill": None,
            "sweeps": [
                {"name": "live", "last_success": noon, "next_poll": noon, "last_error": None},
                {"name": "audit", "last_success": None, "next_poll": None, "last_error": NASTY},
            ],
            "fault": "vendor",
            "reason": "the vendor's list does not reach back so far",
            "settled_until": None,
            "coverage": {},
            "suspicion": None,
            "unmapped": {},
            "found": [],
            "events_per_minute": [0] * 60,
        }
    )
    assert datetime.fromisoformat(noon).tzinfo is not None


async def test_the_verdict_and_the_outputs(house: House) -> None:
    house.telemetry.outputs(["bus"])
    house.reasons = ["the disk is full"]
    async with running(house) as client:
        answer = await client.get("/api/status")
    told = answer.json()
    assert told["reasons"] == ["the disk is full"]
    assert told["verdict"]["complete"] is False
    assert told["verdict"]["sentence"] == "Not complete: nothing is delivered: the disk is full"
    assert datetime.fromisoformat(told["outputs"][0].pop("since")) <= datetime.now(UTC)
    assert told["outputs"] == [{"name": "bus", "up": True, "error": None}]


async def test_how_far_a_backfill_and_a_gap_are(house: House) -> None:
    day = timedelta(days=1)
    live, unreadable = (
        GapStatus("live", NOON - day, NOON, "outage", NOON),
        GapStatus("updated", NOON - day, NOON, "unreadable", NOON),
    )
    backfill = BackfillStatus(NOON - 4 * day, NOON, NOON - day, 10, 5, None)
    house.streams = [replace(house.streams[0], gaps=[live, unreadable], backfill=backfill)]
    async with running(house) as client:
        told, shown = (await client.get("/api/status")).json(), (await client.get("/")).text
    until, end = "2026-03-13T12:00:00.000Z", "2026-03-14T12:00:00.000Z"
    assert told["catching_up"] == [
        {"stream": "acme/calls", "reader": "backfill", "at": until, "end": end, "share": 0.75},
        {"stream": "acme/calls", "reader": "live", "at": until, "end": end, "share": None},
    ]
    assert "acme/calls <small>backfill</small>: 75%, read up to 2026-03-13 12:00" in shown
    assert "acme/calls <small>live</small>: read up to 2026-03-13 12:00" in shown
    assert "updated</small>: read" not in shown


def named(kind: str, text: str) -> str:
    """The one element of this kind in the page, as its policy would have to name it."""
    (body,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
    return f"'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'"


async def test_the_page_runs_its_own_script_alone_and_loads_nothing(house: House) -> None:
    house.reasons = [NASTY]
    house.telemetry.outputs(["bus", NASTY])
    async with running(house) as client:
        answer = await client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == named("script", answer.text)
    assert policy["style-src"] == named("style", answer.text)
    assert policy["connect-src"] == "'self'"
    assert answer.text.count("<script") == 1
    assert answer.text.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;") == 6
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in answer.text


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/api/streams", "/api/status", "/"])
async def test_every_path_is_read_only_and_kept_by_nobody(house: House, path: str) -> None:
    async with running(house) as client:
        head, post = await client.head(path), await client.post(path)
    assert head.status_code == 200
    assert head.headers["cache-control"] == "no-store"
    assert head.content == b""
    assert "server" not in head.headers
    assert post.status_code == 405


async def test_what_is_not_there(house: House) -> None:
    async with running(house) as client:
        assert (await client.get("/api/secrets")).status_code == 404


class Slow(House):
    """Whose statuses take until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()
        self.at_once = self.most_at_once = 0

    def statuses(self) -> Iterable[StreamStatus]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.set()
        self.go.wait(20)
        self.at_once -= 1
        return super().statuses()


@pytest.mark.parametrize("path", ["/metrics", "/api/streams", "/api/status", "/"])
async def test_slow_work_does_not_hold_the_loop(path: str) -> None:
    house = Slow()
    async with running(house) as client, anyio.create_task_group() as asking:
        asking.start_soon(client.get, path)
        await anyio.to_thread.run_sync(house.asked.wait)
        assert (await client.get("/livez")).status_code == 200
        house.go.set()


async def test_hasty_scrapers_take_one_thread() -> None:
    house = Slow()
    async with running(house) as client:
        async with anyio.create_task_group() as asking:
            for _ in range(5):
                asking.start_soon(client.get, "/metrics")
            await anyio.to_thread.run_sync(house.asked.wait)
            await client.get("/livez")
            house.go.set()
        assert house.most_at_once == 1


async def test_it_ends_promptly_though_somebody_waits_for_an_answer() -> None:
    house = Slow()
    sock = listen("127.0.0.1", 0)
    url = "http://{}:{}".format(*sock.getsockname())

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_AUTHORITIES) as client:
            with pytest.raises(httpx.HTTPError):
                (await client.get("/metrics")).raise_for_status()

    async with anyio.create_task_group() as asking, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, sock, application(house.telemetry, house.ready, house.statuses))
        asking.start_soon(ask)
        await anyio.to_thread.run_sync(house.asked.wait)
        began = time.monotonic()
        tasks.cancel_scope.cancel()
    assert time.monotonic() - began < 3
    house.go.set()
    assert sock.fileno() == -1
