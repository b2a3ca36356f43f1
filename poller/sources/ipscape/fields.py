"""Times and lists of objects in ipSCAPE's records: how they are read, and how they are compared.

Offsets are spelled `+1000` and `+10:00`, and follow summer time: times are compared as instants, never as text.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import asdict

from poller.plugin import as_struct, read_time


def times_of(record: Any, found: Any, zone: ZoneInfo | None) -> dict[str, datetime | None]:
    """Return the times in `timestamps` (of the shape `found`), by their names.

    Where one without an offset could be read in two ways, the reading counts that is not before the record's own time.
    """
    leaves = asdict(as_struct(record.timestamps, found))
    began = read_time(leaves.get("created") or leaves.get("dialled"), zone)
    return {name: read_time(leaf, zone, after=began) for name, leaf in leaves.items()}


def instant(leaf: Any) -> Any:
    """A time as it is compared: one without an offset, or unreadable, as sent."""
    return read_time(leaf) or leaf


def instants(times: Any) -> Any:
    """An object of times as it is compared; null and absent are the same."""
    leaves = asdict(times) if isinstance(times, msgspec.Struct) else times
    if not isinstance(leaves, dict):
        return leaves
    return {name: instant(leaf) for name, leaf in leaves.items() if leaf is not None}


def each(leaf: Any, found: type[Any]) -> Any:
    """Return the documented fields of a list's objects; what is no object as sent."""
    if not isinstance(leaf, list):
        return leaf
    return [msgspec.convert(one, found) if isinstance(one, dict) else one for one in leaf]
