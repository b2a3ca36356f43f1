"""What a reader of the standard output can do to us: go away, not read, read slowly."""

import os
import subprocess
import sys
import threading
from pathlib import Path

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
