"""Secrets are planted wherever a configuration takes one, and all that comes out of the program is searched for them.

Killed: a credential in an error; a token in /api; a secret that `state export` prints; a client's secret in a recording
or in the state; a credential that a vendor repeats, in a recording.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from poller.http.auth import FixedAuth
from poller.http.recorder import Recorder
from poller.plugin.credentials import StaticHeaders
from poller.recording.file import Exchange
from poller.redaction import Redaction, secrets_in
from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import CLIENT_SECRET, REFRESH_TOKEN
from tests.commands.running import FILES, House, Poller, callcap, flextell
from tests.commands.vendors import Vendors, serving
from tests.http.wire import answer, saying, session, vendor
from tests.sources.rest.described import rest
from tests.support.loopback import NO_AUTHORITIES

TOKEN, PASSWORD, PARAMETER, HEADER, PROXY = (
    "marked-server-token", "marked-basic-password", "marked+parameter/value=", "marked-header", "marked-proxy-password"
)  # fmt: skip
OURS = (API_KEY, CLIENT_SECRET, REFRESH_TOKEN, TOKEN, PASSWORD, "marked%2Bparameter", PARAMETER, HEADER, PROXY)
ISSUED = ("sandbox-access-", "sandbox-refresh-")
"""How the tokens begin that the vendor hands out."""
CRASHED = "from poller.polling.supervisor import Supervisor\nSupervisor.run = lambda self, ledger: 1 / 0"
COMMANDS = (
    "run --once", "run --once --dry-run", "check", "check --json", "streams", "explain desk.leads", "state export",
    "schema config", "run --help", "record acme -o acme.jsonl --for 1s",
)  # fmt: skip
BROKEN = "from poller.http.session import Session\nSession._read = lambda self, request: 1 / 0"


def described(at: str, **source: Any) -> dict[str, Any]:
    auth = {
        "basic": {"username": "me", "password": PASSWORD},
        "params": {"key": PARAMETER},
        "headers": {"X-Key": HEADER},
    }
    stream = {"kind": "lead", "params": {"page": "{page}"}, "sweeps": {"live": {"every": "1s"}}}
    fixed = {"type": "rest", "base_url": f"{at}/flextell/api/v1", "auth": auth, "streams": {"leads": stream}}
    return {**fixed, "requests_per_minute": 6000, **source}


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    with serving() as found:
        yield found


@pytest.fixture
def house(vendors: Vendors, tmp_path: Path) -> House:
    """Secrets from the environment, from files, and from the configuration itself."""
    (tmp_path / "client.secret").write_text(CLIENT_SECRET)
    crm = flextell(vendors.at, oauth=True) | {"client_secret": "${file:client.secret}", "refresh_token": "${REFRESH}"}
    proxied = callcap(vendors.at, proxy=f"http://me:{PROXY}@127.0.0.1:1")
    sources = {"acme": callcap(vendors.at) | {"api_key": "${KEY}"}, "crm": crm, "desk": described(vendors.at)}
    house = House(tmp_path, {**sources, "far": proxied}, files=FILES)
    house.write(server={"port": 0, "token": "${TOKEN}"})
    return house


@contextmanager
def command(house: House, *arguments: str, before: str = "") -> Iterator[Poller]:
    """A command, whose process list shows nothing either."""
    environ = {"KEY": API_KEY, "REFRESH": REFRESH_TOKEN, "TOKEN": TOKEN}
    process = house.start(*arguments, environ=environ, before=before)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.wait()


def assert_hidden(text: str, where: str, secrets: tuple[str, ...] = (*OURS, *ISSUED)) -> None:
    assert [secret for secret in secrets if secret in text] == [], where


@pytest.mark.exhaustive
def test_no_secret_is_shown_by_any_command(house: House, vendors: Vendors) -> None:
    vendors.vices({"callcap": {"unauthorized": 0.2, "error_in_body": 0.2}})
    with command(house, "run") as poller:
        page = str(poller.until_log("poller.started")["page"])
        poller.until_log("poll.completed", source="crm")
        poller.until_log("poll.failed", source="far")
        cmdline = Path(f"/proc/{poller.process.pid}/cmdline")
        assert_hidden(cmdline.read_text() if cmdline.exists() else "", "the list of processes")
        with httpx.Client(base_url=page, trust_env=False, verify=NO_AUTHORITIES, timeout=20, auth=("", TOKEN)) as http:
            for path in ("/", "/metrics", "/api/streams", "/api/status", "/readyz", "/nothing"):
                found = http.get(path)
                assert found.status_code < 500
                assert_hidden(f"{found.headers}{found.text}", path)
        for arguments in (("streams", "--json"), ("record", "crm", "-o", "crm.jsonl", "--for", "700ms")):
            with command(house, *arguments) as beside:
                beside.code()
        assert poller.stop() == 0
    for said, before in (*((line, "") for line in COMMANDS), ("run --once", BROKEN), ("run --once", CRASHED)):
        with command(house, *said.split(), before=before) as process:
            process.code(90)
        if before == CRASHED:
            assert "ZeroDivisionError" in process.logged
    shown = [*house.folder.glob("*.out"), *house.folder.glob("*.err"), *house.folder.glob("*.jsonl")]
    assert len(shown) > 20
    for file in [*shown, *house.folder.glob("events/*"), *house.folder.glob("rejects/*")]:
        assert_hidden(file.read_text(), f"{file.name}: {file.read_text()[:200]}")
    for file in (file for file in house.folder.glob("state/*") if file.is_file()):
        not_refreshed = tuple(secret for secret in OURS if secret != REFRESH_TOKEN)  # which has to be in the state
        assert_hidden(file.read_bytes().decode("latin-1"), file.name, not_refreshed)


async def test_what_a_vendor_repeats_of_a_credential_is_not_recorded() -> None:
    auth = {"bearer": "marked-bearer", "params": {"key": PARAMETER}}
    source, kept = rest(auth=auth, proxy=f"http://me:{PROXY}@127.0.0.1:1"), list[Exchange]()
    said = (
        f'{{"error": "no marked-bearer", "next": "/x?key=marked%2Bparameter%2Fvalue%3D&page=2", "key": "{PARAMETER}"}}'
    )
    headers = {"Set-Cookie": "session=marked-cookie", "X-Echo": "Bearer marked-bearer", "X-Page": "2"}
    async with vendor(saying(answer(200, body=said.encode(), **headers))) as server:
        recorder = Recorder(kept.append, secrets_in(source), {})
        credential = StaticHeaders({"Authorization": SecretStr("Bearer marked-bearer")}, {"key": SecretStr(PARAMETER)})
        async with session(server.url, FixedAuth(credential, {}), recorder=recorder) as ours:
            await ours.ask("/list", "page=1&key=something")
            await ours.ask("/list", {"page": "2"}, body=b'{"key": "marked-bearer"}')
    assert "key=marked%2Bparameter%2Fvalue%3D" in server.asked[0].target
    assert [(one.method, one.query, one.sent) for one in kept] == [
        ("GET", "page=1", None), ("POST", "page=2", '{"key": "***"}'),
    ]  # fmt: skip
    assert kept[0].body == '{"error": "no ***", "next": "/x?key=***&page=2", "key": "***"}'
    assert {name: kept[0].headers.get(name) for name in ("x-echo", "x-page", "set-cookie")} == {
        "x-echo": "***", "x-page": "2", "set-cookie": None,
    }  # fmt: skip
    assert_hidden(f"{kept}", "the recording", (*OURS, "marked-bearer", "marked-cookie"))


def test_a_short_secret_that_is_a_part_of_another_word_stays_there() -> None:
    hide = Redaction(["user", "pass word", "", "abc"]).hide
    assert hide('{"user_id": "user", "users": ["a user"], "x": "pass+word", "y": "pass%20word", "abc": 1}') == (
        '{"user_id": "***", "users": ["a ***"], "x": "***", "y": "***", "abc": 1}'
    )
