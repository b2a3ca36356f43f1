"""What a start mends: it cuts what was announced, finishes what was begun, begins anew what is gone."""

from pathlib import Path

import pytest

from outputs import OutputError
from tests.outputs.material import (
    DAY,
    delivered,
    file_config,
    lines,
    message,
    messages,
    names,
    notices,
    tree,
    values,
)


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
