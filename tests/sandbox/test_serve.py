"""The sandbox over real sockets: faults a client's operating system reports, and a clean end."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import anyio
import httpx
import pytest
from starlette.types import Message

from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from poller.sandbox.server import listen, serve
from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.world.world import World
from tests.support.loopback import NO_AUTHORITIES

LIST = "/callcap/v2/get/calls/?show=100"


@asynccontextmanager
async def served() -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    """A world of some hundred records behind a port, and a client that waits 5 s at most."""
    world = new_world(1, 30, lambda: datetime.now(UTC), timedelta(minutes=10))
    sock, stop = listen(0), anyio.Event()
    origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
    key = {"Authorization": f"Bearer {API_KEY}"}
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: serve(sock, world, stop=stop))
        async with httpx.AsyncClient(
            base_url=origin, headers=key, timeout=5, trust_env=False, verify=NO_AUTHORITIES
        ) as client:
            yield world, client
        stop.set()


async def test_answers_have_one_date_and_no_server_name() -> None:
    async with served() as (_, client):
        answer = await client.get(LIST)
        assert answer.status_code == 200
        assert len(answer.headers.get_list("Date")) == 1
        assert "Server" not in answer.headers
        assert len(answer.json()["call"]) == 100


@pytest.mark.parametrize(
    ("vice", "symptoms"),
    [
        ("reset", {httpx.ReadError}),
        ("stall", {httpx.RemoteProtocolError}),
        ("short_body", {httpx.RemoteProtocolError, ValueError}),
    ],
)
async def test_cut_off_answers_fail_at_the_socket(vice: str, symptoms: set[type[Exception]]) -> None:
    async with served() as (world, client):
        world.vices.set({"callcap": {vice: 1.0, "stall_seconds": 0.02}})
        seen = [await symptom(client) for _ in range(12)]
        assert {kind for kind in symptoms if any(isinstance(error, kind) for error in seen)} == symptoms
        assert all(isinstance(error, tuple(symptoms)) for error in seen)
        world.vices.clear()
        assert (await client.get(LIST)).status_code == 200


async def symptom(client: httpx.AsyncClient) -> Exception | None:
    try:
        (await client.get(LIST)).json()
    except (httpx.HTTPError, ValueError) as error:
        return error
    return None


@pytest.mark.parametrize("part", ["nothing", "half"])
async def test_faults_come_before_the_answer_and_in_its_middle(part: str) -> None:
    async with served() as (world, client):
        world.vices.set({"callcap": {"stall": 1.0, "stall_seconds": 0.01}})
        errors = [f"{await symptom(client)}" for _ in range(12)]
        said = {"nothing": "without sending a response", "half": "without sending complete message body"}
        assert any(said[part] in error for error in errors)


async def test_a_stall_ends_when_the_client_gives_up() -> None:
    world = new_world(1, 0, lambda: datetime.now(UTC), timedelta())
    world.vices.set({"callcap": {"stall": 1.0, "stall_seconds": 600}})
    messages: Iterator[Message] = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        pass

    path = {"path": "/callcap/v2/get/calls/", "raw_path": b"", "query_string": b"", "root_path": ""}
    scope = {"type": "http", "method": "POST", "headers": [], "scheme": "http", "server": ("x", 80), **path}
    with anyio.fail_after(5), pytest.raises(httpx.ReadError):
        await sandbox(world)(scope, receive, send)


async def test_a_cancelled_server_frees_its_port() -> None:
    world = new_world(1, 0, lambda: datetime.now(UTC), timedelta())
    sock = listen(0)
    port = sock.getsockname()[1]
    with anyio.move_on_after(0.05):
        await serve(sock, world)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
    listen(port).close()
