"""What every output promises: one that is listed in the registry is tested here, once it has a destination."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from outputs import Output
from outputs.file import FileConfig
from outputs.kafka import KafkaConfig
from outputs.registry import OUTPUTS
from outputs.stdout import StdoutConfig, StdoutOutput
from poller.testing import Destination, OutputContract, break_os_write
from tests.kafka.reading import Place
from tests.outputs.material import file_config, lines


class Files(Destination):
    """Files below a folder."""

    failure = "No space left"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.config = file_config(folder)

    def lines(self) -> list[bytes]:
        return [line for path in sorted(self.folder.rglob("*.jsonl")) for line in lines(path)]

    def break_once(self, patch: pytest.MonkeyPatch) -> None:
        break_os_write(patch)


class Pipe(Destination):
    """A pipe with somebody who reads it."""

    failure = "No space left"
    config = StdoutConfig(type="stdout")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._read, self._write = os.pipe()
        self._data = b""
        self._reader = threading.Thread(target=self._collect)
        self._reader.start()

    def open(self, marks: Mapping[str, bytes]) -> Output:
        return StdoutOutput(self._write)

    def close(self) -> None:
        if self._write:
            os.close(self._write)
            self._reader.join()
            os.close(self._read)
        self._write = 0

    def lines(self) -> list[bytes]:
        self.close()
        assert self._data.endswith(b"\n")
        return self._data.splitlines()

    def break_once(self, patch: pytest.MonkeyPatch) -> None:
        break_os_write(patch)

    def _collect(self) -> None:
        while data := os.read(self._read, 1 << 16):
            self._data += data


class Topics(Destination):
    """Topics of its own, of one partition: there is no order among several."""

    failure = "no answer in time"

    def __init__(self, place: Place) -> None:
        self._place = place
        self.config = place.config(partitions=1)

    def lines(self) -> list[bytes]:
        there = [name for name in ("call", "rejects") if f"{self._place.prefix}{name}" in self._place.topics()]
        return [value for name in there for value in self._place.values(name) if value]

    def break_once(self, patch: pytest.MonkeyPatch) -> None:
        real = AIOKafkaProducer.send_batch
        broken: list[bool] = []

        async def send_batch(*args: Any, **options: Any) -> Any:
            if broken:
                return await real(*args, **options)
            broken.append(True)
            raise TimeoutError

        patch.setattr(AIOKafkaProducer, "send_batch", send_batch)


class TestFile(OutputContract):
    destination = Files


class TestStdout(OutputContract):
    destination = Pipe


class TestKafka(OutputContract):
    @pytest.fixture
    def place(self, kafka: Place) -> Destination:
        return Topics(kafka)


def test_every_output_of_the_registry_is_tested() -> None:
    suites = {FileConfig: TestFile, StdoutConfig: TestStdout, KafkaConfig: TestKafka}
    assert suites.keys() == set(OUTPUTS)
