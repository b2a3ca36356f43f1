"""The benchmark: `python -m tests.bench [CELL ...]`, or `make bench`.

A vendor of this process answers with bytes that were rendered before; it has a core of its own, and each contestant in
turn has the other one. What counts is the contestant's processor time, user and system, between two requests that
the vendor sees: its start is not in it. The contestants of a cell take turns, round by round, and ratios are those of
one round. See docs/performance.md.
"""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Mapping
from subprocess import CalledProcessError
from typing import Any

import orjson

from tests.bench import clients
from tests.bench.cells import CELLS
from tests.bench.clients import Failed
from tests.bench.report import RESULTS, Result, as_json, lines
from tests.kafka.jars import NoKafka


async def measure(names: list[str], rounds: int | None) -> None:
    """Measure these cells, or all; print each one's lines, and save its results, as soon as they are known."""
    for cell in [cell for cell in CELLS if not names or cell.name in names]:
        try:
            result = Result(cell, [await cell.measure() for _ in range(rounds or cell.rounds)])
        except (Failed, NoKafka, TimeoutError, CalledProcessError) as error:
            sys.stdout.write(f"{cell.name:<14} cannot be measured: {type(error).__name__}: {error}\n")
            continue
        sys.stdout.write("".join(f"{line}\n" for line in lines(result)))
        sys.stdout.flush()
        save(cell.name, as_json(result))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    names = [cell.name for cell in CELLS]
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"all, or some of: {', '.join(names)}")
    parser.add_argument("--rounds", type=int, help="instead of each cell's own number")
    asked = parser.parse_args()
    if unknown := set(asked.cells) - set(names):
        parser.error(f"there is no cell {', '.join(unknown)}; these there are: {', '.join(names)}")
    os.sched_setaffinity(0, {clients.SERVER})
    asyncio.run(measure(asked.cells, asked.rounds))


def save(cell: str, result: Mapping[str, Any]) -> None:
    """Write down what was measured; other cells stay as they were measured last."""
    known = orjson.loads(RESULTS.read_bytes())["results"] if RESULTS.exists() else {}
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": len(clients.CORES)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps({**machine, "results": {**known, cell: result}}, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
