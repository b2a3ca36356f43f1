"""Files that were written, and what they hold; the messages to write are those of `poller.testing`."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zstandard

from outputs.file import FileConfig
from poller.testing.messages import MIDNIGHT, Ledger, message, messages, values

__all__ = ["DAY", "MIDNIGHT", "Ledger", "delivered", "file_config", "lines", "message", "messages", "names"]
__all__ += ["notices", "tree", "values"]

DAY = "calls/2026-11-21"
"""The file of that day, by the template of `file_config`."""


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
