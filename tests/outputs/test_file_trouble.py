"""How files come through trouble while the poller runs: full disks, failing calls, other people."""

import errno
import os
import resource
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.from_thread
import pytest

from outputs import Marks, Message, Output, OutputError
from tests.outputs.material import (
    DAY,
    Ledger,
    file_config,
    lines,
    message,
    messages,
    names,
    values,
)


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: the write before it is short, the next one fails."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("options", [{}, {"rotate": {"size": 130}, "compression": "gzip"}], ids=str)
async def test_a_full_disk_tears_and_repeats_nothing(options: dict[str, Any], tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, **options), Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, [*messages(range(3)), message(3, stream="leads")])
        batch = [message(4, stream="leads"), *messages(range(5, 8))]
        ledger.save(journal.announce(batch))
        for room in (10, 60, 90, 110):
            with no_room_beyond(room), pytest.raises(OutputError, match=r"\.jsonl: File too large"):
                await journal.write(batch)
        ledger.save(await journal.write(batch))
    everything = [line for name in names(tmp_path) for line in lines(tmp_path / name)]
    assert sorted(everything) == sorted(values([*messages(range(3)), message(3), *batch]))
    async with config.open(ledger.marks) as journal:
        assert not journal.notices


@pytest.mark.parametrize(
    "calls", ["write", "fdatasync", "fsync", "rename", "replace", "unlink", "open", "mkdir", "fdatasync ftruncate"]
)
async def test_a_call_that_fails_is_told_and_mended_by_the_retry(
    calls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These calls fail now and then, before they did their work or after it."""
    config, ledger = file_config(tmp_path, rotate={"size": 100}, compression="zstd"), Ledger()
    failures = fail_by_lot(monkeypatch, calls.split())
    expected = []
    async with config.open({}) as journal:
        for number in range(6):
            batch = [message(number, 12 * number), message(number, 12 * number, "leads")]
            expected += values(batch)
            ledger.save(journal.announce(batch))
            ledger.save(await insist(journal, batch))
    assert all(failures[call] for call in calls.split())
    monkeypatch.undo()
    assert sorted(line for name in names(tmp_path) for line in lines(tmp_path / name)) == sorted(expected)
    async with config.open(ledger.marks) as journal:
        assert not journal.notices


async def insist(output: Output, batch: list[Message]) -> Marks:
    for _ in range(1000):
        try:
            return await output.write(batch)
        except OutputError as error:
            assert str(error).endswith(": Input/output error")  # noqa: PT017 -- each retry may fail, or not
    raise AssertionError("no end of it")


def fail_by_lot(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> Counter[str]:
    failures: Counter[str] = Counter()
    lot = Random(1)

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            turn = lot.choice(["fails", "works, and fails", "works", "works"])
            result = None if turn == "fails" else real(*args, **options)
            if turn == "works":
                return result
            if name == "open" and result is not None:
                os.close(result)
            failures[name] += 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        return call

    for name in names:
        monkeypatch.setattr(os, name, failing(name, getattr(os, name)))
    return failures


async def test_another_batch_after_a_failed_one_takes_its_torn_tail_back(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path), Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, [message(0), message(1, stream="leads")])
        ledger.save(journal.announce(failed := [*messages(range(2, 5)), *messages(range(5, 12), stream="leads")]))
        with no_room_beyond(200), pytest.raises(OutputError):
            await journal.write(failed)
        ledger.save(journal.announce([message(9)]))
        async with config.open(ledger.marks):  # a start now would find all of it announced
            pass
        ledger.save(await journal.write([message(9)]))
    assert lines(tmp_path / f"{DAY}.jsonl") == [message(0).value, message(9).value]
    assert lines(tmp_path / "leads/2026-11-21.jsonl") == [message(1).value]


async def test_a_file_that_vanishes_under_way_is_begun_anew_and_told_once(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path), Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, messages(range(3)))
        (tmp_path / f"{DAY}.jsonl").unlink()
        (tmp_path / "leads").mkdir()
        (tmp_path / "leads/2026-11-21.jsonl").write_text("somebody's")
        for _ in range(2):
            with pytest.raises(OutputError, match="newer than the state"):
                journal.announce([message(3), message(3, stream="leads")])
        await ledger.deliver(journal, [message(3)])
        assert len(journal.notices) == 1
        ledger.save(journal.announce([message(4)]))
        (tmp_path / f"{DAY}.jsonl").unlink()
        with pytest.raises(OutputError, match=r"held 40 bytes, now 0"):
            await journal.write([message(4)])
    (tmp_path / "leads/2026-11-21.jsonl").unlink()
    async with config.open(ledger.marks) as journal:
        await ledger.deliver(journal, [message(4)])
    assert lines(tmp_path / f"{DAY}.jsonl") == [message(4).value]


async def test_somebody_elses_lines_are_never_cut(tmp_path: Path) -> None:
    config, ledger, path = file_config(tmp_path), Ledger(), tmp_path / f"{DAY}.jsonl"
    async with config.open({}) as journal:
        await ledger.deliver(journal, messages(range(3)))
        ours = path.read_bytes()
        path.write_bytes(ours + b"theirs\n")
        with pytest.raises(OutputError, match=r"newer than the state"):
            journal.announce([message(3)])
        path.write_bytes(ours)
        ledger.save(journal.announce([message(3)]))
        path.write_bytes(ours + b"theirs\n" * 9)
        with pytest.raises(OutputError, match=r"somebody else"):
            await journal.write([message(3)])
    assert path.read_bytes() == ours + b"theirs\n" * 9


async def test_a_cancelled_write_is_finished_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up, finished, real = threading.Event(), threading.Event(), os.fdatasync

    def slow(descriptor: int) -> None:
        anyio.from_thread.run_sync(scope.cancel)
        given_up.wait(0.1)
        real(descriptor)
        finished.set()

    monkeypatch.setattr(os, "fdatasync", slow)
    async with file_config(tmp_path).open({}) as journal:
        journal.announce([message(0)])
        with anyio.CancelScope() as scope:
            await journal.write([message(0)])
        assert finished.is_set()
        given_up.set()


async def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, "{source}/{stream}.jsonl"), Ledger()
    (tmp_path / "acme/calls.jsonl").mkdir(parents=True)
    async with config.open({}) as journal:
        with pytest.raises(OutputError, match=r"calls\.jsonl is not a regular file"):
            journal.announce([message(0)])
    (tmp_path / "acme/calls.jsonl").rmdir()
    (tmp_path / "acme").rmdir()
    (tmp_path / "acme").write_text("a file")
    async with config.open({}) as journal:
        with pytest.raises(OutputError, match=r"acme/calls\.jsonl: Not a directory"):
            await ledger.deliver(journal, [message(0)])
