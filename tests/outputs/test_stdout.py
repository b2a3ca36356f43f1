"""What a reader of the standard output can do to us: go away, not read, read slowly."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest

from outputs import OutputClosed, OutputError
from outputs.stdout import StdoutConfig, StdoutOutput
from tests.outputs.material import message, messages, values

UNREAD = """
import anyio
from outputs.stdout import StdoutConfig
from tests.outputs.material import messages

async def main():
    async with StdoutConfig(type="stdout").open({}) as output:
        with anyio.move_on_after(0.3):
            await output.write(messages(range(9), size=100_000))
            raise SystemExit("who read that?")

anyio.run(main)
"""


def test_a_reader_that_does_not_read_keeps_no_process_from_ending() -> None:
    read, write = os.pipe()
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, "-c", UNREAD], cwd=root, env=environment, stdout=write) as child:
        try:
            assert child.wait(timeout=20) == 0
        finally:
            child.kill()
    os.close(write)
    assert os.read(read, 1 << 20).startswith(b'{"')
    os.close(read)


async def test_a_reader_that_went_away_ends_it() -> None:
    read, write = os.pipe()
    async with StdoutOutput(write) as output:
        await output.write([message(0)])
        os.close(read)
        with pytest.raises(OutputClosed, match="nobody reads it any more"):
            await output.write([message(1)])
    os.close(write)


async def test_a_reader_that_goes_away_while_we_wait_for_it_ends_it() -> None:
    read, write = os.pipe()
    leave = threading.Timer(0.05, os.close, [read])
    leave.start()
    async with StdoutOutput(write) as output:
        with pytest.raises(OutputClosed):
            await output.write(messages(range(9), size=100_000))
    leave.join()
    os.close(write)


async def test_an_attempt_that_was_given_up_is_finished_before_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    output, real = StdoutOutput(write), os.write

    def torn(descriptor: int, data: bytes) -> int:
        if len(data) > 20:
            return real(descriptor, data[:20])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", torn)
        with pytest.raises(OutputError, match="stdout: No space left on device"):
            await output.write([message(0), message(1)])
    await output.write([message(2)])
    os.close(write)
    with os.fdopen(read, "rb") as lines:
        assert lines.read().splitlines() == values(messages(range(3)))


class Reader(threading.Thread):
    """Reads a pipe to its end, a little at a time."""

    def __init__(self, read: int) -> None:
        super().__init__()
        self._read, self._data = read, b""
        self.start()

    def run(self) -> None:
        while data := os.read(self._read, 1 << 12):
            self._data += data
        os.close(self._read)

    def lines(self) -> list[bytes]:
        """Every line, once whoever writes has left."""
        self.join()
        assert self._data.endswith(b"\n")
        return self._data.splitlines()


async def test_batches_of_several_tasks_neither_tear_nor_mix() -> None:
    """With `state: kafka` every partition delivers for itself."""
    read, write = os.pipe()
    reader, streams = Reader(read), [f"stream{number}" for number in range(8)]
    batches = {stream: messages(range(3), stream=stream, size=60_000 + len(stream)) for stream in streams}
    async with StdoutOutput(write) as output, anyio.create_task_group() as tasks:
        for number in range(4):
            for stream in streams:
                tasks.start_soon(output.write, [*batches[stream], message(number, stream=stream)])
    os.close(write)
    expected = [[*values(batches[stream]), message(number).value] for stream in streams for number in range(4)]
    found = reader.lines()
    assert sorted(found[at : at + 4] for at in range(0, len(found), 4)) == sorted(expected)


@pytest.mark.parametrize("torn_after", [10, 50, 200])
async def test_a_batch_that_failed_goes_on_where_it_broke_off_though_others_came_between(
    torn_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    output, real, left = StdoutOutput(write), os.write, [torn_after]
    batch, other = messages(range(6)), messages(range(6, 9))

    def torn(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(28, "No space left on device")
        written = real(descriptor, data[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr(os, "write", torn)
    with pytest.raises(OutputError):
        await output.write(batch)
    left[0] = 75
    with pytest.raises(OutputError):
        await output.write(other)
    monkeypatch.undo()
    last = [message(9)]
    for again in (last, batch, other):
        await output.write(again)
    await output.write(last)  # which did not fail: it is another batch of the same text
    os.close(write)
    assert sorted(Reader(read).lines()) == sorted(values([*batch, *other, *last, *last]))


async def test_an_attempt_that_was_cancelled_keeps_no_other_from_its_turn() -> None:
    read, write = os.pipe()
    batch = messages(range(9), size=100_000)
    async with StdoutOutput(write) as output:
        with anyio.move_on_after(0.2):
            await output.write(batch)
        reader = Reader(read)
        async with anyio.create_task_group() as tasks:
            for number in range(9, 12):
                tasks.start_soon(output.write, [message(number)])
    os.close(write)
    found = reader.lines()
    assert found[:9] == values(batch)
    assert sorted(found[9:]) == sorted(values(messages(range(9, 12))))


async def test_no_standard_output_is_told_at_the_start() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(OutputError, match="stdout: Bad file descriptor"):
        await StdoutOutput(write).__aenter__()
    saved = os.dup(1)
    os.close(1)
    try:
        with pytest.raises(OutputError, match="stdout: Bad file descriptor"):
            StdoutConfig(type="stdout").check()
    finally:
        os.dup2(saved, 1)
        os.close(saved)
