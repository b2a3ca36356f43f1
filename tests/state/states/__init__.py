"""States that older versions wrote, kept for good.

`v1.db` is of a real run, before format 2, and `v1.json` what it held. `spelt.json` has entries of seen, with their keys
and the records they are of, from when contents were compared as they were spelt.
"""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from msgspec.structs import astuple

from poller.events.buckets import ITEM
from poller.state.reader import restore
from poller.state.sqlite.database import Database
from poller.state.sqlite.migration import WRITTEN

STATES = Path(__file__).parent
HELD: dict[str, Any] = json.loads((STATES / "v1.json").read_text())


def old_state(folder: Path) -> Path:
    """One of format 1, as if it had been written there."""
    shutil.copy(STATES / "v1.db", folder / "poller.db")
    return folder / "poller.db"


def content(database: Database | None) -> dict[str, Any]:
    """In the words of the JSON beside it."""
    assert database
    rows = database.under("")
    rows.pop(WRITTEN, None)
    seen: dict[str, Any] = {}
    for stream in sorted(key[2:] for key in rows if key.startswith("c|")):
        known = restore(database, stream, None).seen
        packed = b"".join(chunk for _, chunk in known.pack_by_day())
        keys = [int.from_bytes(packed[at : at + 8], "little") for at in range(0, len(packed), ITEM)]
        seen[stream] = {str(key): [*astuple(entry)][:7] for key in sorted(keys) if (entry := known.get(key, 0))}
    values = {key: value.hex() if key[0] == "d" else value.decode() for key, value in sorted(rows.items())}
    database.close()
    return {"values": values, "seen": seen}


def version(path: Path) -> int:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob("poller.db.v[12]-*"))
