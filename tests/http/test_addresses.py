"""A vendor's name has several addresses: one that does not answer, or refuses, stands in nobody's way (RFC 8305).

Killed: a next address that waits for the one before, or is not tried at once when that one refuses; addresses of one
family first; a socket that stays open beside the one that is used; an address that is looked up as a name; names whose
servers are silent, and all other names behind them.
"""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from poller.errors import Unavailable
from poller.http import addresses
from tests.http.wire import answer, saying, session, vendor

V4, V6 = socket.AF_INET, socket.AF_INET6


def named(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Have every name mean these addresses."""

    def resolve(_: Any, port: Any, *rest: Any, **named: Any) -> Any:
        families = [V6 if ":" in one else V4 for one in found]
        return [(of, socket.SOCK_STREAM, 6, "", (one, port)) for of, one in zip(families, found, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@contextmanager
def silent(host: str, port: int) -> Iterator[None]:
    """Listen, and take nobody: who connects, once the queue is full, hears nothing."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((host, port), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses")
async def test_an_address_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    async with vendor(saying(answer(body=b'["here"]'))) as there:
        with silent("127.0.0.2", there.port):
            async with session(f"http://vendor.test:{there.port}") as ours:
                assert (await ours.get("/calls", {})).body == b'["here"]'


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses")
async def test_no_longer_than_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "127.0.0.2", "127.0.0.2")
    with silent("127.0.0.2", port := _free_port("127.0.0.2")):
        async with session(f"http://vendor.test:{port}", patience=0.4) as ours:
            with pytest.raises(Unavailable, match=r"no answer within 0.4 s"):
                await ours.get("/calls", {})


async def test_one_that_refuses_is_passed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    monkeypatch.setattr(addresses, "_NEXT_ADDRESS", 60)
    async with vendor(saying(answer(body=b'["here"]'))) as there, session(f"http://vendor.test:{there.port}") as ours:
        assert (await ours.get("/calls", {})).body == b'["here"]'


async def test_where_all_refuse_each_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "127.0.0.2", "127.0.0.1")
    async with session(f"http://vendor.test:{_free_port('127.0.0.1')}") as ours:
        with pytest.raises(Unavailable, match=r"Connect call failed.*127\.0\.0\.2.*; .*127\.0\.0\.1"):
            await ours.get("/calls", {})


async def test_a_name_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    async with session("http://vendor.test") as ours:
        with pytest.raises(Unavailable, match="it has no address"):
            await ours.get("/calls", {})


async def test_families_are_tried_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "::1", "::2", "::3", "10.0.0.1")
    found = [address for _, (address, _) in await addresses._look_up("vendor.test", 80)]
    assert found == ["::1", "10.0.0.1", "::2", "::3"]


class Silent:
    """Servers of names that say nothing before they are told to; only vendor.test is known at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.told = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        self.asked.append(host)
        if host != "vendor.test":
            self.told.wait(30)
        return [(V4, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


async def test_a_name_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty accounts of a vendor whose name servers are down: each has a name of its own."""
    servers = Silent(monkeypatch)
    async with vendor(saying(answer(body=b'["here"]'))) as there, asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(addresses._look_up(f"{number}.silent.test", 80))
        await asyncio.sleep(0)  # they have begun
        try:
            async with session(f"http://vendor.test:{there.port}", patience=5) as ours:
                assert (await ours.get("/calls", {})).body == b'["here"]'
        finally:
            servers.told.set()


async def test_a_name_is_looked_up_once_at_a_time_whoever_has_given_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Silent(monkeypatch)
    async with vendor(saying(answer(body=b'["here"]'))) as there, session(f"http://silent.test:{there.port}") as ours:
        try:
            with monkeypatch.context() as patch:
                patch.setattr(addresses, "_LOOKED_UP", 0.01)
                for _ in range(3):
                    with pytest.raises(Unavailable, match=r"silent.test.*: its name was not looked up within 0.01 s"):
                        await ours.get("/calls", {})
            assert servers.asked == ["silent.test"]
        finally:
            servers.told.set()
        assert (await ours.get("/calls", {})).body == b'["here"]'


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", V4), ("::1", V6), ("fe80::1%lo", None), ("localhost", None)]
)
def test_an_address_is_not_looked_up(host: str, family: int | None) -> None:
    assert addresses._family(host) == family


async def test_asyncio_knows_it_for_tcp() -> None:
    """Else it would not set TCP_NODELAY, and small writes of TLS would wait for each other."""
    async with vendor(saying(answer())) as there:
        with await addresses.reach("127.0.0.1", there.port) as ours:
            assert ours.proto == socket.IPPROTO_TCP


class Sockets:
    """What connecting comes to, all in the same turn of the loop, once it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[socket.socket] = []
        self.all, self.now = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(addresses, "_connect", self._connect)
        monkeypatch.setattr(addresses, "_NEXT_ADDRESS", 0.001)

    async def _connect(self, _: addresses.Address) -> socket.socket:
        self.made.append(made := socket.socket())
        if len(self.made) == 3:
            self.all.set()
        try:
            await self.now.wait()
        except asyncio.CancelledError:
            made.close()
            raise
        return made

    async def begun(self) -> "asyncio.Task[socket.socket]":
        """Begin three tries."""
        task = asyncio.create_task(addresses._connect_to_first([(V4, ("x", n)) for n in range(3)]))
        await asyncio.wait_for(self.all.wait(), 5)
        return task


async def test_one_socket_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    task = await (sockets := Sockets(monkeypatch)).begun()
    sockets.now.set()
    with await task as reached:
        await asyncio.sleep(0)
        assert [one for one in sockets.made if one.fileno() >= 0] == [reached]


@pytest.mark.parametrize("reached", [True, False])
async def test_none_is_left_where_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch, reached: bool) -> None:
    task = await (sockets := Sockets(monkeypatch)).begun()
    if reached:  # and the one who waits has not been told
        sockets.now.set()
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert [one.fileno() for one in sockets.made] == [-1, -1, -1]


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
