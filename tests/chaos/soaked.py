"""`poller` that notes beside its work how many tasks it has: `python -m tests.chaos.soaked FILE run …`."""

import asyncio
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from poller.cli import main

loops: list[Any] = []


def noting(run_forever: Any) -> Any:
    """Return the loop's method as it is, but for a note of its loop."""

    def noted(self: Any) -> None:
        loops.append(self)
        run_forever(self)

    return noted


def note(path: Path) -> None:
    """Write the number of tasks once a second."""
    while True:
        time.sleep(1)
        with suppress(RuntimeError, IndexError):  # a task came while they were counted; there is no loop yet
            beside = path.with_suffix(".new")
            beside.write_text(f"{len(asyncio.all_tasks(loops[-1]))}")
            beside.replace(path)  # who looks at it meanwhile does not read that there are none


if __name__ == "__main__":
    asyncio.BaseEventLoop.run_forever = noting(asyncio.BaseEventLoop.run_forever)  # type: ignore[method-assign]
    threading.Thread(target=note, args=(Path(sys.argv[1]),), daemon=True).start()
    sys.argv = ["poller", *sys.argv[2:]]
    main()
