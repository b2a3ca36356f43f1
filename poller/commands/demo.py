"""`poller demo` and `poller sandbox`: the simulated vendors, alone or with a poller beside them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from poller.clock import utc_now
from poller.commands import run
from poller.commands.lifecycle import stop_signals
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.sandbox import agendize
from poller.sandbox import serve as serving
from poller.sandbox.agendize_records import COMPANY_ZONE
from poller.sandbox.callcap import API_KEY
from poller.sandbox.flextell import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.ipscape import TOKEN
from poller.sandbox.trackdrive import PRIVATE_KEY, PUBLIC_KEY
from poller.sandbox.world import World
from poller.telemetry import Telemetry


async def demo(telemetry: Telemetry, *, rate: float, seed: int) -> int:
    """Poll a sandbox of our own to stdout until stopped; returns the exit code. The state is thrown away."""
    sock = serving.listen(0)
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with TemporaryDirectory(prefix="poller-demo-") as folder:
        async with anyio.create_task_group() as around:
            around.start_soon(serving.serve, sock, World(seed, rate, utc_now))
            code = await run.run(_settings(at, Path(folder)), telemetry)
            around.cancel_scope.cancel()
    return code


ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "agendize": {
        "base_url": "/agendize/api/2.0",
        "api_key": agendize.API_KEY,
        "token": agendize.TOKEN,
        "timezone": COMPANY_ZONE,
    },
    "callcap": {"base_url": "/callcap", "api_key": API_KEY},
    "flextell": {
        "base_url": "/flextell/api/v1",
        "token_url": "/flextell/oauth/token",
        "tenant": TENANT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    },
    "ipscape": {"base_url": "/ipscape/platform-api", "token": TOKEN},
    "trackdrive": {"base_url": "/trackdrive", "public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY},
}
"""What each vendor of the sandbox wants to know, by its type; addresses are within the sandbox."""


def account(at: str, vendor: str) -> dict[str, Any]:
    """The configuration of an account of this vendor in the sandbox at this origin."""
    known = {key: f"{at}{value}" if key.endswith("_url") else value for key, value in ACCOUNTS[vendor].items()}
    return {"type": vendor, **known}


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
            },
            "outputs": {"console": {"type": "stdout"}},
            "state": {"path": str(folder / "poller.db")},
            "server": {"port": 0},
        }
    )


_DOORS = (
    f"callcap under /callcap (api_key {API_KEY}); "
    f"flextell under /flextell/api/v1 (tenant {TENANT}, access_token {ACCESS_TOKEN}; or token_url "
    f"/flextell/oauth/token, client_id {CLIENT_ID}, client_secret {CLIENT_SECRET}, refresh_token {REFRESH_TOKEN}); "
    f"trackdrive under /trackdrive (public_key {PUBLIC_KEY}, private_key {PRIVATE_KEY}); "
    f"ipscape under /ipscape/platform-api (token {TOKEN}); "
    f"agendize under /agendize/api/2.0 (api_key {agendize.API_KEY}, token {agendize.TOKEN}, timezone {COMPANY_ZONE})"
)
"""Where the simulated vendors are, and what lets a poller in: made up, and the same for everybody."""


async def sandbox(*, port: int, rate: float, seed: int, say: Callable[[str], None]) -> int:
    """Serve the simulated vendors until a signal; says in one line where they are, and what lets a poller in."""
    try:
        sock = serving.listen(port)
    except OSError as error:
        raise ConfigError(f"--port: {port} on 127.0.0.1: {error.strerror}; name another one, or 0 for any") from None
    with stop_signals() as signals:
        async with anyio.create_task_group() as around:
            around.start_soon(serving.serve, sock, World(seed, rate, utc_now))
            say(f"sandbox: http://127.0.0.1:{sock.getsockname()[1]}: {_DOORS}")
            await anext(signals)
            around.cancel_scope.cancel()
    return 0
