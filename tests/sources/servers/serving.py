"""The servers as processes, in an environment of their own: built once, into the cache of the tests."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.commands.running import ROOT, until
from tests.kafka.jars import CACHE

LOCK = Path(__file__).parent / "requirements.lock"


def python() -> str:
    """Return the interpreter of the environment that the lock describes, which is built if need be."""
    place = CACHE / f"servers-{sys.version_info.major}.{sys.version_info.minor}"
    found, built = place / "bin/python", place / "built.lock"
    if not built.exists() or built.read_bytes() != LOCK.read_bytes():
        _done(sys.executable, "-m", "venv", "--clear", str(place))
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
        _done(str(found), *pip, "--require-hashes", "-r", str(LOCK))
        built.write_bytes(LOCK.read_bytes())
    return str(found)


def _done(*command: str) -> None:
    subprocess.run(command, check=True, timeout=300)


def datasette(table: Path, port: int) -> Sequence[str]:
    """Return the command that serves the table's file by Datasette (https://docs.datasette.io/en/stable/)."""
    settings = ("--setting", "sql_time_limit_ms", "20000", "--setting", "suggest_facets", "off")
    return ("-m", "datasette", "serve", str(table), "--port", f"{port}", *settings)


def django(_: Path, port: int) -> Sequence[str]:
    """Return the command that serves it by Django REST framework."""
    return ("-m", "uvicorn", "tests.sources.servers.django_app:application", "--port", f"{port}", "--no-access-log")


@contextmanager
def served(table: Path, kind: str) -> Iterator[str]:
    """Run the server of this kind over a table's file until the end; its origin."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [python(), *{"datasette": datasette, "django": django}[kind](table, port)]
    log = table.with_suffix(".log")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ITEMS": str(table)}
    with log.open("wb") as out, subprocess.Popen(command, env=environ, stdout=out, stderr=out) as process:
        try:
            until(lambda: _answers(port) or process.poll() is not None, "the server")
            assert process.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=20).status_code < 500
    except httpx.TransportError:
        return False
