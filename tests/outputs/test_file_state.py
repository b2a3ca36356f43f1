"""Which files a state does not account for: they are refused, and nothing is touched."""

from pathlib import Path
from typing import Any

import pytest

from outputs import OutputError
from tests.outputs.material import (
    DAY,
    Ledger,
    file_config,
    message,
    messages,
    names,
    notices,
    tree,
)


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
