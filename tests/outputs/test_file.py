"""How files grow and are closed."""

import os
from pathlib import Path

import pytest
from msgspec import structs

from outputs import OutputError
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


async def test_what_speaks_of_others_is_written_after_them(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, "all.jsonl"), Ledger()
    told = structs.replace(message(0), last=True)
    async with config.open({}) as journal:
        await ledger.deliver(journal, [told, *messages(range(1, 3))])
    assert lines(tmp_path / "all.jsonl") == values([*messages(range(1, 3)), told])


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


async def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    config, before = file_config(tmp_path, compression="gzip"), os.umask(0)
    try:
        async with config.open({}) as journal:
            for hours in (0, 24):
                await Ledger().deliver(journal, [message(0, hours)])
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in names(tmp_path)} == {0o640}
