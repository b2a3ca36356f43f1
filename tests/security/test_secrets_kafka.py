"""Credentials of Kafka are planted, and all that comes out of the program, and lies in topics, is searched for them.

Killed: a password in an error of a broker that refuses us; a refresh token that lies in the state's topic in plain; a
token in what `check` says.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import CLIENT_SECRET, REFRESH_TOKEN
from tests.commands.running import House, callcap, flextell
from tests.commands.vendors import Vendors, serving
from tests.kafka.broker import Broker
from tests.kafka.reading import Place
from tests.kafka.tickets import PASSWORDS, token
from tests.security.test_secrets import BROKEN, ISSUED, assert_hidden
from tests.support.loopback import NO_AUTHORITIES

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

KEY, WRONG = base64.b64encode(b"marked-key-of-tokens-32-bytes-xx").decode(), "marked-wrong-password"
STRANGE = token("marked-stranger")
LOGIN = (PASSWORDS["alice"], WRONG, STRANGE, KEY)
SECRETS = (*LOGIN, API_KEY, CLIENT_SECRET, REFRESH_TOKEN, *ISSUED)
COMMANDS = (
    "check", "check --json", "check --deep acme", "run --once", "run --once --dry-run", "streams", "streams --json",
    "explain acme.calls", "state export", "schema config", "schema asyncapi", "record acme -o acme.jsonl --for 1s",
)  # fmt: skip


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    with serving() as found:
        yield found


def house_of(folder: Path, vendors: Vendors, place: Place, login: dict[str, Any]) -> House:
    names = {"topic": f"{place.prefix}{{kind}}", "rejects_topic": f"{place.prefix}rejects", "replication": 1}
    house = House(
        folder,
        {"acme": callcap(vendors.at), "crm": flextell(vendors.at, oauth=True)},
        bus={"type": "kafka", **names, **login},
    )
    state = {"topic": f"{place.prefix}state", "group": place.prefix, "partitions": 2, "replication": 1}
    house.settings["state"] = {"type": "kafka", "token_key": KEY, **state, **login}
    house.write()
    return house


def assert_files_hide(house: House) -> None:
    shown = [file for ending in ("out", "err", "jsonl") for file in house.folder.glob(f"*.{ending}")]
    assert shown
    for file in shown:
        assert_hidden(text := file.read_text(), f"{file.name}: {text[:2000]}", SECRETS)


def test_no_credential_of_kafka_is_shown(tmp_path: Path, vendors: Vendors, broker: Broker, kafka: Place) -> None:
    house = house_of(tmp_path, vendors, kafka, broker.login("SASL_PLAINTEXT", "PLAIN", "alice"))
    with house.start("run") as poller:
        page = str(poller.until_log("poller.started")["page"])
        poller.until_log("poll.completed", source="crm")
        assert_hidden(Path(f"/proc/{poller.process.pid}/cmdline").read_text(), "the list of processes", SECRETS)
        with httpx.Client(base_url=page, trust_env=False, verify=NO_AUTHORITIES, timeout=20) as http:
            for path in ("/", "/metrics", "/api/streams", "/api/status", "/readyz"):
                assert_hidden(http.get(path).text, path, SECRETS)
        assert poller.stop() == 0
    for said in COMMANDS:
        house.run(*said.split(), seconds=90)
    house.start("run", "--once", before=BROKEN).process.wait(90)  # which logs tracebacks, as it has to
    for topic in kafka.topics():
        for message in kafka.read(topic.removeprefix(kafka.prefix), committed=False):
            assert_hidden(f"{message.key()!r} {message.value()!r} {message.headers()}", topic, SECRETS)
    assert_files_hide(house)


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "nobody"])
def test_a_refusal_shows_no_credential(
    tmp_path: Path, vendors: Vendors, broker: Broker, kafka: Place, way: str
) -> None:
    wrong = {"sasl_token": STRANGE} if way == "OAUTHBEARER" else {"sasl_password": WRONG}
    login = broker.login("SASL_PLAINTEXT", "PLAIN" if way == "nobody" else way, "alice") | wrong
    if way == "nobody":
        login["bootstrap_servers"] = "127.0.0.1:1"
    house = house_of(tmp_path, vendors, kafka, login)
    for said in ("check", "check --json", "state export", "streams"):
        assert house.run(*said.split(), seconds=90).code(90) != 0 or way == "OAUTHBEARER"
    with house.start("run") as poller:
        if way == "nobody":
            poller.until_log("state.failed")
            poller.process.kill()
        else:
            poller.code(90)
    assert_files_hide(house)
