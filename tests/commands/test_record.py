"""`poller record`, and `poller sandbox --replay`: a vendor's answers are kept without a secret, and come again.

Killed: a credential in a request's query; a token's answer kept; a file written over; the mode of a file that others
may read; a refresh token that is spent; an answer that is skipped.
"""

import json
import re
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import yaml

from poller.commands.record import record
from poller.commands.replay import replay
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.telemetry import Telemetry
from tests.commands.running import SECRETS, STDOUT, House, Poller, callcap, flextell, until
from tests.commands.vendors import Vendors
from tests.support.loopback import NO_AUTHORITIES

TIMES = '"recorded_at":"2026-03-14T12:00:00Z","start":"2026-03-14T11:00:00Z"'
HEADER = f'{{"poller_recording":1,"type":"callcap","base_path":"",{TIMES}}}\n'


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@contextmanager
def replaying(house: House, name: str) -> Iterator[tuple[Poller, str]]:
    """A replay, its configuration written to replay.yaml: the process, and its origin."""
    with house.start("sandbox", "--replay", name, "--port", "0") as process:
        until(lambda: "Save the configuration" in process.logged, "the replay")
        (house.folder / "replay.yaml").write_text(process.said)
        yield process, re.findall(r"http://127\.0\.0\.1:\d+", process.logged)[0]


def subjects(process: Poller) -> list[str]:
    return sorted(json.loads(line)["subject"] for line in process.lines)


def test_what_was_recorded_comes_again(house: House, vendors: Vendors) -> None:
    done = house.run("record", "acme", "-o", "odd.jsonl", "--for", "700ms")
    assert done.code() == 0, done.logged
    assert done.said == "", "events are not shown"
    assert not (house.folder / "state").exists()
    header, *exchanges = lines_of(house.folder / "odd.jsonl")
    assert (header["poller_recording"], header["type"], header["base_path"]) == (1, "callcap", "/callcap")
    assert {exchange["status"] for exchange in exchanges} == {200}
    assert stat.S_IMODE((house.folder / "odd.jsonl").stat().st_mode) == 0o600
    with replaying(house, "odd.jsonl") as (_, at):
        assert yaml.safe_load((house.folder / "replay.yaml").read_text())["sources"]["replay"]["type"] == "callcap"
        again = house.run("run", "--once", "-c", "replay.yaml")
        assert again.code() == 0, again.logged
        assert subjects(again) == sorted(vendors.holds("callcap"))
        odd = httpx.get(f"{at}/callcap/v2/get/other/?page=1", trust_env=False, verify=NO_AUTHORITIES)
        assert (odd.status_code, odd.json()["error"]) == (
            421, "nothing like this was recorded: GET /callcap/v2/get/other/?page=1",
        )  # fmt: skip


@pytest.mark.exhaustive
def test_a_source_with_tokens_is_recorded_without_them(house: House, vendors: Vendors) -> None:
    crm = flextell(vendors.at, oauth=True)
    house.write(sources={"crm": crm})
    left_out = house.run("record", "crm", "-o", "no.jsonl", "--for", "700ms")
    assert left_out.code() == 1
    assert "no valid access token at hand" in left_out.logged
    assert not (house.folder / "no.jsonl").exists()
    assert house.run("run", "--once").code() == 0
    before = vendors.number()
    assert house.run("record", "crm", "-o", "crm.jsonl", "--for", "700ms").code() == 0
    assert {entry["method"] for entry in vendors.asked("flextell", before)} == {"GET"}, "no refresh token is spent"
    text = (house.folder / "crm.jsonl").read_text()
    assert not [secret for secret in SECRETS if secret in text]
    with replaying(house, "crm.jsonl"):
        assert house.run("run", "--once", "-c", "replay.yaml").code() == 0


@pytest.mark.parametrize(
    ("name", "file", "why"),
    [
        ("acme", "mine.jsonl", "-o: {path} is there already, and is not written over: name another file"),
        ("acme", "no/such/folder", "-o: {path} cannot be made: No such file or directory"),
        ("nobody", "new.jsonl", "nobody: there is no such source; these there are: acme"),
    ],
)
def test_what_cannot_be_recorded_is_refused(tmp_path: Path, name: str, file: str, why: str) -> None:
    (tmp_path / "mine.jsonl").write_text("mine")
    settings = Settings.model_validate(
        {"sources": {"acme": callcap("http://127.0.0.1:1")}, "outputs": {"console": STDOUT},
         "state": {"path": f"{tmp_path}/poller.db"}}
    )  # fmt: skip
    path = tmp_path / file
    with pytest.raises(ConfigError) as caught:
        anyio.run(record, settings, name, Telemetry(), path, timedelta(seconds=1))
    assert str(caught.value) == why.format(path=path)
    assert (tmp_path / "mine.jsonl").read_text() == "mine"


@pytest.mark.slow
def test_it_ends_by_a_signal_and_what_was_killed_is_usable(house: House, vendors: Vendors) -> None:
    path = house.folder / "odd.jsonl"
    with house.start("record", "acme", "-o", "odd.jsonl") as process:
        until(lambda: path.exists() and path.read_bytes().count(b"\n") > 3, "answers")
        assert process.stop(signal.SIGINT) == 0
    assert lines_of(path)
    torn = house.folder / "torn.jsonl"
    with house.start("record", "acme", "-o", "torn.jsonl") as process:
        until(lambda: torn.exists() and torn.read_bytes().count(b"\n") > 3, "answers")
        process.process.kill()
    torn.write_bytes(torn.read_bytes() + b'{"at": 3, "meth')
    with replaying(house, "torn.jsonl"):
        assert house.run("run", "--once", "-c", "replay.yaml").code() == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}\n", "its first line is not that of a recording"),
        ('{"poller_recording":9,"of":"tomorrow"}\n', "it is of the format 9, and this version reads 1"),
        (f"{HEADER}{{}}\n", "line 2 is no exchange"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "odd.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        anyio.run(partial(replay, path, port=0, say=print, show=print))
    assert str(caught.value).startswith(f"--replay: {path}: {why}")


@pytest.mark.exhaustive
def test_a_recorder_works_beside_a_poller(house: House, vendors: Vendors) -> None:
    house.write(sources={"acme": callcap(vendors.at)})
    with house.start("run") as poller:
        poller.until_log("poll.completed", sweep="audit")
        beside = house.run("record", "acme", "-o", "odd.jsonl", "--for", "700ms", "--mask")
        assert beside.code() == 0, beside.logged
        assert poller.stop() == 0
    header, *exchanges = lines_of(house.folder / "odd.jsonl")
    assert header["masked"]
    assert exchanges
    assert not [subject for subject in house.subjects("acme") if subject in exchanges[0]["body"]]
