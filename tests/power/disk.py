"""A disk that remembers what a loss of power may leave of a folder.

It follows what this process does below the working directory. POSIX promises no more than this: the contents of a file
are durable once the file is synced, and its name once the folder that it stands in is. So a cut may drop any of the
names that were made, changed or taken away since the folder was synced, in whatever order; of a file it may leave any
content since it was synced, the last one torn, or its size without its bytes.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from math import prod
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from tests.state.ledgers import Killed

Files: TypeAlias = Mapping[str, bytes]
"""Contents, by path."""
Change: TypeAlias = tuple[str, "Inode | Folder | None"]
"""A name in a folder, and what it names now; None where it is gone."""

_MOST = 24
"""The remains that are looked at after one step; where there are more, so many are drawn by lot."""
_ALL_SUBSETS = 4


@dataclass(eq=False)
class Inode:
    """A file: the content that was synced, and those that it has had since."""

    contents: list[bytes] = field(default_factory=lambda: [b""])

    def now(self, content: bytes) -> None:
        """Note its content."""
        if content != self.contents[-1]:
            self.contents.append(content)

    def left(self) -> list[bytes]:
        """Return what a cut may leave of it."""
        found = dict.fromkeys([self.contents[0], *self.contents[-3:]])
        *_, before, last = [b"", *self.contents]
        if len(self.contents) > 1 and last.startswith(before):
            more = len(last) - len(before)
            found |= dict.fromkeys([last[: len(before) + more // 2], before + bytes(more)])
        return [*found]


@dataclass(eq=False)
class Folder:
    """A folder: the names that were synced, and the changes since; a rename is one change of two names."""

    synced: dict[str, "Inode | Folder"] = field(default_factory=dict)
    changes: list[tuple[Change, ...]] = field(default_factory=list)

    def now(self) -> dict[str, "Inode | Folder"]:
        """Return its names as they are."""
        return self._with(self.changes)

    def left(self) -> list[dict[str, "Inode | Folder"]]:
        """Return what a cut may leave of its names."""
        count = len(self.changes)
        if count <= _ALL_SUBSETS:
            chosen = [subset for size in range(count + 1) for subset in combinations(self.changes, size)]
        else:
            chosen = [tuple(self.changes[:size]) for size in range(count + 1)]
            chosen += [(*self.changes[:at], *self.changes[at + 1 :]) for at in range(count)]
        return [self._with(changes) for changes in chosen]

    def _with(self, changes: Any) -> dict[str, "Inode | Folder"]:
        found: dict[str, Any] = {**self.synced, **{name: to for change in changes for name, to in change}}
        return {name: to for name, to in found.items() if to is not None}


class Disk:
    """The folder in which the process works, followed while `watched` wraps the calls; `remains` is told each step."""

    def __init__(self, remains: Callable[[list[Files]], None], held: Files | None = None) -> None:
        """`held` is what is in the folder, durable."""
        self._root, self._rng = Folder(), Random(1)
        for path, content in (held or {}).items():
            folder = self._root
            for name in Path(path).parent.parts:
                folder = folder.synced.setdefault(name, Folder())  # type: ignore[assignment]
            folder.synced[Path(path).name] = Inode([content])
        self._open: dict[int, Inode | Folder] = {}
        self._known: dict[int, os.stat_result] = {}
        self._remains = remains
        self.steps = self.dies_at = 0

    def watch(self, patch: Callable[[Any, str, Any], None]) -> None:
        """Wrap the calls of `os` that change files and folders, or sync them."""
        follow: Mapping[str, Callable[..., None]] = {
            "open": self._opened, "write": self._written, "ftruncate": self._written, "fsync": self._synced,
            "fdatasync": self._synced, "rename": self._renamed, "replace": self._renamed, "unlink": self._unlinked,
            "mkdir": self._made,
        }  # fmt: skip
        for name, note in follow.items():
            patch(os, name, self._wrapped(getattr(os, name), note))

    def _wrapped(self, real: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self._look()
            result = real(*args, **options)
            note(result, *args)
            self.step()
            return result

        return call

    def step(self) -> None:
        """Tell what a cut may leave now. At step `dies_at` the process is killed, and the disk is not."""
        self.steps += 1
        self._remains(self._left())
        if 0 < self.dies_at <= self.steps:
            raise Killed

    def _look(self) -> None:
        """Note what was written by other ways than `os.write`, as a buffered file does."""
        for descriptor, inode in [*self._open.items()]:
            if not _is_open(descriptor, self._known[descriptor]):
                del self._open[descriptor]
            elif isinstance(inode, Inode):
                before = len(inode.contents)
                inode.now(_content(descriptor))
                if len(inode.contents) > before:
                    self.step()

    def _folder(self, path: Any) -> Folder | None:
        """Return the folder of a path; None for one that is not below the working directory."""
        folder = self._root
        if Path(path).is_absolute():
            return None
        for name in Path(path).parent.parts:
            found = folder.now().get(name)
            if not isinstance(found, Folder):
                return None
            folder = found
        return folder

    def _opened(self, descriptor: int, path: Any, *_: Any) -> None:
        folder, name = self._folder(path), Path(path).name
        self._open.pop(descriptor, None)
        if folder is None or name.startswith("poller.db"):
            return
        found = folder.now().get(name) if name else self._root
        if found is None:
            found = Inode()
            folder.changes.append(((name, found),))
        self._open[descriptor], self._known[descriptor] = found, os.fstat(descriptor)
        if isinstance(found, Inode):
            found.now(_content(descriptor))

    def _written(self, _: Any, descriptor: int, *__: Any) -> None:
        if isinstance(inode := self._open.get(descriptor), Inode):
            inode.now(_content(descriptor))

    def _synced(self, _: Any, descriptor: int) -> None:
        match self._open.get(descriptor):
            case Inode() as inode:
                inode.contents = [_content(descriptor)]
            case Folder() as folder:
                folder.synced, folder.changes = folder.now(), []

    def _renamed(self, _: Any, source: Any, target: Any) -> None:
        folder = self._folder(source)
        if folder is not None:
            assert folder is self._folder(target), "a rename within a folder is all that is followed"
            moved = folder.now()[Path(source).name]
            folder.changes.append(((Path(source).name, None), (Path(target).name, moved)))

    def _unlinked(self, _: Any, path: Any) -> None:
        if (folder := self._folder(path)) is not None:
            folder.changes.append(((Path(path).name, None),))

    def _made(self, _: Any, path: Any, *__: Any) -> None:
        if (folder := self._folder(path)) is not None:
            folder.changes.append(((Path(path).name, Folder()),))

    def _left(self) -> list[Files]:
        """Return what a cut may leave: all of it, or some by lot where there are too many."""
        if _count(self._root) <= _MOST:
            return [*_trees(self._root, lambda found: found)]
        drawn = [[*_trees(self._root, lambda found: [self._rng.choice(found)])] for _ in range(_MOST)]
        return [tree for trees in drawn for tree in trees]


def _count(folder: Folder) -> int:
    """Return in how many ways a folder may be left."""
    ways = (
        prod(len(found.left()) if isinstance(found, Inode) else _count(found) for found in names.values())
        for names in folder.left()
    )
    return sum(ways)


def _trees(folder: Folder, chosen: Callable[[list[Any]], list[Any]]) -> Iterator[dict[str, bytes]]:
    """Yield what may be left of a folder; of all there is for each of its parts, what is chosen."""
    for names in chosen(folder.left()):
        parts = [
            [{name: content} for content in chosen(found.left())]
            if isinstance(found, Inode)
            else [{f"{name}/{path}": content for path, content in tree.items()} for tree in _trees(found, chosen)]
            for name, found in names.items()
        ]
        for taken in product(*parts):
            yield {path: content for part in taken for path, content in part.items()}


def _is_open(descriptor: int, known: os.stat_result) -> bool:
    """Return True if a descriptor is still that of the file that was known by it."""
    try:
        return os.path.samestat(os.fstat(descriptor), known)
    except OSError:
        return False


def _content(descriptor: int) -> bytes:
    """Return what is in an open file, also in one that is open for writing only."""
    return Path(f"/proc/self/fd/{descriptor}").read_bytes()
