"""The systemd unit: what it starts, when it starts it again, and what it may do."""

import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.commands.running import ROOT
from tests.deploy.tools import tool

UNIT = ROOT / "docs/poller.service"
SYSTEMD = "apt-get install systemd"


@pytest.fixture(scope="module")
def unit() -> Mapping[str, list[str]]:
    """Every key, with all that is said of it."""
    found = defaultdict(list)
    for line in UNIT.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key].append(value)
    return found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The unit with a program that is on this machine."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/poller/bin/poller", str(Path(sys.executable).parent / "poller")))
    return copy


def test_systemd_has_nothing_to_say(here: Path) -> None:
    command = [tool("systemd-analyze", SYSTEMD), "verify", str(here)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_it_little_exposed(here: Path) -> None:
    command = [tool("systemd-analyze", SYSTEMD), "security", "--offline=true", "--threshold=15", str(here)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


def test_what_it_starts_is_a_command_of_ours(unit: Mapping[str, list[str]], tmp_path: Path) -> None:
    _, *arguments = shlex.split(unit["ExecStart"][0])
    missing = str(tmp_path / "config.yaml")
    ours = [missing if argument == "/etc/poller/config.yaml" else argument for argument in arguments]
    assert missing in ours
    done = subprocess.run([sys.executable, "-m", "poller", *ours], capture_output=True, text=True, check=False)
    assert done.returncode == int(unit["RestartPreventExitStatus"][0])
    assert missing in done.stderr


def test_it_is_started_again_unless_only_a_person_can_mend_it(unit: Mapping[str, list[str]]) -> None:
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert unit["RestartForceExitStatus"] == ["SIGHUP"], "which on-failure takes for a clean end"
    assert unit["KillSignal"] == ["SIGTERM"]
    assert int(unit["TimeoutStopSec"][0]) >= 30


def test_it_works_where_its_state_is_and_writes_nowhere_else(unit: Mapping[str, list[str]]) -> None:
    assert unit["WorkingDirectory"] == [f"/var/lib/{unit['StateDirectory'][0]}"]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["User"] == ["poller"]
    assert unit["NoNewPrivileges"] == ["yes"]
    assert "ReadWritePaths" not in unit
