"""How files grow, are closed, and come through trouble while the poller runs."""

import errno
import os
import resource
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.from_thread
import pytest
from pydantic import ValidationError

from outputs import Marks, Message, Output, OutputError, paths
from outputs.file import File
from tests.outputs.material import MIDNIGHT, Ledger, file_config, lines, message, messages, names, values

DAY = "calls/2026-11-21"


async def test_a_file_is_closed_before_it_outgrows_its_size(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, rotate={"size": 100}), Ledger()
    async with config.open({}) as journal:
        for number in range(0, 6, 2):
            await ledger.deliver(journal, messages(range(number, number + 2)))
        await ledger.deliver(journal, messages(range(6, 12)))  # one batch is never torn apart
    assert [len(lines(tmp_path / name)) for name in names(tmp_path)] == [2, 2, 2, 6]
    assert names(tmp_path) == [*(f"{DAY}-00000{n}.jsonl" for n in (1, 2, 3)), f"{DAY}.jsonl"]


async def test_a_file_is_closed_by_age_and_packed(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, "{stream}.jsonl", rotate={"age": "2h"}, compression="gzip"), Ledger()
    for number, hours in enumerate([0, 1.9, 2, 3, 4]):
        async with config.open(ledger.marks) as journal:
            await ledger.deliver(journal, [message(number, hours)])
    assert names(tmp_path) == ["calls-000001.jsonl.gz", "calls-000002.jsonl.gz", "calls.jsonl"]
    assert lines(tmp_path / "calls-000002.jsonl.gz") == values(messages(range(2, 4)))


async def test_the_next_date_closes_the_file_of_its_own_stream_alone(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, compression="zstd"), Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, [message(0), message(1, stream="leads"), message(2, reject=True)])
        await ledger.deliver(journal, [message(3, 23.9), message(4, 24)])  # both dates in one: not closed yet
        assert names(tmp_path) == [
            f"{DAY}.jsonl",
            "calls/2026-11-22.jsonl",
            "leads/2026-11-21.jsonl",
            "rejects/calls.jsonl",
        ]
        await ledger.deliver(journal, [message(5, 25)])
    assert names(tmp_path)[:2] == [f"{DAY}-000001.jsonl.zst", "calls/2026-11-22.jsonl"]
    assert lines(tmp_path / f"{DAY}-000001.jsonl.zst") == [message(0).value, message(3).value]
    assert names(tmp_path)[2] == "leads/2026-11-21.jsonl"


async def test_a_late_message_finds_the_file_of_its_date(tmp_path: Path) -> None:
    for name, options, closed in (("plain", {}, ".jsonl"), ("packed", {"compression": "zstd"}, "-000002.jsonl.zst")):
        config, ledger = file_config(tmp_path / name, **options), Ledger()
        for number, hours in enumerate([0, 24, 23, 25, 48, 120, 121]):
            async with config.open(ledger.marks) as journal:
                await ledger.deliver(journal, [message(number, hours)])
            if number == 2:
                assert "calls/2026-11-22.jsonl" in names(tmp_path / name)  # which is the latest, so it stays open
        assert lines(tmp_path / name / f"{DAY}{closed}")[-1] == message(2).value


async def test_a_very_late_message_overwrites_nothing(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, compression="gzip"), Ledger()
    for number, hours in enumerate([0, 24, 48, 72, 96, 97, 1, 2, 3, 98]):
        async with config.open(ledger.marks) as journal:
            assert not journal.notices
            await ledger.deliver(journal, [message(number, hours)])
    assert lines(tmp_path / f"{DAY}-000001.jsonl.gz") == values(messages(range(1)))
    assert lines(tmp_path / f"{DAY}-000002.jsonl.gz") == values(messages(range(6, 9)))


async def test_without_rotation_and_compression_files_keep_their_names(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, "{source}/{kind}-{date}T{hour}.jsonl"), Ledger()
    async with config.open({}) as journal:
        for number, hours in enumerate([0, 1, 25]):
            await ledger.deliver(journal, [message(number, hours)])
    assert names(tmp_path) == [f"acme/call-2026-11-{when}.jsonl" for when in ("21T00", "21T01", "22T01")]


async def test_an_hour_alone_comes_again_every_day(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, "{hour}.jsonl", compression="gzip"), Ledger()
    for number in range(50):
        async with config.open(ledger.marks) as journal:
            await ledger.deliver(journal, [message(number, number)])
    assert len(names(tmp_path)) == 24
    assert lines(tmp_path / "01.jsonl") == [message(number).value for number in (1, 25, 49)]


async def test_a_number_is_never_used_twice(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, rotate={"size": 50}), Ledger()
    async with config.open({}) as journal:
        await ledger.deliver(journal, [message(0)])
        (tmp_path / f"{DAY}-000001.jsonl.gz").write_text("somebody's")
        with pytest.raises(OutputError, match=r"000001\.jsonl is in the way"):
            journal.announce([message(1)])
        (tmp_path / f"{DAY}-000001.jsonl.gz").unlink()
        await ledger.deliver(journal, [message(1)])
    assert len(names(tmp_path)) == 2


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
    while True:
        try:
            return await output.write(batch)
        except OutputError as error:
            assert str(error).endswith(": Input/output error")  # noqa: PT017 -- each retry may fail, or not


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


async def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    config, before = file_config(tmp_path, compression="gzip"), os.umask(0)
    try:
        async with config.open({}) as journal:
            for hours in (0, 24):
                await Ledger().deliver(journal, [message(0, hours)])
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in names(tmp_path)} == {0o640}


def test_a_check_finds_what_would_keep_us_from_writing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file is not a folder"):
        file_config(tmp_path / "file").check()
    assert file_config(tmp_path / "new/folder").check().endswith("can be written")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
def test_a_check_knows_permissions() -> None:
    with tempfile.TemporaryDirectory() as name, as_nobody(Path(name)) as folder:
        with pytest.raises(OutputError, match=f"{folder} cannot be written: no permission"):
            file_config(folder / "new").check()
        with pytest.raises(OutputError, match=r"hidden cannot be written"):
            file_config(folder / "hidden").check()
        with pytest.raises(OutputError, match=r"all\.jsonl cannot be written: no permission"):
            file_config(folder / "ours", "all.jsonl").check()
        assert file_config(folder / "ours", "new.jsonl").check()


@contextmanager
def as_nobody(folder: Path) -> Iterator[Path]:
    (folder / "hidden").mkdir(mode=0o700)
    (folder / "ours").mkdir()
    (folder / "ours/all.jsonl").touch(mode=0o600)
    os.chown(folder / "ours", 65534, 65534)
    folder.chmod(0o755)
    os.setresuid(65534, 65534, 0)
    try:
        yield folder
    finally:
        os.setresuid(0, 0, 0)


def test_no_value_leads_out_of_the_folder(tmp_path: Path) -> None:
    template = paths.template(f"{tmp_path}/{{source}}/{{stream}}{{kind}}")
    for source, stream, kind in product(["..", ".", "", "/", "../..", "a/../../b", "a\0b", "a\nb", "{date}"], repeat=3):
        odd = Message(b"", "", source, stream, kind, MIDNIGHT)
        path = Path(template.path(odd))
        assert path == Path(os.path.normpath(path))
        assert path.parent.parent == tmp_path
        assert template.place(str(path))


def test_two_outputs_can_be_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def destination(path: str) -> Sequence[str]:
        return File(type="file", path=path, rejects_path=path).destinations()

    assert destination("a/{source}/x.jsonl") == [f"{tmp_path}/a/*/x.jsonl"]
    assert destination("a/{source}/x.jsonl") == destination(f"{tmp_path}/b/..//./a/{{kind}}/x.jsonl")
    assert destination("a/{date}.jsonl") != destination("a/{hour}.jsonl")
    assert len(File(type="file", path="a.jsonl").destinations()) == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"path": "events/{customer}.jsonl"}, r"\{customer\} is not known here: a path's fields are \{source\}, "),
        ({"path": "events/{date:%Y}.jsonl"}, "is not known here"),
        ({"path": "events/{date.jsonl"}, "a path's fields are"),
        ({"path": "events/{}.jsonl"}, "is not known here"),
        ({"path": ""}, "a path names a file"),
        ({"path": "/"}, "a path names a file"),
        ({"path": "events/"}, "a path names a file"),
        ({"path": "events/.."}, "a path names a file"),
        ({"path": "a\0b"}, "a path names a file"),
        ({"path": "calls.jsonl.gz"}, "compression adds its own"),
        ({"rejects_path": "rejects/{what}.jsonl"}, "is not known here"),
        ({"rotate": {}}, "rotate says when"),
        ({"rotate": {"size": 0}}, "a size is more than zero"),
        ({"rotate": {"size": "64 apples"}}, "such as 64MiB"),
        ({"rotate": {"age": "yesterday"}}, "such as 30s or 72h"),
        ({"rotate": {"lines": 3}}, "Extra inputs"),
        ({"compression": "lz4"}, "'none', 'gzip' or 'zstd'"),
    ],
)
def test_a_wrong_configuration_is_told(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        File.model_validate({"type": "file", "path": "events.jsonl", **wrong})
