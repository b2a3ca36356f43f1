"""The contract of an output, as tests: a plug-in's tests inherit them, and so do those of the outputs built in."""

import os
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest
from pydantic import ValidationError

from outputs import API, Output, OutputConfig, OutputError
from poller.testing.messages import Ledger, message, messages, values


class Destination(ABC):
    """A place to test an output at: how to open the output there, to read what came, and to let one write fail.

    `folder` is an empty one, to be used or not. `config` is set by the constructor.
    """

    config: OutputConfig
    failure: str = ""
    """A part of the text of the error that the failure of `break_once` is told by, a regular expression."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, marks: Mapping[str, bytes]) -> Output:
        """Return the output, to be opened at these marks."""
        return self.config.open(marks)

    @abstractmethod
    def lines(self) -> list[bytes]:
        """Return everything that was ever written, a message each, in order; called when the output is closed."""

    @abstractmethod
    def break_once(self, patch: pytest.MonkeyPatch) -> None:
        """Let the next write fail, in its middle if there is one; `break_os_write` does that to files and pipes."""

    def close(self) -> None:  # noqa: B027  most have nothing to clean up
        """Leave nothing behind."""


class OutputContract:
    """Inherit this in a class `Test...`, with a `destination`."""

    destination: ClassVar[type[Destination]]

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Destination]:
        """Return a destination that nothing was written to."""
        place = self.destination(tmp_path)
        yield place
        place.close()

    def test_it_is_made_for_this_version_of_the_interface(self, place: Destination) -> None:
        """`API` says for which version of `outputs` it was made."""
        assert place.config.API == API

    def test_every_message_is_one_whole_line_in_order(self, place: Destination) -> None:
        """Nothing is lost, torn, mixed or turned round, rejects and large messages included."""
        batch = [*messages(range(5)), message(5, size=300_000), message(6, reject=True), *messages(range(7, 9))]

        async def write() -> None:
            ledger = Ledger()
            async with place.open({}) as output:
                await ledger.deliver(output, batch)
                await ledger.deliver(output, messages(range(9, 12)))

        _run(write())
        found = place.lines()
        assert sorted(found) == sorted(values([*batch, *messages(range(9, 12))]))
        events = [line for line in found if line != batch[6].value]
        assert events == values([*batch[:6], *batch[7:], *messages(range(9, 12))])

    def test_an_announcement_touches_nothing(self, place: Destination) -> None:
        """What was only announced is not there."""

        async def write() -> None:
            ledger = Ledger()
            async with place.open({}) as output:
                await ledger.deliver(output, messages(range(3)))
                ledger.save(output.announce(messages(range(3, 9))))

        _run(write())
        assert place.lines() == values(messages(range(3)))

    def test_only_what_can_be_taken_back_has_marks(self, place: Destination) -> None:
        """Marks of an output that takes nothing back would promise what it does not do."""

        async def write() -> None:
            async with place.open({}) as output:
                announced = output.announce(messages(range(3)))
                written = await output.write(messages(range(3)))
                assert output.exact == bool(announced) == bool(written)
                assert not output.notices

        _run(write())

    def test_a_retry_repeats_nothing(self, place: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
        """A write that failed raises OutputError; the next one first takes back what is left of it."""
        batch = messages(range(3, 9))

        async def write() -> None:
            ledger = Ledger()
            async with place.open({}) as output:
                await ledger.deliver(output, messages(range(3)))
                ledger.save(output.announce(batch))
                place.break_once(monkeypatch)
                with pytest.raises(OutputError, match=place.failure):
                    await output.write(batch)
                ledger.save(await output.write(batch))
                await ledger.deliver(output, messages(range(9, 12)))

        _run(write())
        assert place.lines() == values(messages(range(12)))

    def test_an_output_goes_on_where_its_marks_say(self, place: Destination) -> None:
        """A restart loses and repeats nothing."""

        async def write() -> None:
            ledger = Ledger()
            for start in (0, 3, 6):
                async with place.open(ledger.marks) as output:
                    assert not output.notices
                    await ledger.deliver(output, messages(range(start, start + 3)))

        _run(write())
        assert place.lines() == values(messages(range(9)))

    def test_what_its_marks_do_not_cover_is_taken_back(self, place: Destination) -> None:
        """After a crash an exact output cuts off the batch that was announced and never saved; others repeat it."""

        async def write() -> bool:
            ledger = Ledger()
            async with place.open({}) as output:
                await ledger.deliver(output, messages(range(3)))
                ledger.save(output.announce(messages(range(3, 6))))
                await output.write(messages(range(3, 6)))
            async with place.open(ledger.marks) as output:
                await ledger.deliver(output, messages(range(3, 9)))
                return output.exact

        exact = _run(write())
        repeated = [] if exact else values(messages(range(3, 6)))
        assert place.lines() == [*values(messages(range(3))), *repeated, *values(messages(range(3, 9)))]

    def test_a_check_says_it_in_words_and_writes_nothing(self, place: Destination) -> None:
        """`poller check` asks it beside a running poller."""

        async def write() -> None:
            async with place.open({}) as output:
                await Ledger().deliver(output, messages(range(3)))
                assert await anyio.to_thread.run_sync(place.config.check)

        assert len(place.config.check().split()) > 2
        _run(write())
        assert place.lines() == values(messages(range(3)))

    def test_the_configuration_is_strict_and_names_what_it_writes_to(self, place: Destination) -> None:
        """A mistyped key is told at the start; two outputs to one destination are found by its name."""
        config = place.config
        with pytest.raises(ValidationError, match="extra_forbidden"):
            type(config).model_validate({**config.model_dump(), "no_such_key": 1})
        assert config.destinations()


def break_os_write(patch: pytest.MonkeyPatch) -> None:
    """Let the next `os.write` of more than ten bytes stop before its end, and the one after it find no space."""
    real = os.write
    broken: list[bool] = []

    def write(descriptor: int, data: bytes) -> int:
        if broken:
            return real(descriptor, data)
        if len(data) > 10:
            return real(descriptor, data[: len(data) - 7])
        broken.append(True)
        raise OSError(28, "No space left on device")

    patch.setattr(os, "write", write)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    async def main() -> Any:
        return await work

    return anyio.run(main)
