"""docs/examples/consumer.py, against a real broker: an hour that it prints is whole, and each is printed once."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.commands.running import ROOT, House, callcap, until
from tests.commands.test_kafka import output
from tests.commands.vendors import Vendors, serving
from tests.kafka.reading import Place

pytestmark = pytest.mark.exhaustive

EXAMPLE = ROOT / "docs/examples/consumer.py"
SESSION = "6s"
"""The least that a broker allows (group.min.session.timeout.ms)."""


def house_of(folder: Path, vendors: Vendors, place: Place) -> House:
    house = House(folder, {"acme": callcap(vendors.at, start="all")}, bus=output(place, partitions=3))
    names = {"topic": f"{place.prefix}state", "group": f"{place.prefix}group", "session_timeout": SESSION}
    house.settings["state"] = {"type": "kafka", "bootstrap_servers": place.at, "replication": 1, **names}
    house.settings["progress"] = "300ms"
    house.write()
    return house


@contextmanager
def example(*arguments: str) -> Iterator[list[str]]:
    """Run the example, and yield the lines that it has printed so far."""
    lines: list[str] = []
    process = subprocess.Popen([sys.executable, EXAMPLE, *arguments], stdout=subprocess.PIPE, text=True)
    reader = threading.Thread(
        target=lambda: lines.extend(iter(process.stdout.readline, "")) if process.stdout else None
    )
    reader.start()
    try:
        yield lines
        assert process.poll() is None, "it ended by itself"
    finally:
        process.kill()
        process.communicate()
        reader.join()


def truth(vendors: Vendors) -> Counter[str]:
    """How many calls began in each hour."""
    began = [record["start_datetime"] for record in vendors.shows("callcap")]
    local = [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("US/Arizona")) for text in began]
    return Counter(f"{at.astimezone(UTC):%Y-%m-%dT%H:00Z}" for at in local)


def test_an_hour_is_printed_once_and_whole(tmp_path: Path, kafka: Place) -> None:
    """It comes late, and to more records than one answer holds: progress events come in before what they speak of."""
    with serving(rate=6, minutes=600) as vendors:
        house = house_of(tmp_path, vendors, kafka)
        with house.start("run") as first:
            until(lambda: f"{kafka.prefix}stream" in kafka.topics() and kafka.values("call"), "the first records")
            first.process.kill()
        with house.start("run") as second:
            until(lambda: len(kafka.values("call")) >= len(vendors.holds("callcap")), "all records")
            with example(kafka.at, f"{kafka.prefix}stream", f"{kafka.prefix}call") as lines:
                past = {hour for hour in truth(vendors) if hour < f"{datetime.now(UTC):%Y-%m-%dT%H}"}
                until(lambda: {line.split()[0] for line in lines} >= past, "all hours that are over")
            assert second.stop() == 0
        printed = {hour: int(count) for hour, _, count in map(str.split, lines)}
        assert len(printed) == len(lines)
        assert printed == {hour: count for hour, count in truth(vendors).items() if hour in printed}
