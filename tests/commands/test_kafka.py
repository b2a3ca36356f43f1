"""A whole `poller run` with Kafka as its output: every event arrives, a broker that is away is waited for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import HASTY, House, callcap, until
from tests.commands.vendors import Vendors
from tests.kafka.broker import Broker
from tests.kafka.reading import Place
from tests.kafka.tickets import PASSWORDS

pytestmark = pytest.mark.slow


def output(place: Place, **changes: Any) -> dict[str, Any]:
    names = {"topic": f"{place.prefix}{{kind}}", "rejects_topic": f"{place.prefix}rejects", "replication": 1}
    return {"type": "kafka", "bootstrap_servers": place.at, **names} | changes


def house_of(folder: Path, vendors: Vendors, **outputs: Any) -> House:
    return House(folder, {"acme": callcap(vendors.at)}, **outputs)


def subjects(place: Place) -> set[str]:
    """Whose events can be read."""
    there = f"{place.prefix}call" in place.topics()
    return {json.loads(value)["subject"] for value in (place.values("call") if there else ()) if value}


@pytest.fixture
def frail(frail_broker: Broker) -> Iterator[Place]:
    """A place on a broker that may be killed in the test, and is back after it."""
    yield Place(frail_broker.at["PLAINTEXT"])
    frail_broker.start()


def test_every_event_arrives_under_its_key(tmp_path: Path, vendors: Vendors, kafka: Place) -> None:
    house = house_of(tmp_path, vendors, bus=output(kafka))
    assert house.run("check").code() == 0
    with house.start("run") as poller:
        until(lambda: subjects(kafka) >= set(vendors.holds("callcap")), "what there was")
        assert poller.metric("poller_output_up", output="bus") == 1
        assert poller.stop() == 0
    for message in kafka.read("call"):
        event = json.loads(message.value() or b"")
        assert message.key() == event["partitionkey"].encode()


@pytest.mark.long
def test_a_broker_that_is_away_is_waited_for_loudly(
    tmp_path: Path, vendors: Vendors, frail_broker: Broker, frail: Place
) -> None:
    house = house_of(tmp_path, vendors, bus=output(frail))
    frail_broker.kill()
    with house.start("run", before=HASTY) as poller:
        assert "is away" in poller.until_log("output.failed", output="bus")["error"]
        assert poller.get("/readyz").status_code == 503
        assert poller.get("/livez").status_code == 200
        frail_broker.start()
        until(lambda: subjects(frail) >= set(vendors.holds("callcap")), "what there was")
        until(lambda: poller.get("/readyz").status_code == 200, "ready")
        frail_broker.kill()
        new = vendors.put("callcap")
        until(lambda: poller.get("/readyz").status_code == 503, "not ready")
        assert poller.stop() == 0, "also while it is away"
    frail_broker.start()
    assert house.run("run", "--once").code() == 0
    assert new in subjects(frail), "what came meanwhile"


def test_a_wrong_password_ends_it_at_the_start(tmp_path: Path, vendors: Vendors, broker: Broker) -> None:
    login = broker.login("SASL_PLAINTEXT", "PLAIN", next(iter(PASSWORDS))) | {"sasl_password": "SECRET-wrong"}
    house = house_of(tmp_path, vendors, bus=output(Place(broker.at["SASL_PLAINTEXT"]), **login))
    run = house.run("run")
    assert run.code() == 2
    assert "check sasl_username and sasl_password" in run.logged
    assert "SECRET-wrong" not in run.logged
