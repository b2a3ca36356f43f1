"""`make mutants`: breaks the code on purpose, one way at a time, and sees the laws fail. Exits 1 if one survives."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
LAWS = ("tests/laws/test_laws.py", "tests/laws/test_backfill_laws.py")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A way to break the code: edits of (file, the text that stands there, the text to put there)."""

    name: str
    edits: Sequence[tuple[str, str, str]]


DELIVER = "            marks = await self._delivery.deliver(messages, lambda "
SAVE = """\
            early = {CHECKPOINT.key(change.stream): encode(change.checkpoint) for change in group}
            await self._save(early, _chunks(group, int(self._now().timestamp())))
"""
SAID = "    for beyond in page.end.unreadable if page.end else ():\n"
MOVED = """\
    state.cursor = Cursor(now - timedelta(seconds=5))
    for beyond in page.end.unreadable if page.end else ():
"""
OVERLAP = "start = cursor.until - sweep.lookback\n"
FIELD = "    once: Once | None = None\n"
FREE, OWN = "not run.done and not run.stream.busy and due_at", "not run.done and not run.busy and due_at"
STREAM, SWEEP = "stream = work.stream\n", 'stream = getattr(work, "run", work.stream)\n'
READ = "        if page.end:\n            covers = self.reading.covers\n"
SILENT = "known is None or known.flags & BASELINE"

MUTANTS = (
    Mutant("saved before delivered", [("poller/state/sqlite/ledger.py", DELIVER, SAVE + DELIVER)]),
    Mutant("the cursor moved by every page", [("poller/polling/progress/passes.py", SAID, MOVED)]),
    Mutant("windows that do not overlap", [("poller/polling/progress/windows.py", OVERLAP, "start = cursor.until\n")]),
    Mutant(
        "windows that do not share their boundary",
        [("poller/polling/progress/windows.py", OVERLAP, "start = cursor.until + timedelta(seconds=61)\n")],
    ),
    Mutant(
        "sweeps that do not wait for each other's pages",
        [
            ("poller/polling/runtime.py", FIELD, FIELD + "    busy: bool = False\n"),
            ("poller/polling/schedule.py", FREE, OWN),
            ("poller/polling/schedule.py", "in runs if not run.stream.busy]", "in runs if not run.busy]"),
            ("poller/polling/loop.py", STREAM, SWEEP),
        ],
    ),
    Mutant(
        "history counted as read with every page",
        [("poller/polling/slice_work.py", READ, "        if done:\n            covers = self.reading.covers\n")],
    ),
    Mutant("baseline that stays silent for ever", [("poller/events/transform.py", SILENT, "known is None")]),
    Mutant(
        "history that forgets what was delivered", [("poller/events/transform.py", SILENT, "known is None or known")]
    ),
)


def edited(mutant: Mutant, root: Path) -> Mapping[str, str]:
    """Return the changed texts of a mutant's files. Raises LookupError where the code is not what it was made for."""
    files: dict[str, str] = {}
    for name, old, new in mutant.edits:
        text = files.get(name) or (root / name).read_text()
        if text.count(old) != 1:
            raise LookupError(f"{mutant.name}: {name} holds {text.count(old)} times: {old!r}")
        files[name] = text.replace(old, new)
    return files


def survives(mutant: Mutant) -> bool:
    """Return True if the laws' tests pass in spite of this mutant."""
    with TemporaryDirectory() as folder:
        for part in ("poller", "outputs", "tests"):
            shutil.copytree(ROOT / part, Path(folder) / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        for name, text in edited(mutant, ROOT).items():
            (Path(folder) / name).write_text(text)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *LAWS]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": folder}, capture_output=True, text=True, check=False
        )
        for line in done.stdout.splitlines():
            if line.startswith("E   AssertionError: lost") or " lost " in line[:40]:
                sys.stdout.write(f"    {line.removeprefix('E   AssertionError: ')}\n")
                break
        return done.returncode == 0


def main() -> int:
    """Print each mutant's fate."""
    survivors = 0
    for mutant in MUTANTS:
        lives = survives(mutant)
        sys.stdout.write(f"{'SURVIVED' if lives else 'caught'}: {mutant.name}\n")
        sys.stdout.flush()
        survivors += lives
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
