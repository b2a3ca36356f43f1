"""Whole replicas with their state in Kafka: each source is polled by one of them, and every event comes once."""

import json
import socket
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.commands.running import House, Poller, callcap, until, without_colours
from tests.commands.test_kafka import output
from tests.commands.test_once import SHORT_PATIENCE
from tests.commands.vendors import Vendors
from tests.kafka.reading import Place

pytestmark = pytest.mark.slow

SOURCES = ("acme", "east", "north", "west")
SESSION = 6.0
"""Seconds: the least that a broker allows (group.min.session.timeout.ms)."""


def house_of(folder: Path, vendors: Vendors, place: Place) -> House:
    house = House(folder, {name: callcap(vendors.at) for name in SOURCES}, bus=output(place))
    names = {"topic": f"{place.prefix}state", "group": f"{place.prefix}group", "session_timeout": f"{SESSION:g}s"}
    house.settings["state"] = {"type": "kafka", "bootstrap_servers": place.at, "replication": 1, **names}
    house.write()
    return house


def named_itself(poller: Poller) -> str:
    return str(poller.until_log("poller.started")["replica"])


def named(poller: Poller) -> dict[str, str]:
    """Who polls each source, as it says."""
    return {one["source"]: one["owner"] for one in poller.get("/api/streams").json()}


def owned(poller: Poller) -> set[str]:
    """The sources that it says are its own."""
    return {source for source, owner in named(poller).items() if owner == named_itself(poller)}


def said_to_be_owned(*pollers: Poller) -> float:
    """How many times a metric says of a source that it is owned."""
    return sum(each.metric("poller_source_owned", source=name) for each in pollers for name in SOURCES)


def events(place: Place) -> Counter[str]:
    """How often each event is there for a reader of what is committed."""
    there = f"{place.prefix}call" in place.topics()
    values = place.values("call") if there else ()
    return Counter(json.loads(value)["id"] + json.loads(value)["source"] for value in values if value)


def delivered(place: Place, subjects: Collection[str]) -> bool:
    found: dict[str, set[str]] = {name: set() for name in SOURCES}
    for value in place.values("call") if f"{place.prefix}call" in place.topics() else ():
        event: dict[str, Any] = json.loads(value or b"{}")
        found[event["source"].rpartition("/")[2]].add(event["subject"])
    return all(set(subjects) <= of for of in found.values())


def test_replicas_share_the_sources_and_take_over_what_another_leaves(
    tmp_path: Path, vendors: Vendors, kafka: Place
) -> None:
    house = house_of(tmp_path, vendors, kafka)
    with house.start("run") as one, house.start("run") as two:
        until(lambda: owned(one) | owned(two) == set(SOURCES) and not owned(one) & owned(two), "a fair share")
        until(lambda: owned(one) and owned(two), "something for each")
        until(lambda: delivered(kafka, vendors.holds("callcap")), "what there was")
        until(lambda: named(one) == named(two), "each names the other")
        assert set(named(one).values()) == {named_itself(one), named_itself(two)}
        assert {each["owner"] for each in json.loads(house.run("streams", "--json").said)} == set(named(one).values())
        code, shown = house.at_terminal("streams", columns=160)
        assert code == 0
        assert all(f" {name}\n" in without_colours(shown) for name in named(one).values()), shown
        page = one.get("/").text
        assert f"the replica {named_itself(two)} polls it" in page
        assert one.get("/readyz").status_code == two.get("/readyz").status_code == 200
        until(lambda: said_to_be_owned(one, two) == len(SOURCES), "each to be said of one of them")
        for name in SOURCES:
            assert sum(each.metric("poller_stream_state", source=name) for each in (one, two)) == 1, "its owner tells"
        begun = monotonic()
        assert one.stop() == 0
        until(lambda: owned(two) == set(SOURCES), "all of them")
        assert monotonic() - begun < 2 + 3, "a clean stop, and what it takes to finish the page in hand"
        with house.start("run") as three:
            until(lambda: owned(three), "a share")
            begun = monotonic()
            two.process.kill()
            until(lambda: owned(three) == set(SOURCES), "all of them")
            assert monotonic() - begun < SESSION + 3
            new = vendors.put("callcap")
            until(lambda: delivered(kafka, [new]), "what is new")
            assert house.run("streams").code() == 0
            checked = house.run("check")
            assert (checked.code(), "is compacted" in checked.said) == (0, False), "that is the topic of the state"
            assert three.stop() == 0
    assert set(events(kafka).values()) == {1}


@pytest.mark.long
def test_a_replica_that_was_frozen_for_too_long_delivers_nothing_twice(
    tmp_path: Path, vendors: Vendors, kafka: Place
) -> None:
    house = house_of(tmp_path, vendors, kafka)
    with house.start("run") as one:
        until(lambda: delivered(kafka, vendors.holds("callcap")), "what there was")
        with house.start("run") as two:
            until(lambda: owned(one) and owned(two), "something for each")
            with one.frozen():
                until(lambda: owned(two) == set(SOURCES), "all of them")
                new = vendors.put("callcap")
                until(lambda: delivered(kafka, [new]), "what is new")
            until(lambda: owned(one) and not owned(one) & owned(two), "a fair share again")
            newest = vendors.put("callcap")
            until(lambda: delivered(kafka, [newest]), "what is newest")
            assert one.stop() == two.stop() == 0
    assert set(events(kafka).values()) == {1}


def test_once_does_not_wait_for_ever_for_a_state_that_is_away(tmp_path: Path, vendors: Vendors) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = Place(f"127.0.0.1:{taken.getsockname()[1]}")
    house = house_of(tmp_path, vendors, nobody)
    once = house.run("run", "--once", before=SHORT_PATIENCE)  # and hasty
    assert once.code() == 1
    assert "the state is away" in once.logs("run.failed")[0]["reason"]
