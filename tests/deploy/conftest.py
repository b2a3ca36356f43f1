"""The chart, the wheel, and environments in which nothing else is."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.running import ROOT
from tests.deploy.chart import Chart

LOCK = ROOT / "requirements.lock"


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return Chart(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin of an empty environment in which only the wheel is, and what the lock says."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", "--quiet", "--no-compile"]
    for what in (["--require-hashes", "-r", str(LOCK)], ["--no-deps", "--no-index", str(wheel)]):
        done = subprocess.run([*pip, "--disable-pip-version-check", *what], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return venv / "bin"
