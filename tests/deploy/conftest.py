"""The chart, the wheel, and environments in which nothing else is."""

import subprocess
import sys
import sysconfig
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
    return environment(tmp_path_factory, ["--require-hashes", "-r", str(LOCK)], ["--no-deps", "--no-index", str(wheel)])


@pytest.fixture(scope="module")
def furnished(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin of an environment in which only the wheel is, and which finds in ours what the wheel needs."""
    found = environment(tmp_path_factory)
    [packages] = found.parent.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install(found, "--no-deps", "--no-index", "--ignore-installed", str(wheel))
    return found


def environment(folders: pytest.TempPathFactory, *wanted: list[str]) -> Path:
    """Make an environment and install into it; return its bin."""
    venv = folders.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    for what in wanted:
        install(venv / "bin", *what)
    return venv / "bin"


def install(into: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(into / "python"), "install", "--quiet", "--no-compile"]
    done = subprocess.run([*pip, "--disable-pip-version-check", *what], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
