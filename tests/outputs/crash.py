"""Runs a journal in child processes that are killed (SIGKILL) at one system call after the other, and restarts it.

    python -m tests.outputs.crash before|during|again none|zstd FOLDER

The process dies `before` the n-th call, or `during` the n-th write, which is left half done, for every n; `again`
kills the restarts too, as the lot decides. Prints how many deaths there were, exits 1 if a line was lost,
repeated, torn or out of order in the end.
"""

import json
import os
import random
import re
import shutil
import signal
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import anyio.to_thread

from outputs.file import FileConfig
from outputs.file.rotation import Compression, Rotate
from tests.outputs.material import lines, message

CALLS = ("open", "write", "fdatasync", "fsync", "ftruncate", "rename", "replace", "unlink", "mkdir")
HOURS = [0, 1, 14, 15, 23, 25, 26, 23.5, 27, 50, 51]  # one is late: its date is over, and was closed
MESSAGES = [
    message(number, hours, stream, reject=number % 7 == 3)
    for number, (hours, stream) in enumerate((hours, stream) for hours in HOURS for stream in ("calls", "leads"))
]


def config(folder: Path, compression: Compression) -> FileConfig:
    return FileConfig(
        type="file",
        path=f"{folder}/events/{{stream}}/{{date}}.jsonl",
        rejects_path=f"{folder}/rejects.jsonl",
        rotate=Rotate(size=100, age=timedelta(hours=12)),
        compression=compression,
    )


def deliver_all(folder: Path, compression: Compression, attempt: int) -> None:
    """Deliver what the saved state has not yet, in batches of other sizes than the last attempt's."""
    saved = folder / "state.json"
    state: dict[str, Any] = json.loads(saved.read_bytes()) if saved.exists() else {"done": 0, "marks": {}}
    journal = config(folder, compression).open({name: mark.encode() for name, mark in state["marks"].items()})
    _run(journal.__aenter__())
    while batch := MESSAGES[state["done"] : state["done"] + 5 + attempt % 2]:
        _save(saved, state, journal.announce(batch))
        done = _run(journal.write(batch))
        state["done"] += len(batch)
        _save(saved, state, done)


def _save(path: Path, state: dict[str, Any], marks: Any) -> None:
    state["marks"] |= {name: mark and mark.decode() for name, mark in marks.items()}
    state["marks"] = {name: mark for name, mark in state["marks"].items() if mark is not None}
    descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, json.dumps(state).encode())
    os.fsync(descriptor)
    os.close(descriptor)
    os.replace(f"{path}.new", path)  # noqa: PTH105 -- a system call as any other here


def faults(folder: Path, compression: Compression) -> list[str]:
    """What is wrong with the files in the end: they must hold each message once, in order; closed ones are packed."""
    expected: dict[str, list[bytes]] = defaultdict(list)
    found: dict[str, list[bytes]] = defaultdict(list)
    wrong = []
    for each in MESSAGES:
        expected["rejects" if each.reject else f"{each.stream}/{each.observed:%Y-%m-%d}"].append(each.value)
    paths = [path for path in folder.rglob("*.jsonl*") if "state" not in path.name]
    for path in sorted(paths, key=lambda path: path.name.replace(".jsonl", "~", 1)):  # the open file comes last
        name, number, packed = re.fullmatch(r"(.*?)(-\d{6})?\.jsonl(.*)", path.name).groups()  # type: ignore[union-attr]
        if packed != ({"none": "", "zstd": ".zst"}[compression] if number else ""):
            wrong.append(f"left over: {path}")
        found[name if name == "rejects" else f"{path.parent.name}/{name}"] += lines(path)
    return wrong + [f"{name}: {found[name]}" for name in expected | found if expected[name] != found[name]]


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("nothing here waits")


async def _inline(function: Callable[..., Any], *args: Any, **_: Any) -> Any:
    return function(*args)


def _arm(fatal: int, side: str) -> None:
    """Make this process die before its `fatal`-th system call, or during its `fatal`-th write."""
    left = [fatal]

    def armed(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                if side == "during":
                    real(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        return call

    for name in CALLS if side == "before" else ["write"]:
        setattr(os, name, armed(name))


def child(folder: Path, compression: Compression, attempt: int, fatal: int, side: str) -> bool:
    """Run once in a process of its own, and tell whether it came to its end. Exits if it failed otherwise."""
    pid = os.fork()
    if pid == 0:
        try:
            _arm(fatal, side)
            deliver_all(folder, compression, attempt)
        except BaseException:  # noqa: BLE001 -- whatever it is must not run on into the parent's code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(f"attempt {attempt}, killed {side} call {fatal}: the restart failed")
    return os.WIFEXITED(status)


def story(folder: Path, compression: Compression, deaths: Sequence[int], side: str) -> int:
    """Die so often, then come to an end; give the number of deaths."""
    folder.mkdir()
    died = 0
    for fatal in deaths:
        died += not child(folder, compression, died, fatal, side)
    for _ in range(2):  # the second finds nothing to do, and must not mind
        deliver_all(folder, compression, died)
    if wrong := faults(folder, compression):
        sys.exit(f"killed {side} calls {deaths}: {wrong}")
    shutil.rmtree(folder)
    return died


def main(mode: str, compression: Compression, room: Path) -> int:
    anyio.to_thread.run_sync = _inline  # type: ignore[assignment]
    if mode == "again":
        drawn = random.Random(7)
        return sum(
            story(room / str(n), compression, [drawn.randint(1, 20) for _ in range(9)], side)
            for n, side in enumerate(["before", "during"] * 8)
        )
    deaths = 0
    while story(room / str(deaths), compression, [deaths + 1], mode):
        deaths += 1
    return deaths


if __name__ == "__main__":
    print(main(sys.argv[1], cast("Compression", sys.argv[2]), Path(sys.argv[3])))  # noqa: T201 -- what the test reads
