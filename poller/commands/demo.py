"""`poller demo` and `poller sandbox`: the simulated vendors, alone or with a poller beside them."""

import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from poller.clock import utc_now
from poller.commands import run
from poller.commands.lifecycle import stop_signals
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.sandbox import server as serving
from poller.sandbox.accounts import CREDENTIALS, DESCRIBED, account
from poller.sandbox.registry import new_world
from poller.telemetry import Telemetry


async def demo(telemetry: Telemetry, *, rate: float, seed: int) -> int:
    """Poll a sandbox of our own to stdout until stopped; returns the exit code. The state is thrown away."""
    sock = serving.listen(0)
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with TemporaryDirectory(prefix="poller-demo-") as folder:
        async with anyio.create_task_group() as around:
            around.start_soon(serving.serve, sock, new_world(seed, rate, utc_now))
            code = await run.run(_settings(at, Path(folder)), telemetry)
            around.cancel_scope.cancel()
    return code


def _settings(at: str, folder: Path) -> Settings:
    fast = {"start": "30m", "requests_per_minute": 600}
    often = {"streams": {"leads": {"sweeps": {"live": {"every": "5s"}, "full": {"every": "1m"}}}}}
    return Settings.model_validate(
        {
            "sources": {
                "acme-calls": account(at, "callcap") | fast,
                "crm": account(at, "flextell") | often | fast,
                "acme-leads": account(at, "trackdrive") | fast,
                "support-centre": account(at, "ipscape") | fast,
                "clinics": account(at, "agendize") | fast,
                "desk": account(at, DESCRIBED) | fast,
            },
            "outputs": {"console": {"type": "stdout"}},
            "state": {"path": str(folder / "poller.db")},
            "server": {"port": 0},
        }
    )


async def sandbox(*, port: int, rate: float, seed: int, say: Callable[[str], None]) -> int:
    """Serve the simulated vendors until a signal; says in one line where they are, and what lets a poller in."""
    sock = listen(port)
    with stop_signals() as signals:
        async with anyio.create_task_group() as around:
            around.start_soon(serving.serve, sock, new_world(seed, rate, utc_now))
            say(f"sandbox: http://127.0.0.1:{sock.getsockname()[1]}: {CREDENTIALS}")
            await anext(signals)
            around.cancel_scope.cancel()
    return 0


def listen(port: int) -> socket.socket:
    """Take a port on loopback. Raises ConfigError where it is taken."""
    try:
        return serving.listen(port)
    except OSError as error:
        raise ConfigError(f"--port: {port} on 127.0.0.1: {error.strerror}; name another one, or 0 for any") from None
