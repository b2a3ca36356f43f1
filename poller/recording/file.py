"""The file of a recording: JSON lines, a header and then an exchange each.

A process that is killed leaves whole lines but perhaps for the last one, which a reader leaves out.
"""

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

VERSION = 1
_LONGEST_HEADER, _LARGEST = 2**20, 2**30
"""Bytes: a file that is no recording is told by its first line, not by what the memory holds."""


Utc: TypeAlias = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Word: TypeAlias = Annotated[str, Meta(pattern=r"^[\w.-]+$")]
HeaderName: TypeAlias = Annotated[str, Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue: TypeAlias = Annotated[str, Meta(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$")]
"""What a header may be: RFC 9110, 5.1 and 5.5."""


class Header(Struct, frozen=True, omit_defaults=True):
    """The first line.

    `source` are the source's settings, without address and credential. `start` is the earliest time that was asked for
    (RFC 3339). `credential_params` are the names of query parameters that are a credential; no exchange has them.
    `follow_changes` are the sweeps, `stream.sweep`, that reach back from now on only.
    """

    poller_recording: int
    type: Word
    base_path: Annotated[str, Meta(pattern=r"^(/[!-~]*)?$")]
    recorded_at: Utc
    start: Utc
    masked: bool = False
    source: Mapping[str, Any] = {}
    credential_params: tuple[str, ...] = ()
    follow_changes: tuple[str, ...] = ()


class Exchange(Struct, frozen=True, omit_defaults=True):
    """A request and its answer, read whole; `at` is the seconds since the recording began.

    `path` is below `base_path`, `query` as it went over the wire, `sent` the request's body. The answer's body is
    unpacked, and lies in `body`; one that is no UTF-8 in `body_base64`.
    """

    at: float
    method: str
    path: str
    query: str
    status: Annotated[int, Meta(ge=200, le=999)]
    headers: Mapping[HeaderName, HeaderValue] = {}
    sent: str | None = None
    body: str = ""
    body_base64: str = ""

    @property
    def content(self) -> bytes:
        """The answer's body."""
        return base64.b64decode(self.body_base64) if self.body_base64 else self.body.encode()


def body_fields(body: bytes) -> Mapping[str, str]:
    """Return the fields of an exchange that hold an answer's body."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


class RecordingWriter:
    """A recording under way: a file that did not exist before, for its owner alone.

    Raises FileExistsError, or another OSError, where the file cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def write(self, line: Header | Exchange) -> None:
        """Add a line, whole and at once."""
        left = memoryview(msgspec.json.encode(line) + b"\n")
        while left:
            left = left[os.write(self._file, left) :]

    def discard(self) -> None:
        """Take the file away, in which there is nothing that anybody could want."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Have the disk hold all of it."""
        os.fsync(self._file)
        os.close(self._file)


class RecordingError(ValueError):
    """A file that is no recording, in words that name what is wrong with it."""


def read_recording(path: Path) -> tuple[Header, list[Exchange]]:
    """Read a recording; a torn last line is left out. Raises RecordingError, and OSError where it cannot be read."""
    with path.open("rb") as file:
        header, data = _header(file.readline(_LONGEST_HEADER).removesuffix(b"\n")), file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise RecordingError("it is larger than 1 GiB: record for a shorter time")
    return header, [_exchange(number, line) for number, line in enumerate(data.split(b"\n")[:-1], 2)]


class _Format(Struct):
    poller_recording: int


def _header(line: bytes) -> Header:
    try:
        number = msgspec.json.decode(line, type=_Format).poller_recording
        if number == VERSION:
            header = msgspec.json.decode(line, type=Header)
            for time in (header.start, header.recorded_at):
                datetime.fromisoformat(time)
            return header
    except (ValueError, RecursionError):
        raise RecordingError("its first line is not that of a recording: `poller record` makes one") from None
    raise RecordingError(
        f"it is of the format {number}, and this version reads {VERSION}: use the version of poller that recorded it, "
        "or record anew"
    )


def _exchange(number: int, line: bytes) -> Exchange:
    try:
        exchange = msgspec.json.decode(line, type=Exchange)
        base64.b64decode(exchange.body_base64)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"line {number} is no exchange: {error}") from None
    return exchange
