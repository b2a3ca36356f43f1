"""The image: built as the Dockerfile says, as far as that goes without an engine, and held to its promises."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.running import ROOT, House, Poller, callcap
from tests.commands.vendors import Vendors, serving
from tests.deploy.dockerfile import Root, Stage, context, stages
from tests.deploy.tools import tool

TOOLS = {"gcc", "build-essential", "pip", "apt-get", "curl", "git", "hatchling"}

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def last() -> Stage:
    return stages()[-1]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """What the first stage leaves behind, in a folder, from the context alone."""
    built = Root(tmp_path_factory.mktemp("image"))
    built.carry_out(stages()[0])
    return built


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    with serving() as found:
        yield found


def within(root: Root, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what the image holds, away from the checkout."""
    command = [str(root.at("/app/bin/python")), "-I", *arguments]
    return subprocess.run(command, cwd=root.folder, capture_output=True, text=True, check=False)


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [tool("hadolint", "make tools"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_context_holds_what_is_shipped_and_nothing_else() -> None:
    tops = {path.parts[0] for path in context()}
    files = {"LICENSE", "README.md", "pyproject.toml", "requirements.lock", "requirements-build.lock"}
    assert tops == files | {"poller", "outputs"}
    assert not [
        path for path in context() if "__pycache__" in path.parts or path.suffix in {".env", ".pem", ".key", ".db"}
    ]


def test_both_stages_have_one_base_that_is_pinned_to_a_minor(last: Stage) -> None:
    first = stages()[0]
    assert first.base == last.base == "python:${PYTHON}-slim"
    assert "ARG PYTHON=3.13\n" in (ROOT / "Dockerfile").read_text()


def test_everything_that_is_installed_comes_out_of_a_lock(last: Stage) -> None:
    installs = [part for run in stages()[0].of("RUN") for part in run.split("&&") if " install " in part]
    assert installs
    for install in installs:
        assert "--require-hashes" in install or ("--no-deps" in install and "--no-index" in install)


def test_what_was_built_runs_away_from_the_checkout(root: Root) -> None:
    done = within(root, "-m", "poller", "schema", "event")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["$schema"]
    assert (root.at("/app/bin/poller")).is_file()


def test_what_was_built_has_no_pip_and_no_tests(root: Root) -> None:
    assert within(root, "-c", "import pip").returncode == 1
    assert within(root, "-c", "import tests").returncode == 1
    assert within(root, "-c", "import hatchling").returncode == 1


def test_bytecode_is_compiled_and_never_held_against_its_source(root: Root) -> None:
    [compiled] = root.at("/app/lib").glob("python3.*/site-packages/poller/commands/__pycache__/run.*.pyc")
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
    assert flags == 0b01  # https://peps.python.org/pep-0552/: by hash, unchecked


def test_the_last_stage_builds_nothing(last: Stage) -> None:
    words = {word for run in last.of("RUN") for word in run.replace("&&", " ").split()}
    assert not words & TOOLS
    assert last.of("COPY") == ["--from=build /app /app"]


def test_it_runs_as_a_user_of_a_number_that_owns_its_working_directory(last: Stage) -> None:
    assert last.of("USER") == ["10001:10001"]
    assert last.of("WORKDIR") == ["/var/lib/poller"] == [json.loads(volume)[0] for volume in last.of("VOLUME")]
    assert any("chown 10001:10001 /var/lib/poller" in run for run in last.of("RUN"))
    words = [word for word, _ in last.steps]
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in {"RUN", "COPY"})


def test_the_command_gets_the_signals_itself(last: Stage) -> None:
    assert json.loads(last.of("ENTRYPOINT")[0]) == ["/app/bin/poller"]
    assert json.loads(last.of("CMD")[0]) == ["run", "-c", "/etc/poller/config.yaml"]
    assert last.of("STOPSIGNAL") == ["SIGTERM"]
    assert last.of("EXPOSE") == ["9090"]


@pytest.fixture
def running(vendors: Vendors, tmp_path: Path) -> Iterator[Poller]:
    with House(tmp_path, {"acme": callcap(vendors.at)}).start("run") as poller:
        assert poller.get("/livez").status_code == 200
        yield poller


def healthy(last: Stage, root: Root, port: str) -> int:
    """The exit code of the health check, beside a poller on this port."""
    _, _, command = last.of("HEALTHCHECK")[0].partition("CMD ")
    program, *arguments = json.loads(command)
    environ = {"POLLER_PORT": port, "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        [root.at(program), *arguments], env=environ, stderr=subprocess.DEVNULL, check=False
    ).returncode


def test_the_health_check_sees_a_running_poller(last: Stage, root: Root, running: Poller) -> None:
    page = str(running.until_log("poller.started")["page"])
    assert healthy(last, root, page.rstrip("/").rpartition(":")[2]) == 0
    assert running.stop() == 0
    assert healthy(last, root, page.rstrip("/").rpartition(":")[2]) == 1


def test_the_health_check_asks_the_port_that_is_exposed_unless_told_otherwise(last: Stage) -> None:
    [environment] = last.of("ENV")
    assert f"POLLER_PORT={last.of('EXPOSE')[0]}" in environment.split()


def test_nothing_is_written_where_a_container_cannot_write(root: Root, vendors: Vendors, tmp_path: Path) -> None:
    """As with a read-only root: a poller out of the image writes under its working directory alone."""
    House(tmp_path, {"acme": callcap(vendors.at)})
    before = {path for path in root.folder.rglob("*") if path.is_file()}
    done = subprocess.run(
        [root.at("/app/bin/python"), "-I", "-m", "poller", "run", "--once"],
        cwd=tmp_path, env={"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/nowhere", "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path for path in root.folder.rglob("*") if path.is_file()} == before
    assert (tmp_path / "state/poller.db").is_file()
