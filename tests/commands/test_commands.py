"""What a newcomer types first: no arguments, `schema`, `demo`, `sandbox`."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from poller import VERSION
from poller.sandbox.accounts import DESCRIBED
from poller.sandbox.registry import VENDORS
from tests.commands.running import House, callcap, until
from tests.support.loopback import NO_AUTHORITIES

COMMANDS = ("run", "demo", "sandbox", "check", "streams", "schema")


@pytest.fixture
def folder(tmp_path: Path) -> House:
    return House(tmp_path, {})


def test_without_arguments_it_says_what_there_is(folder: House) -> None:
    shown = folder.run()
    assert all(re.search(rf"^\W*{command}\s", shown.said, re.MULTILINE) for command in COMMANDS)
    assert shown.logged == ""


def test_it_says_which_version_it_is(folder: House) -> None:
    assert (folder.run("--version").said, folder.run("--version").code()) == (f"poller {VERSION}\n", 0)


@pytest.mark.parametrize(
    ("command", "usage"),
    [(["state", "export"], "[FILE]"), (["explain"], "SOURCE.STREAM"), (["state", "reset"], "SOURCE[.STREAM]")],
)
def test_a_usage_names_what_is_needed_and_what_may_be_left_out(folder: House, command: list[str], usage: str) -> None:
    shown = folder.run(*command, "--help").said.split("\n")
    assert (
        next(line.strip() for line in shown if line.strip())
        == f"Usage: python -m poller {' '.join(command)} [OPTIONS] {usage}"
    )


def test_the_schema_of_the_configuration_is_one(folder: House) -> None:
    printed = folder.run("schema", "config")
    assert printed.code() == 0
    schema = json.loads(printed.said)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("draft/2020-12/schema")
    assert Draft202012Validator(schema).is_valid({}) is False, "it says something"


def test_what_a_configuration_delivers_is_told_as_schemas(folder: House) -> None:
    folder.write(sources={"acme": callcap("http://127.0.0.1:1")})
    document = json.loads(folder.run("schema", "asyncapi").said)
    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"].partition("/")[0] for channel in document["channels"].values()} == {"events", "rejects"}
    assert "call" in json.loads(folder.run("schema", "event", "-c", "config.yaml").said)["$defs"]
    assert "Callcap" in json.loads(folder.run("schema", "config", "-c", "config.yaml").said)["$defs"]
    refused = folder.run("schema", "asyncapi", "-c", "nowhere.yaml")
    assert (refused.code(), "nowhere.yaml" in refused.logged) == (2, True)


def test_a_closed_pipe_is_no_traceback(folder: House) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with folder.start("schema", "event", stdout=writing) as printing:
        os.close(writing)
        assert printing.code() == 1
    assert printing.logged == ""


def test_the_demo_prints_events_of_every_vendor_and_ends_on_ctrl_c(folder: House) -> None:
    with folder.start("demo", "--rate", "600", "-c", "nowhere.yaml") as demo:

        def all_of_them() -> bool:
            told = {json.loads(line)["source"].split("/")[1] for line in demo.lines}
            return told == {vendor.name for vendor in VENDORS} - {DESCRIBED} | {"rest"}

        until(all_of_them, "events of every vendor")
        assert demo.get("/readyz").json()["ready"] is True
        assert demo.stop(signal.SIGINT) == 0
    assert sorted(path.name for path in folder.folder.iterdir()) == ["0.err", "0.out", "config.yaml"], "nothing is left"


@contextmanager
def simulated(folder: House, *arguments: str) -> Iterator[tuple[str, httpx.Client]]:
    """A sandbox on any port: what it says on stderr, and somebody who asks it."""
    with folder.start("sandbox", "--port", "0", "-c", "nowhere.yaml", *arguments) as sandbox:
        until(lambda: "\n" in sandbox.logged, "where it listens")
        said = sandbox.logged
        with httpx.Client(
            base_url=said.split()[1].rstrip(":"), trust_env=False, verify=NO_AUTHORITIES, timeout=20
        ) as http:
            yield said, http
        assert sandbox.stop() == 0
        assert (sandbox.said, sandbox.logged) == ("", said)


def test_the_sandbox_says_in_one_line_where_it_is_and_what_lets_a_poller_in(folder: House) -> None:
    with simulated(folder, "--rate", "0.02") as (said, http):
        assert said.count("\n") == 1
        key, token, tenant = (re.search(rf"{name} ([\w-]+)", said)[1] for name in ("api_key", "access_token", "tenant"))  # type: ignore[index]
        calls, leads = (re.search(rf"{name} under (/[\w/.]+)", said)[1] for name in ("callcap", "flextell"))  # type: ignore[index]
        assert http.get(f"{calls}/v2/get/calls/", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        tenants = {"Authorization": f"Bearer {token}", "X-Tenant": tenant}
        assert http.get(f"{leads}/leads", headers=tenants).status_code == 200


def test_a_seed_makes_a_world_and_a_rate_fills_it(folder: House) -> None:
    def people(*arguments: str) -> list[str]:
        with simulated(folder, *arguments) as (_, http):
            told = http.get("/_sandbox/truth", params={"stream": "flextell/leads"}).json()["records"]
            return [told[name]["versions"][0]["record"]["full_name"] for name in sorted(told)]

    first = people("--seed", "1", "--rate", "0.02")
    assert first[:20] == people("--seed", "1", "--rate", "0.02")[:20]
    assert first[:20] != people("--seed", "2", "--rate", "0.02")[:20]
    assert len(first) > 20
    assert people("--rate", "0") == []


def test_a_port_that_is_taken_is_said(folder: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        sandbox = folder.run("sandbox", "--port", port)
    assert sandbox.code() == 2
    assert re.fullmatch(rf"poller: --port: {port} .*\n", sandbox.logged)


def test_a_world_that_runs_backwards_is_refused(folder: House) -> None:
    assert folder.run("demo", "--rate", "-1").code() == 2
