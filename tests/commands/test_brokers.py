"""A Kafka of three brokers that are restarted, and die, under a poller: it pauses at most, and goes on by itself."""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.commands.running import House, Poller, callcap, until
from tests.commands.test_kafka import output, subjects
from tests.commands.test_replicas import events
from tests.commands.vendors import Vendors
from tests.kafka.broker import Broker
from tests.kafka.cluster import NODES, Cluster
from tests.kafka.jars import NoKafka

pytestmark = pytest.mark.exhaustive

PAUSE = 15.0
"""Seconds: who is killed is missed after 3 (broker.session.timeout.ms here), and one deadline of 10 may pass."""


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        cluster = Cluster(tmp_path_factory.mktemp("kafka"))
    except NoKafka as error:
        pytest.skip(f"NOTHING WAS TESTED ON SEVERAL BROKERS: {error}")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def house_of(folder: Path, vendors: Vendors, cluster: Cluster) -> House:
    place = cluster.place
    house = House(folder, {"acme": callcap(vendors.at)}, bus=output(place, replication=NODES))
    names = {"topic": f"{place.prefix}state", "group": f"{place.prefix}group", "session_timeout": "6s"}
    state = {"type": "kafka", "bootstrap_servers": place.at, "replication": NODES, "partitions": 3, **names}
    house.write(state=state)
    return house


def test_brokers_are_restarted_in_turn_and_die_and_every_event_comes_once(
    tmp_path: Path, vendors: Vendors, cluster: Cluster
) -> None:
    house = house_of(tmp_path, vendors, cluster)
    with house.start("run") as poller:
        until(lambda: subjects(cluster.place) >= set(vendors.holds("callcap")), "what there was")
        for node in cluster.nodes:
            goes_on_without(node, node.stop, poller, vendors, cluster)
        goes_on_without(cluster.nodes[1], cluster.nodes[1].kill, poller, vendors, cluster)
        until(lambda: poller.get("/readyz").status_code == 200, "ready again")
        for node in cluster.nodes[1:]:
            node.kill()
        last = vendors.put("callcap")
        assert poller.stop() == 0, "in ten seconds, whatever its last transaction waits for"
    cluster.nodes[1].start()
    assert last not in subjects(cluster.place)
    assert house.run("run", "--once").code() == 0
    until(lambda: subjects(cluster.place) >= set(vendors.holds("callcap")), "what was committed: marked a moment later")
    assert set(events(cluster.place).values()) == {1}


def goes_on_without(node: Broker, end: Callable[[], None], poller: Poller, vendors: Vendors, cluster: Cluster) -> None:
    """Delivered is what comes while a broker is away, and what comes when it is there again."""
    end()
    begun, new = monotonic(), vendors.put("callcap")
    until(lambda: new in subjects(cluster.place), "what came while a broker was away")
    assert monotonic() - begun < PAUSE
    assert poller.process.poll() is None
    node.start()
    cluster.until_in_sync()
    newer = vendors.put("callcap")
    until(lambda: newer in subjects(cluster.place), "what came when it was back")
