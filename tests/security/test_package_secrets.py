"""A package that puts its credential into the text of its errors: it comes out nowhere.

Killed: a log, the state, /api, a reject, `check`, a refused start that show it; a secret in another spelling.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote_plus

import httpx
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from pydantic import SecretStr

from poller.cli.options import wait
from poller.errors import ConfigError
from poller.redaction import SECRETS, Redaction, secrets_in
from poller.sources.callcap import Callcap
from poller.telemetry import Telemetry
from tests.commands.running import FILES, House, Poller
from tests.support.loopback import NO_AUTHORITIES

KEY, PASSWORD, TOKEN = "literal\\sesame-'open'", "password-of-the-environment", "token-of-a-file"
PACKAGE = """
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal
from msgspec import Raw, json
from pydantic import SecretStr
from outputs import OutputConfig, OutputError
from poller import plugin
from poller.plugin import Sweep, kinds

class Leaky(plugin.Source):
    type: Literal["leaky"]
    api_key: plugin.Secret
    password: str
    at: str

    def leak(self, at):
        if self.at == at:
            raise RuntimeError(f"no login with {self.api_key.get_secret_value()} and {self.password}")

    def credential(self):
        self.leak("credential")
        return plugin.bearer(self.api_key)

    def build_streams(self):
        async def fetch(http, cursor, window):
            self.leak("fetch")
            yield plugin.Page([Raw(b'{"id": 1}')], end=plugin.End())

        def normalize(record):
            self.leak("normalize")
            return kinds.Lead(id="1")

        records = plugin.RecordType(
            kind=kinds.Lead, decoder=json.Decoder(plugin.struct_of("id")), identity=lambda record: str(record.id),
            time=lambda record: datetime.now(UTC), contents=(lambda record: record,), normalize=normalize,
        )
        return [plugin.Stream("leads", (Sweep("live", timedelta(seconds=1), timedelta(hours=1), fetch),), records)]

    async def probe(self, http):
        self.leak("probe")
        return "answers"

class Lossy(OutputConfig):
    type: Literal["lossy"]
    token: SecretStr
    at: str = ""

    def leak(self):
        raise OutputError(f"refused: {self.token.get_secret_value()}")

    def open(self, marks, places=()): return self if self.at != "open" else self.leak()
    def check(self, marks=None): self.leak()
    def destinations(self): return ["lossy"]
    exact: ClassVar = False
    notices: ClassVar = ()
    async def __aenter__(self): return self
    def announce(self, batch): return {}
    async def write(self, batch): self.leak()
    async def __aexit__(self, *exc): pass
"""


def house_with(folder: Path, *, output: str = "", **sources: str) -> House:
    info = folder / "site" / "leaky-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[poller.sources]\nleaky = leaky:Leaky\n[poller.outputs]\nlossy = leaky:Lossy\n"
    )
    (folder / "site" / "leaky.py").write_text(PACKAGE)
    (folder / "token").write_text(TOKEN)
    of_all = {"type": "leaky", "base_url": "http://127.0.0.1:1", "api_key": KEY, "password": "${PASSWORD}"}
    lossy = {"lossy": {"type": "lossy", "token": "${file:token}", "at": output}} if output else {}
    return House(folder, {name: of_all | {"at": at} for name, at in sources.items()}, files=FILES, **lossy)


@contextmanager
def started(house: House, *arguments: str) -> Iterator[Poller]:
    site = f"import sys\nsys.path.insert(0, {str(house.folder / 'site')!r})"
    process = house.start(*arguments, environ={"PASSWORD": PASSWORD}, before=site)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.wait()


def assert_hidden(text: str, *, told: str) -> None:
    assert told in text
    assert [secret for secret in (KEY, repr(KEY)[1:-1], PASSWORD, TOKEN, "sesame") if secret in text] == []


def test_what_a_running_poller_says_of_the_errors_of_a_package_shows_no_secret(tmp_path: Path) -> None:
    house = house_with(tmp_path, one="fetch", two="normalize")
    with started(house, "run") as poller:
        page = str(poller.until_log("poller.started")["page"])
        poller.until_log("poll.failed", source="one")
        poller.until_log("poll.completed", source="two")
        with httpx.Client(base_url=page, trust_env=False, verify=NO_AUTHORITIES, timeout=20) as http:
            assert_hidden(http.get("/api/streams").text, told="no login with *** and ***")
            assert_hidden(http.get("/").text, told="one/leads")
        assert poller.stop() == 0
        assert_hidden(poller.logged, told="RuntimeError: no login with *** and ***")
    files = b"".join(path.read_bytes() for part in ("state", "rejects") for path in (tmp_path / part).iterdir())
    assert_hidden(files.decode("latin-1"), told="cannot be normalized: RuntimeError: no login with *** and ***")
    with started(house, "streams") as streams:
        assert streams.code() == 0
        assert_hidden(streams.said, told="no login with *** and ***")
    with started(house, "explain", "one.leads") as explain:
        assert explain.code() == 0
        assert_hidden(explain.said, told="none, for a bug: RuntimeError: no login with *** and ***")


def test_check_shows_none(tmp_path: Path) -> None:
    house = house_with(tmp_path, output="write", one="probe")
    for arguments in (("check",), ("check", "--json")):
        with started(house, *arguments) as poller:
            assert poller.code() == 1
            assert_hidden(poller.said, told="RuntimeError: no login with *** and ***")
            assert_hidden(poller.said, told="outputs.lossy: refused: ***")


def test_a_start_that_is_refused_shows_none(tmp_path: Path) -> None:
    house = house_with(tmp_path, output="open", one="")
    with started(house, "run") as poller:
        assert poller.code() == 2
        assert_hidden(poller.logged, told="outputs.lossy: refused: ***")


def test_a_package_that_cannot_check_its_keys_shows_none(tmp_path: Path) -> None:
    house = house_with(tmp_path, one="credential")
    with started(house, "check") as poller:
        assert poller.code() == 2
        assert_hidden(
            poller.logged, told="sources.one: the package that brings this type failed: RuntimeError: no login"
        )


def test_the_traceback_of_a_bug_shows_none_and_what_others_know_is_left_to_them(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    SECRETS.learn([TOKEN])

    async def fails(error: Exception) -> None:
        raise error

    wait(lambda: fails(KeyError(f"no login with {TOKEN}")))
    assert codes == [1]
    assert_hidden(capfd.readouterr().err, told="KeyError: 'no login with ***'")
    with pytest.raises(ConfigError, match=r"^refused: \*\*\*$"):
        wait(lambda: fails(ConfigError(f"refused: {TOKEN}")))
    for error in (OSError("a pipe"), typer.Abort()):
        with pytest.raises(type(error)):
            wait(partial(fails, error))


def test_what_an_output_failed_with_is_kept_without_it() -> None:
    SECRETS.learn([TOKEN])
    telemetry = Telemetry()
    telemetry.output_failed("lossy", error=f"refused: {TOKEN}", retry_in=None)
    assert [one.error for one in telemetry.output_statuses()] == ["refused: ***"]


LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(LETTERS.filter(lambda text: len(text) > 12), max_size=5), LETTERS, LETTERS)
def test_whatever_is_secret_and_however_it_is_spelt_it_is_not_shown(
    secrets: list[str], before: str, between: str
) -> None:
    redaction = Redaction(secrets)
    for secret in secrets:
        for spelt in (secret, repr(secret)[1:-1], json.encode(secret).decode()[1:-1], quote_plus(secret)):
            shown = redaction.hide(f"{before}{spelt}{between}{spelt}")
            assert spelt not in shown or len(set(spelt)) < 3  # *****, of which more is left between what was hidden
    if not any(secret[:4] in f"{before}|{between}" for secret in secrets):
        assert redaction.hide(f"{before}|{between}") == f"{before}|{between}"


def test_a_long_secret_goes_before_a_shorter_one_that_it_begins_with() -> None:
    redaction = Redaction(["sesame-opens-it", "sesame-opens-it-for-ever"])
    assert redaction.hide("sesame-opens-it-for-ever and sesame-opens-it") == "*** and ***"
    redaction.learn(["another-password"])
    assert redaction.hide("sesame-opens-it, another-password") == "***, ***"


def test_what_is_nested_is_hidden_too_and_its_keys_stay() -> None:
    found = Redaction(["sesame"]).hide_within({"sesame": ["a sesame", {"x": "sesame"}, 1, None, True]})
    assert found == {"sesame": ["a ***", {"x": "***"}, 1, None, True]}


def test_the_secrets_of_settings_are_those_that_are_never_shown_and_what_lets_us_in_at_an_address() -> None:
    source = Callcap(type="callcap", api_key=SecretStr("sesame"), proxy="http://me:word@proxy.example:8080")
    assert sorted(secrets_in({"a": [source, source], "b": "http://proxy.example/@me"})) == ["", "me", "sesame", "word"]
