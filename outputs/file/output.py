"""The output to files of JSON lines: they hold every message exactly once, whenever the process is killed.

The state keeps a mark for each file: how much of it is committed. A batch is announced before it is written (where it
begins in each file, how long it may be, which files are closed on the way), so a start after a crash knows what to cut
off, and never cuts anything else. `marks` has what a mark says, `rotation` how a file is closed, `series` which files
follow each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Self

import anyio.to_thread
from msgspec.structs import replace

from outputs import Marks, Message, OutputError
from outputs.file import fsync, marks, rotation
from outputs.file.marks import Mark
from outputs.file.paths import Found, Template
from outputs.file.rotation import Compression, Rotate
from outputs.file.series import Series


class FileOutput:
    """An output that appends messages to files, and takes back what the state does not know of.

    One mark a path. `announce` says how many bytes may come after which offset, and which files are closed on the way
    (they get the next number, and are compressed). Every step of `write` can be done again from the announcement
    alone: by a retry, and by the next start. A file is closed when a batch has messages of a later date or hour, or
    when it would outgrow `rotate`; so a stream that falls silent leaves its last file open.

    Refused, as the state is the older one then: a file longer than the state accounts for, a closed file whose number
    is higher, and a file of which the state knows nothing. The state forgets all but the last three dates (or hours)
    of a family; so a file that has no mark, but is earlier than one that has, was closed long ago and is left alone.
    A file that is gone or shorter is begun anew (what is left of it is closed), and `notices` says so.
    """

    exact: bool = True

    def __init__(
        self,
        templates: tuple[Template, Template],
        rotate: Rotate | None,
        compression: Compression,
        saved: Mapping[str, bytes],
    ) -> None:
        self.notices: Sequence[str] = ()
        self._events, self._rejects = templates
        self._rotate = rotate
        self._compression = compression
        self._families = Series(templates)
        self._marks = marks.decode(saved)  # committed; one that is `closing` was found short
        self._plans: dict[str, Mark] = {}  # announced
        self._written: dict[str, Mark | None] = {}  # what becomes of the marks when the next batch is announced

    async def __aenter__(self) -> Self:
        """Bring the files back to the marks. Raises OutputError if they are newer than the state, or out of reach."""
        await anyio.to_thread.run_sync(self._recover)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Do nothing: no file is open between two batches."""

    def announce(self, batch: Sequence[Message]) -> Marks:
        """Return the marks of the files to be appended to or closed. Raises OutputError if one is not as it was left.

        A file that is gone or shorter is begun anew, and `notices` says so.
        """
        self._adopt()
        plans = {
            path: plan for path, plan in self._plans.items() if not marks.is_short(path, plan)
        }  # of a failed batch
        for path, messages in self._by_path(batch).items():
            with fsync.naming_path(path):
                size = sum(len(message.value) + 1 for message in messages)
                plans[path] = self._plan(path, plans.get(path), size, messages[0].observed)
        if self._rotate or self._compression != "none":
            for path in set(self._families.earlier(plans)) - plans.keys():
                with fsync.naming_path(path):
                    mark = self._look(path)
                    if mark.offset:
                        plans[path] = _closing(path, mark)
        self._plans = plans
        return marks.encode(plans)

    async def write(self, batch: Sequence[Message]) -> Marks:
        """Write the batch as it was announced last. Raises OutputError, after which what was written is taken back."""
        return await anyio.to_thread.run_sync(self._write, batch)

    def check(self) -> None:
        """Raise OutputError where a start would refuse the files, as they are newer than the marks. Touches nothing."""
        self._judge()

    def _recover(self) -> None:
        for path in self._judge():  # not before all are known to be no newer than the state
            with fsync.naming_path(path):
                self._marks[path] = marks.mend(path, self._marks[path], self._compression)
                self._look(path)

    def _judge(self) -> list[str]:
        """Give the paths that the marks speak of, once all files are known to be no newer than the marks."""
        for template in (self._events, self._rejects):
            template.check()
        ours = [path for path, mark in self._marks.items() if self._families.add(path) or mark.pending or mark.closing]
        for path in ours:
            with fsync.naming_path(path):
                marks.judge(path, self._marks[path])
        for template in (self._events, self._rejects):
            with template.naming_key():
                for found in template.found():
                    self._recognize(found)
        return ours

    def _recognize(self, found: Found) -> None:
        name, number = (found.path, 0) if found.path in self._marks else (found.name, found.number)
        mark = self._marks.get(name)
        if mark and number > mark.top:
            raise marks.newer(found.path, f"which knows of numbers up to {mark.top}")
        if not mark and not self._families.passed(name) and (number or fsync.size_of(name)):
            raise marks.newer(found.path, "which knows nothing of it")

    def _look(self, path: str) -> Mark:
        mark = self._marks.get(path) or Mark(number=rotation.highest(path))
        size = fsync.size_of(path)
        if size > mark.offset:
            raise marks.newer(path, f"which knows {mark.offset} of its {size} bytes")
        if size < mark.offset:
            if not self._families.passed(path):
                self.notices = [*self.notices, f"{path} held {mark.offset} bytes, now {size}: it is begun anew"]
            mark = self._marks[path] = replace(mark, offset=size, closing=size > 0)
        return mark

    def _plan(self, path: str, failed: Mark | None, size: int, observed: datetime) -> Mark:
        if failed:
            return replace(failed, pending=max(failed.pending, size))
        mark, now = self._look(path), observed.timestamp()
        full = mark.offset and self._rotate and self._rotate.due(mark.offset + size, now - mark.opened)
        if full or mark.closing:
            mark = _closing(path, mark)
        return replace(mark, pending=size, opened=mark.opened if mark.start else now)

    def _write(self, batch: Sequence[Message]) -> Marks:
        lines = {
            path: b"\n".join([*(message.value for message in messages), b""])
            for path, messages in self._by_path(batch).items()
        }
        written: dict[str, Mark | None] = {}
        try:
            for path in self._plans | lines:
                with fsync.naming_path(path):
                    written[path] = self._carry_out(path, self._plans[path], lines.get(path, b""))
        except OutputError:
            self._take_back(written)
            raise
        forgotten = set(self._families.outdated(written)) - written.keys()
        self._written = written | dict.fromkeys(forgotten)
        return marks.encode(self._written)

    def _carry_out(self, path: str, plan: Mark, lines: bytes) -> Mark:
        if plan.closing:
            rotation.close(path, plan.top, self._compression)
        if lines or fsync.size_of(path) > plan.start:
            fsync.append(path, plan.start, plan.pending, lines)
        return plan.grown(len(lines))

    def _take_back(self, paths: Iterable[str]) -> None:
        """Cut off what a failed attempt has written to these, where that works now; the next try cuts off the rest."""
        for path in paths:
            with suppress(OSError, OutputError):
                marks.cut_off(path, self._plans[path])

    def _adopt(self) -> None:
        if self._written:
            self._plans = {}
        for path, mark in self._written.items():
            if mark:
                self._marks[path] = mark
                self._families.add(path)
            else:
                del self._marks[path]
                self._families.remove(path)
        self._written = {}

    def _by_path(self, batch: Sequence[Message]) -> dict[str, list[Message]]:
        by_path: dict[str, list[Message]] = {}
        for _, beside in groupby(sorted(batch, key=attrgetter("last")), key=_PLACE):
            messages = list(beside)
            template = self._rejects if messages[0].reject else self._events
            by_path.setdefault(template.path(messages[0]), []).extend(messages)
        return by_path


_PLACE = attrgetter("observed", "kind", "reject", "stream", "source")
"""What decides where a message goes; most of a page go to one place."""


def _closing(path: str, mark: Mark) -> Mark:
    if rotation.taken(path, mark.number + 1):
        raise OutputError(f"{rotation.numbered(path, mark.number + 1)} is in the way: move it away")
    return replace(mark, closing=True)
