"""A start, and a command that only looks, open the state once: its pages and all seals are checked one time."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from poller.cli.explain import explain
from poller.cli.streams import streams
from poller.commands.check import check
from poller.config.settings import Settings, load
from poller.errors import ConfigError
from poller.state.account import AccountId
from poller.state.open import Opening, open_offline, open_state
from poller.state.rows import ACCOUNT, encode
from poller.state.sqlite.database import Database
from poller.state.sqlite.migration import FORMAT
from poller.telemetry import Telemetry

Checks = list[str]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Every look at a whole state, whoever connects to it."""
    seen: Checks = []
    connect = sqlite3.connect

    def note(statement: str) -> None:
        if "quick_check" in statement or "IS NOT seal" in statement:
            seen.append(statement)

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(note)
        return connection

    monkeypatch.setattr("sqlite3.connect", traced)
    return seen


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    source = {"type": "callcap", "api_key": "k", "base_url": "http://127.0.0.1:9"}  # nobody listens there
    settings = {
        "sources": {"acme": source},
        "outputs": {"console": {"type": "stdout"}},
        "state": {"path": str(tmp_path / "poller.db")},
    }
    path.write_text(yaml.safe_dump(settings))
    Database.open(tmp_path / "poller.db").close()
    return path


async def a_start(settings: Settings) -> None:
    async with open_state(settings.state, settings.outputs, settings.sources, Opening("run", Telemetry(), _now)):
        pass


async def an_export(settings: Settings) -> None:
    async with open_offline(settings.state, Opening("state export", Telemetry(), _now)) as state:
        state.all()


async def a_check(settings: Settings) -> None:
    async for _ in check(settings, Telemetry(), _now()):
        pass


def _now() -> datetime:
    return datetime.now(UTC)


WAYS: dict[str, Callable[[Path], object]] = {
    "run": lambda config: anyio.run(a_start, load(config, {})),
    "state export": lambda config: anyio.run(an_export, load(config, {})),
    "check": lambda config: anyio.run(a_check, load(config, {})),
    "streams": streams,
    "explain": lambda config: explain("acme.calls", config),
    "explain --id": lambda config: explain("acme.calls", config, identity="7"),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_is_checked_one_time(way: str, config: Path, checks: Checks) -> None:
    WAYS[way](config)
    assert len(checks) == 2, checks
    assert ["quick_check" in statement for statement in checks] == [True, False]


def test_what_is_refused_is_not_migrated_first(config: Path) -> None:
    path = config.with_name("poller.db")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {FORMAT - 1}")
    connection.close()
    with pytest.raises(ConfigError, match="another account"):
        Database.open(path, lambda found: ["sources.acme: another account"])
    assert sorted(file.name for file in path.parent.iterdir() if ".v" in file.name) == []
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT - 1,)
    connection.close()


def test_a_start_with_another_account_is_refused(config: Path, checks: Checks) -> None:
    database = Database.open(config.with_name("poller.db"))
    database.write({ACCOUNT.key("acme"): encode(AccountId("callcap", "https://elsewhere.example", None))})
    database.close()
    checks.clear()
    with pytest.raises(ConfigError, match="another account"):
        anyio.run(a_start, load(config, {}))
    assert len(checks) == 2
