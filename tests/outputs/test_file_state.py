"""What a start makes of files that do not agree with the state: cut what is ours, refuse the rest, destroy nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from outputs import OutputError
from outputs.file import File
from tests.outputs.material import Ledger, file_config, lines, message, messages, names, tree, values

DAY = "calls/2026-11-21"


async def delivered(config: File, *batches: range, hours: float = 0) -> Ledger:
    ledger = Ledger()
    async with config.open({}) as journal:
        for batch in batches:
            await ledger.deliver(journal, messages(batch, hours))
    return ledger


async def notices(config: File, marks: Mapping[str, bytes]) -> list[str]:
    async with config.open(marks) as journal:
        return list(journal.notices)


@pytest.mark.parametrize("torn", [0, 1, 60, 100])
async def test_what_was_announced_is_cut(torn: int, tmp_path: Path) -> None:
    config, path = file_config(tmp_path), tmp_path / f"{DAY}.jsonl"
    ledger, batch = await delivered(config, range(3)), messages(range(3, 6))
    ledger.save(config.open(ledger.marks).announce(batch))
    with path.open("ab") as file:
        file.write(b"\n".join(values(batch))[:torn])
    assert not await notices(config, ledger.marks)
    async with config.open(ledger.marks) as journal:
        assert lines(path) == values(messages(range(3)))
        await ledger.deliver(journal, batch)
    assert lines(path) == values(messages(range(6)))


async def test_more_than_was_announced_is_refused(tmp_path: Path) -> None:
    config, path = file_config(tmp_path), tmp_path / f"{DAY}.jsonl"
    ledger, batch = await delivered(config, range(3)), messages(range(3, 6))
    ledger.save(config.open(ledger.marks).announce(batch))
    with path.open("ab") as file:
        file.write(b"\n".join(values(batch)) + b"\n+")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=f"{DAY}.jsonl is newer than the state"):
        await notices(config, ledger.marks)
    assert tree(tmp_path) == before


async def test_a_file_of_the_same_size_is_ours_though_it_was_copied(tmp_path: Path) -> None:
    config, path = file_config(tmp_path), tmp_path / f"{DAY}.jsonl"
    ledger = await delivered(config, range(3))
    data = path.read_bytes()
    path.rename(tmp_path / "elsewhere")
    path.write_bytes(data)
    assert not await notices(config, ledger.marks)


async def test_a_file_that_is_gone_is_begun_anew_and_says_so(tmp_path: Path) -> None:
    config, path = file_config(tmp_path), tmp_path / f"{DAY}.jsonl"
    ledger = await delivered(config, range(3))
    path.unlink()
    assert await notices(config, ledger.marks)  # and again at the next start: the state is not saved by an open
    async with config.open(ledger.marks) as journal:
        assert journal.notices == [f"{path} held 120 bytes, now 0: it is begun anew"]
        await ledger.deliver(journal, messages(range(3, 6)))
    assert lines(path) == values(messages(range(3, 6)))
    assert not await notices(config, ledger.marks)


async def test_what_is_left_of_a_shorter_file_is_put_aside(tmp_path: Path) -> None:
    config, path = file_config(tmp_path), tmp_path / f"{DAY}.jsonl"
    ledger = await delivered(config, range(3))
    rest = path.read_bytes()[:50]
    path.write_bytes(rest)
    for _ in range(2):
        assert "now 50: it is begun anew" in (await notices(config, ledger.marks))[0]
    async with config.open(ledger.marks) as journal:
        await ledger.deliver(journal, messages(range(3, 6)))
        await ledger.deliver(journal, messages(range(6, 9)))
    assert lines(path) == values(messages(range(3, 9)))
    assert (tmp_path / f"{DAY}-000001.jsonl").read_bytes() == rest
    assert not await notices(config, ledger.marks)


async def test_a_file_that_the_state_does_not_know_is_never_touched(tmp_path: Path) -> None:
    config, path = file_config(tmp_path), tmp_path / f"{DAY}.jsonl"
    journal = config.open({})
    path.parent.mkdir()
    path.write_text("somebody's\n")
    with pytest.raises(OutputError, match=r"knows nothing of it\. Move it away"):
        await notices(config, {})
    with pytest.raises(OutputError, match=r"2026-11-21.jsonl is newer than the state.*Move it away"):
        journal.announce(messages(range(3)))
    assert path.read_text() == "somebody's\n"
    path.write_text("")
    assert not await notices(config, {})  # an empty file is nobody's


async def test_only_what_the_template_makes_counts_as_a_file_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "a[b]*{c}"
    config = file_config(tmp_path, "a[b]*{{c}}/{stream}-{date}.jsonl")
    for name in ("calls.jsonl", "calls-2026-11-21.json", "x/calls-2026-11-21.jsonl", "calls-2026-11-2x.jsonl"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text("somebody's\n")
    (tmp_path / "ab{c}").mkdir()
    (tmp_path / "ab{c}/calls-2026-11-21.jsonl").write_text("somebody's\n")
    assert not await notices(config, {})
    (folder / "calls-2026-11-21.jsonl").write_text("ours, once\n")
    with pytest.raises(OutputError, match="knows nothing of it"):
        await notices(config, {})


CONFIGURATIONS: list[dict[str, Any]] = [
    {},
    {"compression": "zstd"},
    {"rotate": {"size": 100}},
    {"rotate": {"size": 100}, "compression": "gzip"},
    {"path": "all.jsonl", "rotate": {"size": 50}},
    {"path": "all.jsonl", "rotate": {"size": 50}, "compression": "zstd"},
    {"path": "all.jsonl", "rotate": {"age": "20h"}, "compression": "zstd"},
    {"path": "{date}/{hour}/{stream}.jsonl", "compression": "zstd"},
    {"path": "{stream}-{hour}.jsonl"},
]


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
async def test_an_older_state_is_refused_and_no_file_is_touched(options: dict[str, Any], tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, **options), Ledger()
    async with config.open({}) as journal:
        for number, hours in enumerate([0, 1, 2, 23, 25, 26, 23, 50, 80, 81, 110, 150]):
            await ledger.deliver(journal, [message(number, hours)])
    before = tree(tmp_path)
    *older, announced, newest = ledger.history
    for marks in [{}, *older]:
        with pytest.raises(OutputError, match="newer than the state"):
            await notices(config, marks)
        assert tree(tmp_path) == before
    assert not await notices(config, newest)
    assert tree(tmp_path) == before
    assert not await notices(config, announced)  # as if killed before the commit
    async with config.open(announced) as journal:
        await Ledger().deliver(journal, [message(11, 150)])
    assert tree(tmp_path) == before


async def test_the_state_forgets_closed_files_and_knows_them_still(tmp_path: Path) -> None:
    for name, options in (("plain", {}), ("packed", {"compression": "zstd"})):
        config, ledger = file_config(tmp_path / name, **options), Ledger()
        for number in range(12):
            async with config.open(ledger.marks) as journal:
                assert not journal.notices
                await ledger.deliver(journal, [message(number, 24 * number), message(number, 24 * number, "leads")])
        assert len(ledger.marks) <= 2 * 4
        assert len(names(tmp_path / name)) == 24


async def test_closed_files_may_be_taken_away(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path, compression="gzip", rotate={"size": 100}), Ledger()
    for number in range(5):
        async with config.open(ledger.marks) as journal:
            assert not journal.notices
            await ledger.deliver(journal, messages(range(2 * number, 2 * number + 2), 24 * (number > 3)))
        for closed in set(names(tmp_path)) - {name for name in names(tmp_path) if name.endswith(".jsonl")}:
            (tmp_path / closed).unlink()
    async with config.open(ledger.marks) as journal:
        await ledger.deliver(journal, messages(range(10, 12), 25))
    assert names(tmp_path) == ["calls/2026-11-22-000001.jsonl.gz", "calls/2026-11-22.jsonl"]


async def test_a_closed_file_that_is_taken_away_is_worth_no_notice(tmp_path: Path) -> None:
    config, ledger = file_config(tmp_path), Ledger()
    async with config.open({}) as journal:
        for number in range(3):
            await ledger.deliver(journal, [message(number, 24 * number)])
    (tmp_path / f"{DAY}.jsonl").unlink()
    assert not await notices(config, ledger.marks)


async def test_an_announced_closing_excuses_no_more_than_it_says(tmp_path: Path) -> None:
    config, path = file_config(tmp_path, rotate={"size": 100}), tmp_path / f"{DAY}.jsonl"
    ledger = await delivered(config, range(2))
    ledger.save(config.open(ledger.marks).announce([message(2)]))
    ours = path.read_bytes()
    path.write_bytes(ours + b"+")
    with pytest.raises(OutputError, match="knows 80 of its 81 bytes"):
        await notices(config, ledger.marks)
    path.rename(tmp_path / f"{DAY}-000001.jsonl").write_bytes(ours)
    path.write_bytes(message(2).value + b"\n+")
    with pytest.raises(OutputError, match="knows 40 of its 41 bytes"):
        await notices(config, ledger.marks)


async def test_a_changed_path_still_takes_back_the_torn_batch(tmp_path: Path) -> None:
    old, new = file_config(tmp_path), file_config(tmp_path, "new/{stream}.jsonl")
    path = tmp_path / f"{DAY}.jsonl"
    ledger = await delivered(old, range(3))
    ledger.save(old.open(ledger.marks).announce(messages(range(3, 6))))
    with path.open("ab") as file:
        file.write(b'{"n": 3')
    async with new.open(ledger.marks) as journal:
        await ledger.deliver(journal, messages(range(3, 6)))
    assert lines(path) == values(messages(range(3)))
    ledger = await delivered(old2 := file_config(tmp_path / "2"), range(3))
    path = tmp_path / "2" / f"{DAY}.jsonl"
    path.write_bytes(path.read_bytes() + b"the user's own\n")
    assert not await notices(file_config(tmp_path / "3"), ledger.marks)  # no longer ours: neither refused nor cut
    assert path.read_bytes().endswith(b"own\n")
    with pytest.raises(OutputError):
        await notices(old2, ledger.marks)


async def test_another_compression_finishes_what_a_crash_left(tmp_path: Path) -> None:
    packed, plain = (file_config(tmp_path, compression=how, rotate={"size": 100}) for how in ("zstd", "none"))
    closed, unfinished = tmp_path / f"{DAY}-000001.jsonl", tmp_path / f"{DAY}-000001.jsonl.part"
    ledger = await delivered(packed, range(2))
    ledger.save(packed.open(ledger.marks).announce(messages(range(2, 4))))
    (tmp_path / f"{DAY}.jsonl").rename(closed)
    unfinished.write_bytes(b"torn")
    assert not await notices(plain, ledger.marks)
    assert names(tmp_path) == [f"{DAY}-000001.jsonl"]
    unfinished.write_bytes(b"torn")
    assert not await notices(packed, ledger.marks)
    assert names(tmp_path) == [f"{DAY}-000001.jsonl.zst"]
    closed.write_bytes(b"killed before it was removed")
    assert not await notices(plain, ledger.marks)
    assert names(tmp_path) == [f"{DAY}-000001.jsonl.zst"]
    assert lines(tmp_path / f"{DAY}-000001.jsonl.zst") == values(messages(range(2)))
