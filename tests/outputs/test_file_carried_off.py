"""How files come through being carried off or emptied by somebody while a batch is on its way to them."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from outputs import Marks, OutputError
from outputs.file import FileConfig
from poller.state.delivery import Delivery
from poller.telemetry import Telemetry
from tests.outputs.material import DAY, Ledger, file_config, lines, message, messages, names, tree, values
from tests.outputs.test_file_trouble import no_room_beyond


def move(path: Path) -> None:
    path.rename(path.with_name("carried-off"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def copytruncate(path: Path) -> None:
    path.with_name("carried-off").write_bytes(path.read_bytes())
    os.truncate(path, 0)


def shorten(path: Path) -> None:
    os.truncate(path, 40)


CARRIED_OFF: list[Callable[[Path], None]] = [move, empty, copytruncate, shorten]
ROTATED = {"rotate": {"size": 130}, "compression": "gzip"}


@pytest.fixture(params=[{}, ROTATED], ids=["plain", "rotated"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> FileConfig:
    return file_config(tmp_path, **request.param)


@pytest.mark.parametrize("carry_off", CARRIED_OFF)
async def test_a_file_that_is_carried_off_while_the_disk_is_full_is_begun_anew_at_the_next_try(
    carry_off: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to start poller again."""
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)
    config, path, ledger = file_config(tmp_path), tmp_path / f"{DAY}.jsonl", Ledger()
    output, real = config.open({}), os.write

    def full(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", real)
        real(descriptor, data[:30])
        carry_off(path)
        raise OSError(28, "No space left on device")

    async def save(marks: Mapping[str, Marks]) -> None:
        ledger.save(marks["files"])

    with capture_logs() as log:
        async with Delivery({"files": output}, Telemetry()) as delivery:
            ledger.save((await delivery.deliver(messages(range(3)), save))["files"])
            monkeypatch.setattr(os, "write", full)
            with anyio.fail_after(5):
                ledger.save((await delivery.deliver(messages(range(3, 6)), save))["files"])
            ledger.save((await delivery.deliver(messages(range(6, 9)), save))["files"])
    assert lines(path) == values(messages(range(3, 9)))
    [notice] = [line["notice"] for line in log if line["event"] == "output.noticed"]
    assert notice.endswith("it is begun anew")
    async with config.open(ledger.marks) as journal:
        assert not journal.notices


@pytest.mark.parametrize("carry_off", CARRIED_OFF)
async def test_between_announcement_and_write_too_and_a_crash_then_repeats_nothing(
    carry_off: Callable[[Path], None], config: FileConfig, tmp_path: Path
) -> None:
    path, ledger = tmp_path / f"{DAY}.jsonl", Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, messages(range(2)))
        ledger.save(journal.announce(batch := messages(range(2, 3))))
        carry_off(path)
        with pytest.raises(OutputError, match=r"held 80 bytes, now \d+: it is to be begun anew"):
            await journal.write(batch)
        ledger.save(journal.announce(batch))
        assert len(journal.notices) == 1
        with no_room_beyond(70):
            await journal.write(batch)  # and the process dies before it is saved that it is there
    async with config.open(ledger.marks) as journal:
        await ledger.deliver(journal, messages(range(2, 9)))
    found = [line for name in names(tmp_path) if "jsonl" in name for line in lines(tmp_path / name)]
    assert [found.count(value) for value in values(messages(range(2, 9)))] == [1] * 7


@pytest.mark.parametrize("room", [130, 170, 190])
async def test_what_a_failed_write_left_behind_is_cut_off_when_it_failed(room: int, tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path), Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, [*messages(range(3)), message(3, stream="leads")])
        before = tree(tmp_path)
        batch = [message(4, stream="leads"), *messages(range(5, 8))]
        ledger.save(journal.announce(batch))
        with no_room_beyond(room), pytest.raises(OutputError, match=r"\.jsonl: File too large"):
            await journal.write(batch)
        assert tree(tmp_path) == before


async def test_a_compression_that_failed_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, ledger = file_config(tmp_path, rotate={"size": 100}, compression="zstd"), Ledger()

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".part":
            raise OSError(28, "No space left on device")

    async with config.open({}) as journal:
        await ledger.deliver(journal, messages(range(2)))
        ledger.save(journal.announce([message(2)]))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OutputError, match="No space left"):
                await journal.write([message(2)])
        assert names(tmp_path) == [f"{DAY}-000001.jsonl"]
        ledger.save(await journal.write([message(2)]))
    assert lines(tmp_path / f"{DAY}-000001.jsonl.zst") == values(messages(range(2)))
