"""A real `poller` process: its configuration, its life, and what it says."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import httpx
import yaml

from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from tests.commands.nursery import Forked, Order
from tests.support.loopback import NO_AUTHORITIES

T = TypeVar("T")
Event = dict[str, Any]

ROOT = Path(__file__).parents[2]
SECRETS = (API_KEY, ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, "sandbox-access-", "sandbox-refresh-")
"""Ours, and how those begin that the sandbox makes."""
FAST = "300ms"
HASTY = (
    "from poller import retry; from poller.polling import circuit_breaker as patience; "
    "from poller.state.kafka import assignment; "
    "patience.backoff = assignment.backoff = retry.backoff = lambda failures: 0.1"
)
"""Python for a process that tries again soon, where how long it waits is not the question."""
IMPATIENT = "from poller.server import port; port._ENDING = 0.0"
"""Python for a process that does not wait for its port."""
NOTHING: Mapping[str, str] = {}
DEADLINE = 40.0
"""Seconds for what takes a second on a machine that has nothing else to do."""


def until(found: Callable[[], T], what: str, seconds: float = DEADLINE) -> T:
    """Look until there is something, and give it; fails when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        if result := found():
            return result
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.02)


def callcap(at: str, **changes: Any) -> dict[str, Any]:
    sweeps = {name: {"every": FAST} for name in ("recent", "live", "audit")}
    fixed = {"type": "callcap", "base_url": f"{at}/callcap", "api_key": API_KEY, "requests_per_minute": 6000}
    return {**fixed, "start": "1h", "timeout": "20s", "streams": {"calls": {"sweeps": sweeps}}} | changes


def flextell(at: str, *, oauth: bool = False, **changes: Any) -> dict[str, Any]:
    sweeps = {name: {"every": FAST} for name in ("live", "converted", "synced", "trashed", "full")}
    credential: dict[str, Any] = {"access_token": ACCESS_TOKEN}
    if oauth:
        credential = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
        credential["token_url"] = f"{at}/flextell/oauth/token"
    fixed = {"type": "flextell", "base_url": f"{at}/flextell/api/v1", "tenant": TENANT, "requests_per_minute": 6000}
    return {**fixed, "start": "1h", "timeout": "20s", "streams": {"leads": {"sweeps": sweeps}}} | credential | changes


FILES: Mapping[str, Any] = {"type": "file", "path": "events/{source}.jsonl", "rejects_path": "rejects/{source}.jsonl"}
STDOUT: Mapping[str, Any] = {"type": "stdout"}


class House:
    """A folder with a configuration, in which commands are run: all paths are relative to it."""

    def __init__(self, folder: Path, sources: Mapping[str, Any], **outputs: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {
            "sources": dict(sources),
            "outputs": {name: dict(output) for name, output in (outputs or {"files": FILES}).items()},
            "state": {"path": "state/poller.db"},
            "server": {"port": 0},
        }
        self.write()

    def write(self, name: str = "config.yaml", **changes: Any) -> None:
        """Write the configuration, with other parts where they are given."""
        (self.folder / name).write_text(yaml.safe_dump(self.settings | changes))

    def start(self, *arguments: str, **options: Any) -> "Poller":
        """A command under way."""
        return Poller(self.folder, *arguments, **options)

    def run(self, *arguments: str, seconds: float = DEADLINE, **options: Any) -> "Poller":
        """A command from its beginning to its end."""
        with self.start(*arguments, **options) as process:
            process.code(seconds)
            return process

    def at_terminal(
        self, *arguments: str, columns: int = 100, stdin: bytes = b"", errors: bool = False, **environ: str
    ) -> tuple[int, str]:
        """A command at a terminal, to which its `errors` may go too: its exit code, and what the terminal shows."""
        master, slave = pty.openpty()
        terminal = {"COLUMNS": f"{columns}", "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environ}
        os.write(master, stdin)
        shown = slave if errors else None
        with self.start(*arguments, stdout=slave, stdin=slave, stderr=shown, environ=terminal) as process:
            os.close(slave)
            text = b"".join(_until_closed(master))
            code = process.code()
        return code, text.decode().replace("\r\n", "\n")

    @contextmanager
    def no_room(self, poller: "Poller") -> Iterator[None]:
        """Put a file where the folder of events is, for a while, and at moments at which the poller does nothing."""
        events, away = self.folder / "events", self.folder / "events.away"
        with poller.frozen():
            events.rename(away)
            events.touch()
        yield
        with poller.frozen():
            events.unlink()
            away.rename(events)

    def events(self, source: str, folder: str = "events") -> list[Event]:
        """What a source's file holds; a torn last line is no event."""
        path = self.folder / folder / f"{source}.jsonl"
        return [json.loads(line) for line in _whole_lines(path)]

    def bytes(self, folder: str) -> dict[str, bytes]:
        """Every file of a folder, as it is now; but not SQLite's shared memory, where readers tell writers of them."""
        paths = [path for path in (self.folder / folder).rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in paths if not path.name.endswith("-shm")}

    def has(self, source: str, subjects: Collection[str]) -> bool:
        """Whether all of these arrived."""
        return set(subjects) <= set(self.subjects(source))

    def subjects(self, source: str) -> list[str]:
        return [event["subject"] for event in self.events(source)]


class Poller:
    """One process. It is killed when the test is over, and must not have shown a secret or a traceback by then; but
    the sandbox tells everybody its made-up ones."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        stdout: IO[bytes] | int | None = None,
        stdin: IO[bytes] | int | None = None,
        stderr: IO[bytes] | int | None = None,
        environ: Mapping[str, str] = NOTHING,
        before: str = "",
    ) -> None:
        """`stdout`, `stderr`: where to, if not to a file; `before`: Python that runs before the process is `poller`."""
        number = len(list(folder.glob("*.err")))
        self._open = arguments[:1] == ("sandbox",)
        self._said, self._logged = folder / f"{number}.out", folder / f"{number}.err"
        order = Order(
            str(folder),
            arguments,
            {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "COLUMNS": "200", **environ},
            before,
        )
        given = (stdin, stdout, stderr)
        with Path(os.devnull).open("rb") as nothing, self._said.open("wb") as out, self._logged.open("wb") as err:
            own: tuple[IO[bytes], ...] = (nothing, out, err)
            self.process = Forked(order, [mine if one is None else one for one, mine in zip(given, own, strict=True)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        said = self.said + self.logged
        assert "Traceback" not in said, said
        assert self._open or not [secret for secret in SECRETS if secret in said]

    def code(self, seconds: float = DEADLINE) -> int:
        """Wait for the end; the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on after {seconds:g} s: {self.logged[-3000:]}") from None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and wait; the exit code. It has ten seconds."""
        self.process.send_signal(number)
        return self.code(10)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing in it moves meanwhile."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            self.process.until_stopped()
        yield
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)

    @property
    def said(self) -> str:
        """All of its stdout so far."""
        return self._said.read_text()

    @property
    def logged(self) -> str:
        """All of its stderr so far."""
        return self._logged.read_text()

    @property
    def lines(self) -> list[str]:
        """The whole lines of stdout."""
        return [line.decode() for line in _whole_lines(self._said)]

    def logs(self, event: str = "", **fields: Any) -> list[dict[str, Any]]:
        """Its log lines, of this name and with these fields."""
        found = [dict(json.loads(line)) for line in _whole_lines(self._logged)]
        return [
            line
            for line in found
            if line["event"].startswith(event) and all(line.get(name) == value for name, value in fields.items())
        ]

    def until_log(self, event: str, **fields: Any) -> dict[str, Any]:
        """Wait for a log line."""

        def found() -> list[dict[str, Any]]:
            lines = self.logs(event, **fields)
            assert lines or self.process.poll() is None, f"it ended before {event}: {self.logged[-3000:]}"
            return lines

        return until(found, f"{event} {fields}: {self.logged[-3000:]}")[0]

    def get(self, path: str) -> httpx.Response:
        """What the running poller answers."""
        page = str(self.until_log("poller.started")["page"])
        with httpx.Client(base_url=page, trust_env=False, verify=NO_AUTHORITIES, timeout=20) as http:
            return http.get(path)

    def streams(self) -> dict[str, Any]:
        """/api/streams, by `source/stream`."""
        return {f"{one['source']}/{one['stream']}": one for one in self.get("/api/streams").json()}

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels; 0 where there is none."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.get("/metrics").text.splitlines()
        samples = [line for line in lines if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(line.rpartition(" ")[2]) for line in samples if all(label in line for label in wanted))


def without_colours(text: str) -> str:
    """What a terminal shows, as plain text."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _until_closed(terminal: int) -> Iterator[bytes]:
    """What comes out of a terminal until its last process is gone."""
    try:
        while found := os.read(terminal, 1 << 16):
            yield found
    except OSError:  # EIO is how Linux says it
        pass
    finally:
        os.close(terminal)


def _whole_lines(path: Path) -> Iterator[bytes]:
    data = path.read_bytes() if path.exists() else b""
    return iter(data[: data.rfind(b"\n") + 1].splitlines())
