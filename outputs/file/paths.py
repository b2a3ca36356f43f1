"""Path templates such as `events/{source}/{date}.jsonl`: the paths they make, and the files they may have made."""

import glob
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from outputs import Message, OutputError, StreamRef
from outputs.file import rotation
from outputs.file.fsync import naming_path, size_of
from outputs.templates import parts

_SHAPES = {"source": "[^/]+", "stream": "[^/]+", "kind": "[^/]+", "date": r"\d{4}-\d\d-\d\d", "hour": r"\d\d"}

_ROOM = 1 << 16
"""Bytes that have to be free on a disk; with less it is full after a few events."""


class DatedPath(NamedTuple):
    """The two parts of a path: its family, and the date and hour (`stamp`) by which alone paths of a family differ.

    In a family a later file closes the earlier ones.
    """

    family: str
    stamp: str


class Found(NamedTuple):
    """A file on disk: its path, its path while it was open (`name`), and the number it was closed with (0: none)."""

    path: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its text, the expression its paths match, a glob for the folders they lie in, and its key."""

    text: str
    pattern: re.Pattern[str]
    folders: str
    key: str | None

    @contextmanager
    def naming_key(self) -> Iterator[None]:
        """Turn an OSError into an OutputError that names the template; any OutputError bears its key."""
        try:
            with naming_path(self.text):
                yield
        except OutputError as error:
            error.key = self.key
            raise

    def path(self, message: Message) -> str:
        """Return the path of a message. No value leads out of the folder that stands in the template."""
        return self.of_stream(
            (message.source, message.stream, message.kind),
            date=message.observed.date().isoformat(),
            hour=f"{message.observed.hour:02}",
        )

    def of_stream(self, place: StreamRef, date: str = "{date}", hour: str = "{hour}") -> str:
        """Return the path of a stream's messages."""
        source, stream, kind = map(_harmless, place)
        return self.text.format(source=source, stream=stream, kind=kind, date=date, hour=hour)

    def split(self, path: str) -> DatedPath | None:
        """Return a path's family and stamp; None for a path that this template does not make."""
        match = self.pattern.fullmatch(path)
        if not match:
            return None
        values = match.groupdict()
        if "date" not in values:  # an hour alone comes again every day: no file is ever the later one
            return DatedPath(path, "")
        return DatedPath(
            self.text.format(**values | {"date": "*", "hour": "*"}),
            f"{values['date']} {values.get('hour', '')}",
        )

    def found(self) -> Iterator[Found]:
        """Yield the files on disk that this template could have made, open or closed. Raises OSError."""
        # Path.glob would find hidden folders too, and cannot be told to find nothing but folders.
        for folder in glob.iglob(self.folders):  # noqa: PTH207
            with os.scandir(folder) as entries:
                paths = [str(PurePath(folder, entry.name)) for entry in entries if entry.is_file()]
            for path in paths:
                name, number = rotation.split(path) or (path, 0)
                if self.pattern.fullmatch(name):
                    yield Found(path, name, number)
                elif self.pattern.fullmatch(path):
                    yield Found(path, path, 0)

    def check(self) -> None:
        """Raise OutputError if a file of this template, there or not yet there, cannot be written. Touches nothing."""
        with self.naming_key():
            root = self._root()
            if not root.is_dir():
                raise OutputError(f"{root} is not a folder, so {self.text} cannot be written")
            latest = self._latest()
            for path in (
                root,
                *(path.parent for path, _ in latest),
                *(path for path, still_open in latest if still_open),
            ):
                if not os.access(path, os.W_OK):
                    raise OutputError(f"{path} cannot be written: no permission")
            if _is_the_kernels(root):
                raise OutputError(f"{root} is made up by the kernel, so {self.text} cannot be written")
            if "{" not in self.text:
                size_of(self.text)  # a folder of that name is refused as it is by whoever writes

    def check_room(self) -> None:
        """Raise OutputError if the disk has no room for a file of this template."""
        with self.naming_key():
            for folder in {self._root(), *(path.parent for path, _ in self._latest())}:
                found = os.statvfs(folder)
                if found.f_blocks and found.f_bavail * found.f_frsize < _ROOM:  # some systems do not count at all
                    raise OutputError(f"{folder}: no space left on its disk: make room there, or choose another path")
                if found.f_files and not found.f_favail:
                    raise OutputError(f"{folder}: no more files fit on its disk: remove some, or choose another path")

    def _root(self) -> Path:
        """Return the deepest folder that exists and whose path has no field in it."""
        root = Path(self.text.partition("{")[0] + "x").parent
        return next(folder for folder in (root, *root.parents) if folder.exists())

    def _latest(self) -> list[tuple[Path, bool]]:
        # Closed files and folders of past dates may well have been made read-only.
        latest: dict[str, tuple[str, bool, str]] = {}
        for path, name, number in self.found():
            if dated := self.split(name):
                latest[dated.family] = max(latest.get(dated.family, ("", False, "")), (dated.stamp, not number, path))
        return [(Path(path), still_open) for _, still_open, path in latest.values()]

    def destination(self) -> str:
        """Return the absolute path, with * in the place of source, stream and kind; date and hour stay in braces."""
        covers = _fill(self.text, str, lambda field: f"{{{field}}}" if field in {"date", "hour"} else "*")
        return os.path.normpath(Path(covers).absolute())


def template(text: str, key: str | None = None) -> Template:
    """Read a template, which the configuration has under a key. Raises ValueError that says what would be right."""
    _parts(text)
    last = PurePath(text).name
    if not last or last == ".." or text.endswith("/") or "\0" in text:
        raise ValueError("a path names a file, such as events/{source}/{stream}/{date}.jsonl")
    if last.endswith((".gz", ".zst", ".part")):
        raise ValueError("a path names the open file, such as calls.jsonl: compression adds its own .gz or .zst")
    normal = PurePath(text)
    return Template(
        str(normal),
        re.compile(_expression(str(normal))),
        _fill(str(normal.parent), glob.escape, lambda _: "*") + "/",
        key,
    )


def _parts(text: str) -> list[tuple[str, str | None]]:
    return parts(text, _SHAPES, "a path")


def _fill(text: str, literally: Callable[[str], str], fill: Callable[[str], str]) -> str:
    return "".join(literally(literal) + (fill(field) if field else "") for literal, field in _parts(text))


def _expression(text: str) -> str:
    met: set[str] = set()

    def group(field: str) -> str:
        if field in met:
            return f"(?P={field})"
        met.add(field)
        return f"(?P<{field}>{_SHAPES[field]})"

    return _fill(text, re.escape, group)


def _is_the_kernels(folder: Path) -> bool:
    """Return True for a folder such as /proc, which root is told that it may write to."""
    return not folder.stat().st_mode & 0o222 and not os.statvfs(folder).f_blocks


def _harmless(value: str) -> str:
    harmless = re.sub(r"[/\x00-\x1f]", "_", value) or "_"
    return "_" + harmless[1:] if harmless.startswith(".") else harmless
