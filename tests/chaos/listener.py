"""docs/examples/consumer.py beside a chaos run on Kafka: each stream's lines in the order in which it believes them."""

import runpy
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from tests.chaos.aftermath import Lines
from tests.kafka.reading import Place

EXAMPLE = Path(__file__).parents[2] / "docs/examples/consumer.py"
PROGRESS, NO_EVENTS = "stream", {"state", "rejects"}
"""The topic of progress events, and those that hold no events."""


class Listener:
    """Reads in a thread while everything fails; where that ends its reading, it begins anew."""

    def __init__(self, place: Place) -> None:
        self._place, self._read = place, runpy.run_path(str(EXAMPLE))["read"]
        self._lines: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.began = 0

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> Lines:
        """Read to the end, and return the lines of each stream; progress events stand behind what they speak of."""
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the listener finds no end"
        return self._lines

    def _listen(self) -> None:
        while True:
            try:
                if topics := self._topics():
                    self._take(topics)
                    return
            except KafkaException:
                pass
            if self._over.wait(0.5) and not self._topics():
                return

    def _topics(self) -> list[str]:
        """Return the topics of progress and of events, once there are any."""
        names = {name.removeprefix(self._place.prefix) for name in self._place.topics()} - NO_EVENTS
        return sorted(self._place.prefix + name for name in names) if PROGRESS in names else []

    def _take(self, topics: list[str]) -> None:
        self.began += 1
        self._lines.clear()
        silent = 0
        for event in self._read(self._place.at, topics):
            silent = silent + 1 if event is None else 0
            if event is not None:
                self._lines[event["source"].rpartition("/")[2], event["stream"]].append(event)
            elif self._over.is_set() and silent > 4:
                return
