"""The package in docs/examples/plugin: its own tests pass; installed beside poller it runs, and misuse is refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.commands.running import ROOT

pytestmark = pytest.mark.long

EXAMPLE = ROOT / "docs/examples/plugin"
STAMP = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
OLD_SOURCE = "poller_example/source.py"


class Acme(BaseHTTPRequestHandler):
    """The vendor, with 25 leads on three pages, and what is posted to the output."""

    posted: list[bytes]

    def do_GET(self) -> None:
        at = int(parse_qs(urlsplit(self.path).query).get("after", ["0"])[0])
        rows = [[number, f"Lead {number}", STAMP, STAMP] for number in range(at, min(at + 10, 25))]
        table = {
            "columns": ["id", "name", "created", "changed"],
            "rows": rows,
            "next": f"{at + 10}" if at < 20 else None,
        }
        self._answer(json.dumps(table).encode())

    def do_POST(self) -> None:
        self.posted += self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        self._answer(b"{}")

    def do_HEAD(self) -> None:
        self._answer(b"")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def acme() -> Iterator[str]:
    Acme.posted = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Acme) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


Beside: TypeAlias = Callable[..., None]
Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def beside(furnished: Path, tmp_path: Path) -> Iterator[Beside]:
    """Build the example, with some texts of some files replaced, and install it beside poller for one test."""
    pip = [sys.executable, "-m", "pip", "--python", str(furnished / "python")]
    names: list[str] = []

    def install(name: str = "poller-example", *changes: tuple[str, str, str]) -> None:
        copy = tmp_path / name
        shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for path, old, new in (*changes, ("pyproject.toml", "poller-example", name)):
            text = (copy / path).read_text()
            assert old in text, (path, old)
            (copy / path).write_text(text.replace(old, new))
        done([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")], copy)
        [wheel] = (tmp_path / "dist").glob(f"{name.replace('-', '_')}-*.whl")
        done([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], tmp_path)
        names.append(name)

    yield install
    if names:
        done([*pip, "uninstall", "--quiet", "--yes", *names], tmp_path)


@pytest.fixture
def poller(furnished: Path, tmp_path: Path, acme: str) -> Run:
    """Run a command of the installed poller over the example's configuration."""
    shutil.copy(EXAMPLE / "config.yaml", tmp_path)
    known = {"ACME_URL": acme, "ACME_KEY": "sesame-1", "WEBHOOK_URL": f"{acme}/events"}

    def run(*arguments: str, environ: Mapping[str, str] = known) -> subprocess.CompletedProcess[str]:
        command = [str(furnished / "poller"), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    return run


def done(command: list[str], folder: Path, **environ: str) -> str:
    found = subprocess.run(
        command, cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_source_and_output_have_sixty_lines_each() -> None:
    sizes = {
        name: len((EXAMPLE / f"poller_example/{name}.py").read_text().splitlines()) for name in ("source", "output")
    }
    assert all(size <= 60 for size in sizes.values()), sizes


def test_its_own_tests_pass() -> None:
    options = ["-c", os.devnull, "--rootdir", str(EXAMPLE), "-p", "no:cacheprovider", "-p", "no:xdist"]
    done([sys.executable, "-m", "pytest", *options, "-q", "tests"], EXAMPLE, PYTHONPATH=str(EXAMPLE), PYTEST_ADDOPTS="")


def test_its_types_are_right(tmp_path: Path) -> None:
    options = ["--strict", "--config-file", os.devnull, "--cache-dir", str(tmp_path)]
    done([sys.executable, "-m", "mypy", *options, "-p", "poller_example"], EXAMPLE, MYPYPATH=f"{EXAMPLE}:{ROOT}")


def test_installed_beside_poller_it_delivers_every_record(beside: Beside, poller: Run) -> None:
    beside()
    check = poller("check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert "ok   crm: answers; 10 leads on its first page; from poller-example 1.0" in check.stdout
    assert "ok   events: " in check.stdout
    run = poller("run", "--once")
    assert run.returncode == 0, run.stderr
    events = [json.loads(line) for line in Acme.posted]
    assert {event["data"]["full_name"] for event in events} == {f"Lead {number}" for number in range(25)}
    assert {(event["source"], event["type"]) for event in events} == {("/acme/crm", "lead.created")}
    assert "API key" not in run.stderr
    assert '"webhook"' in poller("schema", "config").stdout
    assert poller("schema", "config", "-c", "config.yaml").returncode == 0


MISUSES = {
    "unknown type": ([], "config.yaml:3: sources.crm.type: unknown type 'acme'; known: agendize, callcap, flextell,"),
    "does not import": (
        [("poller-example", (OLD_SOURCE, "from poller import plugin", "from poller import plugins"))],
        "crm.type: poller_example.source:Acme of the package poller-example 1.0 cannot be imported: ImportError",
    ),
    "other API": (
        [("poller-example", (OLD_SOURCE, "API = 1", "API = 2"))],
        "is made for version 2 of poller.plugin, this is version 1 of poller.plugin: install an older version of it,",
    ),
    "name taken by another": (
        [("poller-example",), ("another-example",)],
        "the packages another-example 1.0 and poller-example 1.0 all bring the type 'acme': uninstall",
    ),
    "name taken by a built-in": (
        [
            (
                "poller-example",
                ("pyproject.toml", 'acme = "', 'callcap = "'),
                ("config.yaml", "type: acme", "type: callcap"),
            )
        ],
        "sources.crm.type: the packages poller 0.",
    ),
}


@pytest.mark.parametrize(("packages", "told"), MISUSES.values(), ids=MISUSES)
def test_misuse_is_refused_with_package_and_remedy(
    beside: Beside, poller: Run, tmp_path: Path, packages: list[tuple[object, ...]], told: str
) -> None:
    for package in packages:
        beside(*package)
    if packages == MISUSES["name taken by a built-in"][0]:
        shutil.copy(tmp_path / "poller-example/config.yaml", tmp_path)
    refused = poller("run", "--once")
    assert refused.returncode == 2
    assert told in refused.stderr
    (tmp_path / "other.yaml").write_text(
        "sources: {a: {type: flextell, tenant: 1, access_token: t}}\noutputs: {o: {type: stdout}}\n"
    )
    assert poller("streams", "-c", "other.yaml").returncode == 0, "what does not use it is unharmed"
