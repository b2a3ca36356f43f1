"""The port is taken before anything starts; where that fails, the operator learns what to change. Signals stay ours."""

import signal
import socket
import urllib.request

import anyio
import pytest
from structlog.testing import capture_logs

from poller.errors import ConfigError
from poller.server.endpoints import application
from poller.server.listener import serve
from poller.server.port import listen, listen_once_free
from poller.telemetry import Telemetry
from tests.server.conftest import House, running


def test_a_taken_port_is_the_operators_to_mend() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^server\.port: {port} on 127\.0\.0\.1 is taken: .* another port$"):
            listen("127.0.0.1", port)


async def test_whoever_listens_there_is_waited_for_and_that_is_said_once() -> None:
    """A predecessor that was killed may not be gone when its successor starts."""
    other = listen("127.0.0.1", 0)
    port, pauses = other.getsockname()[1], 0

    async def pause(_: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 3:
            other.close()

    with capture_logs() as lines, await listen_once_free("127.0.0.1", port, Telemetry(), pause) as sock:
        assert sock.getsockname()[1] == port
    assert pauses == 3
    [line] = lines
    assert (line["event"], line["log_level"]) == ("port.awaited", "warning")
    assert line["reason"].startswith(f"server.port: {port} on 127.0.0.1 is taken")


async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anyio, "current_time", iter((0.0, 10.0, 29.9, 30.0)).__next__)
    pauses = list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    with listen("127.0.0.1", 0) as taken, pytest.raises(ConfigError, match=r"^server\.port: .* is taken"):
        await listen_once_free("127.0.0.1", taken.getsockname()[1], Telemetry(), pause)
    assert len(pauses) == 2


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "a..b", "x" * 64 + ".example"])
def test_a_wrong_host_too(host: str) -> None:
    with pytest.raises(ConfigError, match=r"^server\.host: .* 0\.0\.0\.0$") as caught:
        listen(host, 0)
    assert repr(host) in str(caught.value)


def test_a_port_of_the_system_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:  # tests may run as root, who is refused nothing
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ConfigError, match=r"^server\.port: 80 .* above 1023$"):
        listen("127.0.0.1", 80)


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "127.0.0.1"])  # noqa: S104
def test_names_and_numbers(host: str) -> None:
    with listen(host, 0) as sock:
        assert sock.getsockname()[1] > 0


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_all_interfaces_of_both_families() -> None:
    try:
        sock = listen("::", 0)
    except ConfigError:
        pytest.skip("no IPv6 here")
    with sock, socket.create_connection(("127.0.0.1", sock.getsockname()[1]), timeout=5):
        pass


async def test_signals_are_left_alone(house: House) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with running(house) as client:
        await client.get("/livez")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_the_port_is_free_again(house: House) -> None:
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    app = application(house.telemetry, house.ready, house.statuses)
    with anyio.move_on_after(0.3):
        await serve(sock, app)
    listen("127.0.0.1", port).close()


def test_it_can_be_built_before_there_is_a_loop() -> None:
    app = application(Telemetry(), list, list)

    async def ask() -> bytes:
        sock = listen("127.0.0.1", 0)
        url = "http://{}:{}/metrics".format(*sock.getsockname())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, sock, app)
            answer = await anyio.to_thread.run_sync(lambda: urllib.request.urlopen(url, timeout=10).read())  # noqa: S310
            tasks.cancel_scope.cancel()
        assert isinstance(answer, bytes)
        return answer

    assert b"poller_build_info" in anyio.run(ask)
