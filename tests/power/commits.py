"""Real commits in the working directory: state in SQLite, events and rejects in files that are rotated and compressed.

Messages are delivered until the state says that all are. The state's own file is not followed: SQLite sees to that it
is whole and durable (`synchronous`, see test_power_loss.py), so that each of its transactions is there, or is not.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import anyio

from outputs import Message
from outputs.file import FileConfig
from outputs.file.rotation import Compression, Rotate
from poller.events.batch import Batch
from poller.events.seen import key_of
from poller.state.checkpoint import Checkpoint
from poller.state.delivery import Delivery
from poller.state.ledger import Change
from poller.state.reader import marks_of
from poller.state.sqlite.database import Database
from poller.state.sqlite.ledger import SqliteLedger
from poller.telemetry import Telemetry
from tests.outputs.material import MIDNIGHT, lines, message
from tests.state.ledgers import entry

STATE = Path("poller.db")
_HOURS = [0, 1, 14, 15, 25, 26, 23.5, 27, 50]  # one is late: its date is over, and was closed
MESSAGES = [
    message(number, hours, stream, reject=number % 7 == 3)
    for number, (hours, stream) in enumerate((hours, stream) for hours in _HOURS for stream in ("calls", "leads"))
]


def _config(compression: Compression) -> FileConfig:
    return FileConfig(
        type="file",
        path="events/{stream}/{date}.jsonl",
        rejects_path="rejects.jsonl",
        rotate=Rotate(size=100, age=timedelta(hours=12)),
        compression=compression,
    )


def deliver(compression: Compression, at_once: int) -> None:
    """Deliver what the state has not yet, so many messages in one commit."""

    async def run() -> None:
        with closing(Database.open(STATE)) as database:
            opened = _config(compression).open(marks_of(database, "files"))
            async with Delivery({"files": opened}, Telemetry(), 0.0) as delivery:
                ledger = SqliteLedger(database, delivery, Telemetry(), lambda: MIDNIGHT)
                await _commit_all(ledger, at_once)

    anyio.run(run)


async def _commit_all(ledger: SqliteLedger, at_once: int) -> None:
    seen = {stream: (await ledger.restore(f"acme/{stream}", None)).seen for stream in ("calls", "leads")}
    left = [one for one in MESSAGES if seen[one.stream].get(key_of(one.key), 0.0) is None]
    for begin in range(0, len(left), at_once):
        some = left[begin : begin + at_once]
        async with anyio.create_task_group() as group:
            for stream in ("calls", "leads"):
                if batch := [one for one in some if one.stream == stream]:
                    group.start_soon(ledger.commit, _change(stream, batch))


def _change(stream: str, messages: Sequence[Message]) -> Change:
    batch = Batch(messages=list(messages))
    batch.seen.entries = {key_of(one.key): entry(1, MIDNIGHT) for one in messages}
    batch.seen.delivered = set(batch.seen.entries)
    return Change(f"acme/{stream}", Checkpoint(MIDNIGHT, None), batch)


def saved() -> bytes:
    """Return the state file as it would be found, closed."""
    with closing(sqlite3.connect(STATE)) as connection, closing(sqlite3.connect(":memory:")) as copy:
        connection.backup(copy)
        return copy.serialize()


def faults(compression: Compression) -> list[str]:
    """Return what is wrong with the files in the end: they hold each message once, in order; closed ones are packed."""
    expected: dict[str, list[bytes]] = defaultdict(list)
    found: dict[str, list[bytes]] = defaultdict(list)
    wrong = []
    for each in MESSAGES:
        expected["rejects" if each.reject else f"{each.stream}/{each.observed:%Y-%m-%d}"].append(each.value)
    paths = [Path("rejects.jsonl"), *Path().rglob("*.jsonl*")]
    for path in sorted(set(paths), key=lambda path: path.name.replace(".jsonl", "~", 1)):  # the open file comes last
        if not path.exists():
            continue
        name, number, packed = re.fullmatch(r"(.*?)(-\d{6})?\.jsonl(.*)", path.name).groups()  # type: ignore[union-attr]
        if packed != ({"none": "", "gzip": ".gz", "zstd": ".zst"}[compression] if number else ""):
            wrong.append(f"left over: {path}")
        found[name if name == "rejects" else f"{path.parent.name}/{name}"] += lines(path)
    same = [name for name in expected | found if sorted(expected[name]) == sorted(found[name])]
    return wrong + [f"{name}: {found[name]}" for name in expected | found if name not in same]
