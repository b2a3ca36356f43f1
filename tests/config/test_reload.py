"""Secrets out of files are read again: a login to Kafka counts from the next connection on, anything else waits."""

from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from structlog.testing import capture_logs

from outputs.kafka import KafkaConfig
from poller.config.reload import ConfigReload
from poller.state.kafka import KafkaState
from poller.telemetry import Telemetry

LOGIN = {
    "bootstrap_servers": "localhost:9092",
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_username": "poller",
    "sasl_password": "${file:PASSWORD}",
}


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("old-SECRET")
    return path


def reload_of(folder: Path, **changes: Any) -> ConfigReload:
    config = {
        "sources": {"acme": {"type": "callcap", "api_key": "k"}},
        "outputs": {"bus": {"type": "kafka", **LOGIN}},
        "state": {"type": "kafka", **LOGIN},
    }
    text = yaml.safe_dump(config | changes).replace("PASSWORD", str(folder / "password"))
    (folder / "config.yaml").write_text(text)
    return ConfigReload(folder / "config.yaml", {})


async def after(reload: ConfigReload, path: Path, text: str, count: int) -> list[dict[str, Any]]:
    """Give what is told once a file was written anew, at once and whole, so many lines of it."""
    with capture_logs() as lines, anyio.move_on_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(reload.watch, lambda *_: None, Telemetry())
            beside = path.with_name("beside")
            beside.write_text(text)
            beside.replace(path)
            while len(_told(lines)) < count:  # noqa: ASYNC110  logs tell nobody
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
    return _told(lines)


def _told(lines: list[Any]) -> list[dict[str, Any]]:
    return [dict(line) for line in lines if line["event"].startswith("secrets.")]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.config.reload.EVERY", 0.01)
    monkeypatch.setattr("poller.config.reload._SETTLING", 0.01)


async def test_a_password_of_output_and_state_counts_from_the_next_connection(tmp_path: Path, password: Path) -> None:
    reload = reload_of(tmp_path)
    in_use = (reload.settings.outputs["bus"], reload.settings.state)
    for number in (1, 2):
        told = await after(reload, password, f"new-SECRET-{number}", 2)
        assert [(line["event"], line.get("output"), line.get("part")) for line in told] == [
            ("secrets.reread", "bus", None),
            ("secrets.reread", None, "state"),
        ]
        assert "SECRET" not in str(told)
        for config in in_use:
            assert isinstance(config, KafkaConfig | KafkaState)
            assert config.connection()["sasl_plain_password"] == f"new-SECRET-{number}"


async def test_another_key_for_tokens_waits_for_the_next_start(tmp_path: Path, password: Path) -> None:
    reload = reload_of(tmp_path, state={"type": "kafka", **LOGIN, "token_key": "${file:PASSWORD}"})
    told = await after(reload, password, "new-SECRET", 2)
    assert [(line["event"], line.get("part")) for line in told] == [
        ("secrets.reread", None),
        ("secrets.changed", "state"),
    ]
    assert "next start" in told[1]["when"]
