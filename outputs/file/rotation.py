"""Closing of files: `calls.jsonl` becomes `calls-000001.jsonl`, and that `calls-000001.jsonl.zst`."""

import gzip
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, Self, TypeAlias

import zstandard
from pydantic import BaseModel, ConfigDict, model_validator

from outputs.file.fsync import size_of, sync_folder
from outputs.units import Duration, Size

Compression: TypeAlias = Literal["none", "gzip", "zstd"]

SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}
_NUMBERED = re.compile(r"(.*)-(\d{6,})(\.(?!(?:gz|zst|part)$)[^./]*)?(?:\.gz|\.zst|\.part)?", re.DOTALL)


class Rotate(BaseModel):
    """When a file is closed before its date is over: before it would outgrow `size`, or once it is older than `age`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    size: Size | None = None
    age: Duration | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.size is None and self.age is None:
            raise ValueError("rotate says when: size (such as 64MiB), age (such as 1h), or both")
        return self

    def due(self, size: int, seconds: float) -> bool:
        """Return True if a file that would hold `size` bytes and was begun `seconds` ago is to be closed first."""
        return bool((self.size and size > self.size) or (self.age and seconds >= self.age.total_seconds()))


def numbered(path: str, number: int) -> str:
    """Return the path of the closed file: its number stands before the suffix."""
    whole = Path(path)
    return str(whole.with_name(f"{whole.stem}-{number:06d}{whole.suffix}"))


def split(path: str) -> tuple[str, int] | None:
    """Split the path of a closed file, compressed or not, into the open file's path and the number; else None."""
    match = _NUMBERED.fullmatch(path)
    return (match[1] + (match[3] or ""), int(match[2])) if match else None


def taken(path: str, number: int) -> bool:
    """Return True if a closed file of this number is there, compressed or not."""
    plain = numbered(path, number)
    return any(Path(plain + suffix).exists() for suffix in ("", *SUFFIXES.values()))


def highest(path: str) -> int:
    """Return the highest number that a closed file of this path has, 0 if there is none. Raises OSError."""
    folder = Path(path).parent
    if not folder.is_dir():
        return 0
    with os.scandir(folder) as entries:
        closed = [split(str(folder / entry.name)) for entry in entries]
    return max((number for name, number in filter(None, closed) if name == path), default=0)


def close(path: str, number: int, compression: Compression) -> None:
    """Give a file its number, then compress it.

    It can be called again after a crash anywhere in it, and does what is left to do. The number must have been saved
    before the first call. Raises OSError.
    """
    plain = Path(numbered(path, number))
    if not taken(path, number) and size_of(path):
        Path(path).rename(plain)
    if taken(path, number):
        sync_folder(plain.parent)  # also for a process that was killed before it did: nothing takes the name before
    if compression != "none" and plain.exists() and not _packed(plain):
        _compress(plain, compression)
    if _packed(plain):
        plain.unlink(missing_ok=True)
        sync_folder(plain.parent)
    _unfinished(plain).unlink(missing_ok=True)  # where the compression was taken out of the configuration meanwhile


def _packed(plain: Path) -> bool:
    return any(Path(f"{plain}{suffix}").exists() for suffix in SUFFIXES.values())


def _unfinished(plain: Path) -> Path:
    return Path(f"{plain}.part")


def _compress(plain: Path, compression: Compression) -> None:
    target = _unfinished(plain)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        with plain.open("rb") as source, os.fdopen(os.open(target, flags, 0o640), "wb") as sink:
            _pack(source, sink, compression)
            sink.flush()
            os.fsync(sink.fileno())
    except OSError:
        with suppress(OSError):
            target.unlink(missing_ok=True)  # on a full disk it would take the room that somebody makes
        raise
    target.replace(f"{plain}{SUFFIXES[compression]}")
    sync_folder(plain.parent)


def _pack(source: IO[bytes], sink: IO[bytes], compression: Compression) -> None:
    if compression == "zstd":
        zstandard.ZstdCompressor(write_checksum=True).copy_stream(source, sink)
    else:
        with gzip.GzipFile(filename="", fileobj=sink, mode="wb", mtime=0) as packed:
            shutil.copyfileobj(source, packed)
