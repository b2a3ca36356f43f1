"""Messages to write, and the lines that were written."""

import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from outputs import Marks, Message, Output
from outputs.file import FileConfig

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
DAY = "calls/2026-11-21"
"""The file of that day, by the template of `file_config`."""


def message(number: int, hours: float = 0, stream: str = "calls", *, reject: bool = False, size: int = 40) -> Message:
    """Make message `number`, a line of `size` bytes, observed so many hours after midnight."""
    text = f'{{"é": "{number:x>{size - 11}}"}}'
    observed = MIDNIGHT + timedelta(hours=hours)
    return Message(
        text.encode(), f"acme/{stream}/{number}", "acme", stream, stream.rstrip("s"), observed, reject=reject
    )


def messages(numbers: range, hours: float = 0, stream: str = "calls", *, size: int = 40) -> list[Message]:
    return [message(number, hours, stream, size=size) for number in numbers]


def values(batch: Sequence[Message]) -> list[bytes]:
    return [message.value for message in batch]


def lines(path: Path) -> list[bytes]:
    """Read a file as it is or compressed, and insist that its last line is whole."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    assert not data or data.endswith(b"\n"), f"{path} ends in a torn line"
    return data.splitlines()


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, to compare."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def names(folder: Path) -> list[str]:
    """The files below a folder."""
    return [name for name, data in tree(folder).items() if data is not None]


class Ledger:
    """Keeps marks as the real one does: the announcement first, what `write` returns after."""

    def __init__(self) -> None:
        self.marks: dict[str, bytes] = {}
        self.history: list[dict[str, bytes]] = []

    def save(self, marks: Marks) -> None:
        kept: Mapping[str, bytes | None] = self.marks | dict(marks)
        self.marks = {name: mark for name, mark in kept.items() if mark is not None}
        self.history.append(self.marks)

    async def deliver(self, output: Output, batch: Sequence[Message]) -> None:
        self.save(output.announce(batch))
        self.save(await output.write(batch))


def file_config(folder: Path, path: str = "{stream}/{date}.jsonl", **options: Any) -> FileConfig:
    """Configure files below a folder."""
    rejects = f"{folder}/rejects/{{stream}}.jsonl"
    return FileConfig(type="file", path=f"{folder}/{path}", **{"rejects_path": rejects, **options})


async def delivered(config: FileConfig, *batches: range) -> Ledger:
    """Deliver messages of these numbers, a range a batch, and close."""
    ledger = Ledger()
    async with config.open({}) as journal:
        for batch in batches:
            await ledger.deliver(journal, messages(batch))
    return ledger


async def notices(config: FileConfig, marks: Mapping[str, bytes]) -> list[str]:
    """Open at these marks and close, and give what was noticed."""
    async with config.open(marks) as journal:
        return list(journal.notices)
