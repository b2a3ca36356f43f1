"""Replicas of two versions beside each other, and what `check` says of a topic before a start would."""

from pathlib import Path

import pytest
from confluent_kafka.admin import NewPartitions

from tests.commands.running import House, until
from tests.commands.test_replicas import SOURCES, delivered, events, house_of, owned
from tests.commands.vendors import Vendors
from tests.kafka.reading import DEADLINE, Place

pytestmark = pytest.mark.slow

NEWER = "from poller.state.kafka import manifest; manifest.FORMAT += 1"


@pytest.mark.long
def test_an_older_replica_leaves_to_a_newer_one_what_that_has_written(
    tmp_path: Path, vendors: Vendors, kafka: Place
) -> None:
    house = house_of(tmp_path, vendors, kafka)
    with house.start("run") as old:
        until(lambda: delivered(kafka, vendors.holds("callcap")), "what there was")
        with house.start("run", before=NEWER) as new:
            until(lambda: owned(old) and owned(new) and owned(old) | owned(new) == set(SOURCES), "something for each")
            kept = owned(old)
            assert new.stop() == 0
        until(lambda: old.get("/readyz").status_code == 503, "not ready: it has what it cannot read")
        assert "(format 2, this one knows 1)" in old.get("/readyz").text
        assert "is left to others" in old.until_log("state.failed")["error"]
        assert owned(old) == kept
        with house.start("run", before=NEWER) as new:
            until(lambda: owned(new) >= set(SOURCES) - kept, "what the other has left")
            until(lambda: old.get("/readyz").status_code == 200, "ready: others have what it cannot read")
            more = vendors.put("callcap")
            until(lambda: delivered(kafka, [more]), "what is new, of every source")
            assert old.stop() == new.stop() == 0
    assert set(events(kafka).values()) == {1}


def test_check_says_what_a_start_would(tmp_path: Path, vendors: Vendors, kafka: Place) -> None:
    house = house_of(tmp_path, vendors, kafka)
    house.settings["state"]["partitions"] = 4
    house.write()
    assert house.run("run", "--once").code() == 0
    topic, admin = f"{kafka.prefix}state", kafka.admin()
    admin.create_partitions([NewPartitions(topic, 6)])[topic].result(DEADLINE)
    assert f"warning: topic {topic} has 6 partitions, of which the state uses 4" in checked(house, 0)
    kafka.alter(topic, cleanup_policy="delete")
    assert f"cleanup.policy of topic {topic} is delete" in checked(house, 1)
    refused = house.run("run")
    assert (refused.code(), f"cleanup.policy of topic {topic} is delete" in refused.logged) == (2, True)
    admin.delete_topics([topic])[topic].result(DEADLINE)
    assert f"state.topic: {topic} is not there, and {kafka.prefix}call holds events" in checked(house, 1)


def checked(house: House, code: int) -> str:
    found = house.run("check")
    assert found.code() == code, found.said
    return found.said
