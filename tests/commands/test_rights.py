"""A right that we lack: `check` and `run` say which and what would help, before anything is polled, and end.

Killed: no look at the rights on topics; none at the group, or at the transactional id; the wrong right named.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.commands.running import House, callcap, until
from tests.commands.test_kafka import output, subjects
from tests.commands.vendors import Vendors
from tests.kafka.broker import Broker
from tests.kafka.reading import Place
from tests.kafka.rights import allow

pytestmark = pytest.mark.slow


class Right(NamedTuple):
    kind: str
    name: str
    operation: str


def needed(prefix: str) -> dict[str, Right]:
    """The rights that docs/kafka.md names, and no more."""
    return {
        "events": Right("TOPIC", f"{prefix}call", "WRITE"),
        "rejects": Right("TOPIC", f"{prefix}rejects", "WRITE"),
        "state read": Right("TOPIC", f"{prefix}state", "READ"),
        "state written": Right("TOPIC", f"{prefix}state", "WRITE"),
        "group": Right("GROUP", f"{prefix}group", "READ"),
        "transactions": Right("TRANSACTIONAL_ID", f"{prefix}group-{prefix}state-0", "WRITE"),
    }


def house_of(
    folder: Path, vendors: Vendors, broker: Broker, without: str = "", instead: str = ""
) -> tuple[House, Place]:
    """Polls as Bob, who has every right but one; `instead` of which he has another on the same thing."""
    place = Place(broker.at["PLAINTEXT"])
    for topic in ("call", "rejects"):
        place.create(topic)
    place.create("state", cleanup_policy="compact")
    for name, right in needed(place.prefix).items():
        if operation := right.operation if name != without else instead:
            allow(place, "bob", right.name, operation, right.kind)
    login = broker.login("SASL_PLAINTEXT", "PLAIN", "bob")
    names = {"topic": f"{place.prefix}state", "group": f"{place.prefix}group", "session_timeout": "6s"}
    house = House(folder, {"acme": callcap(vendors.at)}, bus=output(place, **login))
    house.write(state={"type": "kafka", "partitions": 1, "replication": 1, **names, **login})
    return house, place


def test_these_rights_are_enough(tmp_path: Path, vendors: Vendors, broker: Broker) -> None:
    house, place = house_of(tmp_path, vendors, broker)
    checked = house.run("check")
    assert (checked.code(), "warning" in checked.said) == (0, False)
    with house.start("run") as poller:
        until(lambda: subjects(place) >= set(vendors.holds("callcap")), "what there was")
        assert poller.stop() == 0


@pytest.mark.parametrize(
    ("without", "instead", "remedy"),
    [
        ("state read", "", "the right Read on topic {}state"),
        ("state written", "", "the right Write on topic {}state"),
        ("group", "", "refuses us ({}group): we need the right Read on this group"),
        ("group", "DESCRIBE", "refuses us ({}group): we need the right Read on this group"),
        ("transactions", "", "({}group-{}state-0): we need the rights Describe and Write on this transactional id"),
    ],
)
def test_one_that_lacks_is_named_by_check_and_ends_a_run_at_its_start(
    tmp_path: Path, vendors: Vendors, broker: Broker, without: str, instead: str, remedy: str
) -> None:
    house, place = house_of(tmp_path, vendors, broker, without, instead)
    remedy = remedy.replace("{}", place.prefix)
    checked = house.run("check")
    assert (checked.code(), remedy in checked.said) == (1, True), checked.said
    run = house.run("run", seconds=20)
    assert (run.code(), remedy in run.logged.splitlines()[-1]) == (2, True), run.logged


def test_what_only_a_use_can_tell_ends_a_run_at_its_start_too(tmp_path: Path, vendors: Vendors, broker: Broker) -> None:
    house, _ = house_of(tmp_path, vendors, broker, "transactions", "DESCRIBE")
    run = house.run("run", seconds=20)
    assert run.code() == 2
    assert "we need the rights Describe and Write on this transactional id" in run.logged.splitlines()[-1]


def test_a_topic_of_events_that_is_not_ours_to_write_is_named(tmp_path: Path, vendors: Vendors, broker: Broker) -> None:
    house, place = house_of(tmp_path, vendors, broker, "events", "DESCRIBE")
    checked = house.run("check")
    assert f"warning: we do not have the right Write on topic {place.prefix}call" in checked.said
    run = house.run("run", seconds=20)
    assert run.code() == 2
    assert f"we need the right Write on topic {place.prefix}call" in run.logged.splitlines()[-1]
