"""The marks of files: what a file held at the last commit, and what the batch on its way may do to it."""

from collections.abc import Mapping

import msgspec

from outputs import OutputError
from outputs.file import fsync, rotation
from outputs.file.rotation import Compression


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file's mark: `offset` bytes are committed, `number` is the highest that a closed file of its name has.

    `opened` is when it was begun (seconds since 1970, of the first message). An announced batch adds up to `pending`
    bytes; if the file is `closing`, it gets the next number first, and is begun anew at 0.
    """

    offset: int = 0
    number: int = 0
    opened: float = 0
    pending: int = 0
    closing: bool = False

    @property
    def start(self) -> int:
        """The offset at which the announced batch begins."""
        return 0 if self.closing else self.offset

    @property
    def top(self) -> int:
        """The highest number that a closed file can have once the batch is written."""
        return self.number + self.closing

    def grown(self, size: int) -> "Mark":
        """Return the mark that holds once `size` bytes of the batch are committed."""
        return Mark(self.start + size, self.top, self.opened)


def encode(marks: Mapping[str, Mark | None]) -> dict[str, bytes | None]:
    """Encode marks as the state keeps them: JSON, zeros left out."""
    return {path: msgspec.json.encode(mark) if mark else None for path, mark in marks.items()}


def decode(marks: Mapping[str, bytes]) -> dict[str, Mark]:
    """Decode what `encode` made. Raises OutputError where a mark is none."""
    return {path: _decode(path, mark) for path, mark in marks.items()}


def _decode(path: str, mark: bytes) -> Mark:
    try:
        return msgspec.json.decode(mark, type=Mark)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise OutputError(f"{path}: what the state holds of it is no mark of a file ({error})") from None


def is_short(path: str, mark: Mark) -> bool:
    """Return True if a file with an announced batch was carried off or cut short. Raises OutputError."""
    with fsync.naming_path(path):
        begun_anew = mark.closing and rotation.taken(path, mark.top)
        return not begun_anew and fsync.size_of(path) < mark.offset


def cut_off(path: str, mark: Mark) -> None:
    """Take off what an announced batch has added, and nothing of anybody else's. Raises OSError, OutputError."""
    if mark.start < fsync.size_of(path) <= mark.start + mark.pending:
        fsync.cut(path, mark.start)


def judge(path: str, mark: Mark) -> None:
    """Raise OutputError if the file holds more than the state and its announcement account for. Touches nothing."""
    begun_anew = mark.closing and rotation.taken(path, mark.top)
    limit = mark.pending if begun_anew else mark.offset if mark.closing else mark.offset + mark.pending
    size = fsync.size_of(path)
    if size > limit:
        raise newer(path, f"which knows {limit} of its {size} bytes")


def mend(path: str, mark: Mark, compression: Compression) -> Mark:
    """Undo the batch that a crash broke off in, and return the mark after that; a closing is brought to its end."""
    if mark.closing:
        rotation.close(path, mark.top, compression)
    if fsync.size_of(path) > mark.start:
        fsync.cut(path, mark.start)
    return mark.grown(0)


def newer(path: str, what: str) -> OutputError:
    """Return the error that says why a file is left alone, and what would help."""
    remedy = "Move it away, restore the state that wrote it, or give the output its former name if it had another"
    return OutputError(f"{path} is newer than the state, {what}. {remedy}")
