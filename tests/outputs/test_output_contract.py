"""What every output promises: one that is listed in the registry is tested here, once it has a stand."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import BaseModel, ValidationError

from outputs import Output, OutputError
from outputs.registry import OUTPUTS
from outputs.stdout import StdoutConfig, StdoutOutput
from poller.config.plugins import type_name
from tests.kafka.reading import Place
from tests.outputs.material import Ledger, file_config, lines, message, messages, values

REGISTERED = list(map(type_name, OUTPUTS))


class Config(Protocol):
    """What a config class offers."""

    def open(self, marks: Mapping[str, bytes]) -> Output: ...
    def check(self) -> str: ...
    def destinations(self) -> list[str]: ...


class Stand:
    """A destination to test with: opens the output on it, reads it back, and breaks it."""

    config: Any
    says = "No space left"
    """What the failure that `break_once` makes is told as."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, marks: Mapping[str, bytes]) -> Output:
        output: Output = self.config.open(marks)
        return output

    def close(self) -> None:
        """Leave nothing behind."""

    def lines(self) -> list[bytes]:
        """Everything that was ever written, as its reader has it."""
        raise NotImplementedError

    def break_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the next write fail in the middle of a line."""
        real = os.write
        broken: list[bool] = []

        def write(descriptor: int, data: bytes) -> int:
            if broken:
                return real(descriptor, data)
            if len(data) > 10:
                return real(descriptor, data[: len(data) - 7])
            broken.append(True)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", write)


class FileStand(Stand):
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.config = file_config(folder)

    def lines(self) -> list[bytes]:
        return [line for path in sorted(self.folder.rglob("*.jsonl")) for line in lines(path)]


class StdoutStand(Stand):
    """A pipe with somebody who reads it."""

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

    def _collect(self) -> None:
        while data := os.read(self._read, 1 << 16):
            self._data += data


class KafkaStand(Stand):
    """Topics of its own, of one partition: there is no order among several."""

    says = "no answer in time"

    def __init__(self, place: Place) -> None:
        self._place = place
        self.config = place.config(partitions=1)

    def lines(self) -> list[bytes]:
        there = [name for name in ("call", "rejects") if f"{self._place.prefix}{name}" in self._place.topics()]
        return [value for name in there for value in self._place.values(name) if value]

    def break_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = AIOKafkaProducer.send_batch
        broken: list[bool] = []

        async def send_batch(*args: Any, **options: Any) -> Any:
            if broken:
                return await real(*args, **options)
            broken.append(True)
            raise TimeoutError

        monkeypatch.setattr(AIOKafkaProducer, "send_batch", send_batch)


STANDS: dict[str, Callable[[pytest.FixtureRequest], Stand]] = {
    "stdout": lambda request: StdoutStand(request.getfixturevalue("tmp_path")),
    "file": lambda request: FileStand(request.getfixturevalue("tmp_path")),
    "kafka": lambda request: KafkaStand(request.getfixturevalue("kafka")),
}


@pytest.fixture(params=REGISTERED)
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    assert request.param in STANDS, "a new output needs a stand to be tested on"
    stand = STANDS[request.param](request)
    yield stand
    stand.close()


async def test_every_message_is_one_whole_line_in_order(stand: Stand) -> None:
    batch = [*messages(range(5)), message(5, size=300_000), message(6, reject=True), *messages(range(7, 9))]
    ledger = Ledger()
    async with stand.open({}) as output:
        await ledger.deliver(output, batch)
        await ledger.deliver(output, messages(range(9, 12)))
    found = stand.lines()
    assert sorted(found) == sorted(values([*batch, *messages(range(9, 12))]))
    events = [line for line in found if line != batch[6].value]
    assert events == values([*batch[:6], *batch[7:], *messages(range(9, 12))])


async def test_an_announcement_touches_nothing(stand: Stand) -> None:
    ledger = Ledger()
    async with stand.open({}) as output:
        await ledger.deliver(output, messages(range(3)))
        ledger.save(output.announce(messages(range(3, 9))))
    assert stand.lines() == values(messages(range(3)))


async def test_only_what_can_be_taken_back_has_marks(stand: Stand) -> None:
    async with stand.open({}) as output:
        announced = output.announce(messages(range(3)))
        written = await output.write(messages(range(3)))
    assert output.exact == bool(announced) == bool(written)
    assert not output.notices


async def test_a_retry_repeats_nothing(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, batch = Ledger(), messages(range(3, 9))
    async with stand.open({}) as output:
        await ledger.deliver(output, messages(range(3)))
        ledger.save(output.announce(batch))
        stand.break_once(monkeypatch)
        with pytest.raises(OutputError, match=stand.says):
            await output.write(batch)
        ledger.save(await output.write(batch))
        await ledger.deliver(output, messages(range(9, 12)))
    assert stand.lines() == values(messages(range(12)))


async def test_an_output_goes_on_where_its_marks_say(stand: Stand) -> None:
    ledger = Ledger()
    for start in (0, 3, 6):
        async with stand.open(ledger.marks) as output:
            assert not output.notices
            await ledger.deliver(output, messages(range(start, start + 3)))
    assert stand.lines() == values(messages(range(9)))


async def test_a_check_says_it_in_words_and_writes_nothing(stand: Stand) -> None:
    assert len(stand.config.check().split()) > 2
    async with stand.open({}) as output:
        await Ledger().deliver(output, messages(range(3)))
        assert stand.config.check()
    assert stand.lines() == values(messages(range(3)))


def test_the_configuration_is_strict_and_names_what_it_writes_to(stand: Stand) -> None:
    config: BaseModel = stand.config
    with pytest.raises(ValidationError, match="Extra inputs"):
        type(config).model_validate({**config.model_dump(), "colour": "red"})
    assert stand.config.destinations()
