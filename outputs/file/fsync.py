"""Changes to files and folders that are durable when the call returns."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from outputs import OutputError


@contextmanager
def naming_path(path: str) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error


def size_of(path: str) -> int:
    """Return the bytes in a file, 0 if there is none. Raises OutputError if the path is no regular file, OSError."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(found.st_mode):
        raise OutputError(f"{path} is not a regular file")
    return found.st_size


def append(path: str, start: int, spare: int, data: bytes) -> None:
    """Bring the file back to `start` bytes, then add `data`; after a failure, bring it back to `start` bytes again.

    Up to `spare` bytes after `start` are a torn attempt of ours and are cut off. A file that starts at 0 is created,
    with its folders. Raises OSError; OutputError if the file is not as it was left.
    """
    if start == 0:
        make_folder(Path(path).parent)
    size = size_of(path)
    if size < start:
        raise OutputError(f"{path} held {start} bytes, now {size}: it is to be begun anew")
    if size > start + spare:
        raise OutputError(f"{path} held {start} bytes, now {size}: somebody else writes to it")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | (0 if start else os.O_CREAT), 0o640)
    try:
        _shorten(descriptor, start)
        _write(descriptor, data)
    except OSError:
        with suppress(OSError):  # the next try, or the next start, cuts it off
            _shorten(descriptor, start)
        raise
    finally:
        os.close(descriptor)
    if start == 0:
        sync_folder(Path(path).parent)


def _shorten(descriptor: int, size: int) -> None:
    if os.fstat(descriptor).st_size > size:  # a shorter file would grow by zeros
        os.ftruncate(descriptor, size)


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has no fdatasync


def cut(path: str, size: int) -> None:
    """Cut a file back to `size` bytes. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(Path(path).parent)


def make_folder(folder: Path) -> None:
    """Create a folder and those above it. Raises OSError."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            if next(entries, None) is not None:
                return
    else:
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)  # an empty one may be that of a process that was killed before it did


def sync_folder(folder: Path) -> None:
    """Make durable which files and folders lie in a folder. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
