"""`poller demo` and `poller sandbox`: the simulated vendors, alone or with a poller beside them."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from poller import app
from poller.errors import ConfigError
from poller.sandbox import agendize
from poller.sandbox import serve as serving
from poller.sandbox.agendize_records import COMPANY_ZONE
from poller.sandbox.callcap import API_KEY
from poller.sandbox.flextell import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.ipscape import TOKEN
from poller.sandbox.trackdrive import PRIVATE_KEY, PUBLIC_KEY
from poller.sandbox.world import World
from poller.settings import Settings
from poller.stopping import stop_signals
from poller.telemetry import Telemetry


async def demo(telemetry: Telemetry, *, rate: float, seed: int) -> int:
    """Poll a sandbox of our own to stdout until stopped; returns the exit code. The state is thrown away."""
    sock = serving.listen(0)
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with TemporaryDirectory(prefix="poller-demo-") as folder:
        async with anyio.create_task_group() as around:
            around.start_soon(serving.serve, sock, World(seed, rate, app.utc_now))
            code = await app.run(_settings(at, Path(folder)), telemetry)
            around.cancel_scope.cancel()
    return code


def _settings(at: str, folder: Path) -> Settings:
    fast = {"start": "30m", "requests_per_minute": 600}
    return Settings.model_validate(
        {
            "sources": {
                "acme-calls": {"type": "callcap", "base_url": f"{at}/callcap", "api_key": API_KEY, **fast},
                "crm": {
                    "type": "flextell",
                    "base_url": f"{at}/flextell/api/v1",
                    "token_url": f"{at}/flextell/oauth/token",
                    "tenant": TENANT,
                    "client_id": CLIENT_ID,
                    "client_secret": CLIENT_SECRET,
                    "refresh_token": REFRESH_TOKEN,
                    "streams": {"leads": {"sweeps": {"live": {"every": "5s"}, "full": {"every": "1m"}}}},
                    **fast,
                },
                "acme-leads": {
                    "type": "trackdrive",
                    "base_url": f"{at}/trackdrive",
                    "public_key": PUBLIC_KEY,
                    "private_key": PRIVATE_KEY,
                    **fast,
                },
                "support-centre": {
                    "type": "ipscape",
                    "base_url": f"{at}/ipscape/platform-api",
                    "token": TOKEN,
                    **fast,
                },
                "clinics": {
                    "type": "agendize",
                    "base_url": f"{at}/agendize/api/2.0",
                    "api_key": agendize.API_KEY,
                    "token": agendize.TOKEN,
                    "timezone": COMPANY_ZONE,
                    **fast,
                },
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
            around.start_soon(serving.serve, sock, World(seed, rate, app.utc_now))
            say(f"sandbox: http://127.0.0.1:{sock.getsockname()[1]}: {_DOORS}")
            await anext(signals)
            around.cancel_scope.cancel()
    return 0
