"""A command begins soon: it imports what it needs, and nothing that only others need."""

import subprocess
import sys
from pathlib import Path

import pytest

from poller.cli.later import SUMMARIES, Later

HEAVY = (
    "aiokafka",
    "anyio",
    "httpx",
    "phonenumbers",
    "prometheus_client",
    "pydantic",
    "starlette",
    "structlog",
    "yaml",
)


def imported(folder: Path, *arguments: str) -> set[str]:
    """Every module that a command imports."""
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "poller", *arguments], cwd=folder, capture_output=True, check=False
    )
    found = {line.rpartition("|")[2].strip() for line in process.stderr.decode().splitlines() if "import time:" in line}
    assert "poller.cli" in found
    return found


def test_help_imports_nothing_that_polls(tmp_path: Path) -> None:
    found = imported(tmp_path, "--help")
    assert {name for name in found if name.startswith(("poller.", "outputs"))} <= {
        "poller.cli", "poller.cli.ending", "poller.cli.later", "poller.errors",
    }  # fmt: skip
    assert found.isdisjoint(HEAVY)


def test_a_command_imports_neither_the_sandbox_nor_another_command(tmp_path: Path) -> None:
    found = imported(tmp_path, "check")
    assert "poller.commands.check" in found
    others = ("poller.sandbox", "poller.cli.run", "poller.cli.backfill", "poller.server.listener", "uvicorn")
    assert [name for name in found if name.startswith(others)] == []


@pytest.mark.parametrize("name", SUMMARIES)
def test_help_says_of_a_command_what_its_own_help_begins_with(name: str) -> None:
    own = Later(name=name).load().help
    assert " ".join(own.partition("\n\n")[0].split()) == SUMMARIES[name]
