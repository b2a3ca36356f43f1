"""Whatever the vendor, what a sweep would ask next can be said, and holds no secret: a new one is tested, too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from poller.commands.explain.plans import plans
from poller.config.settings import Settings
from poller.plugin.source import Source
from poller.plugin.stream import Cursor
from poller.sandbox.accounts import ACCOUNTS, account
from poller.state.checkpoint import Checkpoint, Gap, SweepState
from poller.state.rows import encode
from poller.state.sqlite.database import Database

NOW = datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)
AT = "https://vendor.example"


def settings(folder: Path, vendor: str) -> Settings:
    state = {"path": str(folder / "poller.db")}
    return Settings.model_validate(
        {"sources": {"acme": account(AT, vendor)}, "outputs": {"console": {"type": "stdout"}}, "state": state}
    )


def secrets(of: Source) -> Iterator[str]:
    return (value.get_secret_value() for _, value in of if isinstance(value, SecretStr))


def polled(folder: Path, of: Source) -> None:
    """A state in which every sweep has a cursor, and a gap that takes a pass of its own."""
    database, day = Database.open(folder / "poller.db"), timedelta(days=1)
    for stream in of.build_streams():
        states = {
            sweep.name: SweepState(Cursor(NOW, "a-sync-token"), origin=NOW - 400 * day, due=NOW, complete=True)
            for sweep in stream.sweeps
        }
        gaps = [Gap(sweep.name, NOW - 2 * day, NOW - day, "shifted", NOW) for sweep in stream.sweeps]
        database.write({f"c|acme/{stream.name}": encode(Checkpoint(NOW - day, NOW - day, states, gaps))})
    database.close()


@pytest.mark.parametrize("state", ["never polled", "polled"])
@pytest.mark.parametrize("vendor", ACCOUNTS)
async def test_every_sweep_says_what_it_would_ask_and_shows_no_secret(vendor: str, state: str, tmp_path: Path) -> None:
    found = settings(tmp_path, vendor)
    of = found.sources["acme"]
    if state == "polled":
        polled(tmp_path, of)
    for stream in of.build_streams():
        told = (await plans(found, f"acme.{stream.name}", NOW, print)).sweeps
        assert [plan.sweep for plan in told] == [sweep.name for sweep in stream.sweeps]
        for plan, sweep in zip(told, stream.sweeps, strict=True):
            requests = [plan.request, *(gap.request for gap in plan.gaps)]
            assert len(requests) == (2 if state == "polled" else 1)
            assert all(request and request.startswith(f"GET {of.base_url}/") for request in requests)
            assert not [secret for secret in secrets(of) for request in requests if secret in (request or "")]
            if state == "polled" and sweep.lookback is not None:
                assert plan.window is not None
                assert plan.window.start == NOW - sweep.lookback
