"""Reads files that a person names, which may be the wrong ones: a device, a log, a dump."""

import errno
from pathlib import Path

CONFIGURATION, VALUE = 16 * 2**20, 2**20
"""The most bytes of a configuration (ten thousand sources are some 4 MiB), and of what `${file:...}` brings in."""


def read_at_most(path: Path, most: int) -> bytes:
    """Return a file's content. Raises OSError (EFBIG where it holds more than `most` bytes), ValueError for a NUL."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most // 2**20} MiB, so it is hardly the one that is meant")
    return data
