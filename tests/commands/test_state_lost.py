"""A broker that comes back with an empty disk under a whole poller: it says so, and goes on once a start began anew."""

import json
from pathlib import Path

import pytest

from tests.commands.running import HASTY, Poller, until
from tests.commands.test_kafka import subjects
from tests.commands.test_replicas import house_of
from tests.commands.vendors import Vendors
from tests.kafka.broker import Broker
from tests.kafka.reading import Place

pytestmark = pytest.mark.slow

SOON = f"{HASTY}; from poller.state.kafka import group, watch; watch.EVERY, group._UNSETTLED = 0.5, 5.0"


def lag(poller: Poller) -> float:
    found: float | None = poller.streams()["acme/calls"]["lag_seconds"]
    assert found is not None
    return found


@pytest.mark.exhaustive
def test_a_broker_that_comes_back_empty_is_told_and_waited_for(tmp_path: Path, vendors: Vendors, own: Broker) -> None:
    place = Place(own.at["PLAINTEXT"])
    house = house_of(tmp_path, vendors, place)
    with house.start("run", before=SOON) as poller:
        until(lambda: subjects(place) >= set(vendors.holds("callcap")), "what there was")
        own.stop()
        own.empty()
        own.start()
        until(lambda: "state of the state is gone" in poller.get("/readyz").text, "the reason")
        assert poller.get("/readyz").status_code == 503
        begun = lag(poller)
        until(lambda: lag(poller) > begun + 1, "a lag that grows")
        assert poller.metric("poller_lag_seconds", source="acme") > begun
        assert len(poller.logs("state.lost")) == 1
        assert place.topics() == {}, "nobody makes them"
        house.settings["state"]["allow_empty"] = True
        house.write("anew.yaml")
        begun_anew = house.run("run", "--once", "-c", "anew.yaml").code()
        assert begun_anew in {0, 1}, "the one that waited may take sources from it as soon as there is a state again"
        until(lambda: poller.get("/readyz").status_code == 200, "ready")
        new = vendors.put("callcap")
        until(lambda: new in subjects(place), "what is new")
        assert poller.stop() == 0
    found = [json.loads(value) for value in place.values("call") if value]
    assert len({event["id"] + event["source"] for event in found}) == len(found)
