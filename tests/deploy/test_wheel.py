"""The wheel: what is in it, and that it runs where nothing else is."""

import json
import signal
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.running import DEADLINE, ROOT, until

pytestmark = pytest.mark.long


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([installed / "poller", "demo"], cwd=tmp_path, env={}, stdout=out, stderr=log)
    with process:
        yield process
        process.kill()


def test_the_wheel_holds_every_file_of_the_two_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for top in ("poller", "outputs") for path in (ROOT / top).rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert {"poller/py.typed", "outputs/py.typed"} <= names


def test_the_source_archive_can_be_built_and_tested(built: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "requirements.lock",
        "poller/commands/run.py",
        "tests/laws/laws.py",
    } <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "state/", "events/"))]


def test_the_command_is_there_and_says_what_it_does(installed: Path, tmp_path: Path) -> None:
    said = output([str(installed / "poller"), "--help"], tmp_path)
    assert all(command in said for command in ("run", "check", "demo", "streams", "schema"))


def test_it_is_the_version_that_it_says(installed: Path, wheel: Path, tmp_path: Path) -> None:
    asking = "import poller; print(poller.VERSION, poller.__file__)"
    version, path = output([str(installed / "python"), "-I", "-c", asking], tmp_path).split()
    assert wheel.name.split("-")[1] == version
    assert Path(path).is_relative_to(installed.parent)


def output(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env={"COLUMNS": "200"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_shows_an_event_and_ends_when_it_is_told_to(demo: subprocess.Popen[bytes], tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    until(lambda: b"\n" in out.read_bytes(), "the first event")
    assert json.loads(out.read_bytes().splitlines()[0])["specversion"] == "1.0"
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(DEADLINE) == 0, log.read_text()
