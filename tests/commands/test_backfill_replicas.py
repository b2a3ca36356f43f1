"""`poller backfill` where replicas share the sources: the one that owns the source does it, and another says which."""

from pathlib import Path

import pytest

from tests.commands.running import callcap, until
from tests.commands.test_replicas import SOURCES, delivered, events, house_of, owned
from tests.commands.vendors import Vendors
from tests.kafka.reading import Place

pytestmark = pytest.mark.long
WEEK = ("--from", "7d")


def test_the_replica_that_owns_the_source_reads_it_and_another_says_which(
    tmp_path: Path, vendors: Vendors, kafka: Place
) -> None:
    house = house_of(tmp_path, vendors, kafka)
    house.settings["sources"] = {name: callcap(vendors.at, start="1s") for name in SOURCES}
    for name in ("one", "two"):
        house.write(f"{name}.yaml", server={"port": 0, "control": f"{name}.sock"})
    house.write()
    held = vendors.holds("callcap")
    with house.start("run", "-c", "one.yaml") as one, house.start("run", "-c", "two.yaml") as two:
        until(lambda: owned(one) and owned(two) and owned(one) | owned(two) == set(SOURCES), "a share for each")
        source, name = min(owned(one)), one.until_log("poller.started")["replica"]
        nobody = house.run("backfill", f"{source}.calls", *WEEK)
        assert (nobody.code(), name in nobody.logged) == (2, True), "no socket, but members"
        other = house.run("backfill", f"{source}.calls", *WEEK, "-c", "two.yaml")
        assert (other.code(), name in other.logged) == (2, True)
        assert "server.control" in other.logged
        assert house.run("backfill", f"{source}.calls", *WEEK, "-c", "one.yaml").code() == 0
        assert one.logs("backfill.read")
        assert one.stop() == two.stop() == 0
    for name in SOURCES:
        assert house.run("backfill", f"{name}.calls", *WEEK).code() == 0, "nobody polls: by itself"
    assert delivered(kafka, held)
    assert set(events(kafka).values()) == {1}
