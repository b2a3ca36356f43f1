"""A Kafka of three nodes for tests: every topic is on all of them, and two must have what counts as written."""

import time
from pathlib import Path

from tests.kafka.broker import Broker, free_ports
from tests.kafka.reading import DEADLINE, Place

NODES = 3
REPLICATED: dict[str, object] = {
    "default_replication_factor": NODES,
    "min_insync_replicas": 2,
    "offsets_topic_replication_factor": NODES,
    "transaction_state_log_replication_factor": NODES,
    "transaction_state_log_min_isr": 2,
}


class Cluster:
    """Nodes below `folder`; `place` reaches them all."""

    def __init__(self, folder: Path) -> None:
        voters = [f"127.0.0.1:{port}" for port in free_ports(NODES)]
        folders = [folder / str(number) for number in range(NODES)]
        for each in folders:
            each.mkdir()
        self.nodes = [Broker(each, None, number, voters, **REPLICATED) for number, each in enumerate(folders)]
        self.place = Place(",".join(node.at["PLAINTEXT"] for node in self.nodes))

    def start(self) -> None:
        """Start those that do not run; return once all are there, and hold all that there is."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait()
        self.until_in_sync()

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()

    def until_in_sync(self) -> None:
        """Wait as an operator does between two restarts: until no replica lacks anything."""
        admin, end = self.place.admin(), time.monotonic() + DEADLINE
        while True:
            found = admin.list_topics(timeout=DEADLINE)
            partitions = [part for topic in found.topics.values() for part in topic.partitions.values()]
            if len(found.brokers) == NODES and all(len(part.isrs) == len(part.replicas) for part in partitions):
                return
            assert time.monotonic() < end, "not in sync"
            time.sleep(0.1)
