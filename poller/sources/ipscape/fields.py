"""Times and lists of objects in ipSCAPE's records: how they are read, and how they are compared.

Offsets are spelled `+1000` and `+10:00`, and follow summer time: times are compared as instants, never as text.
"""

from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import asdict

from poller.plugin import read_time

Times: TypeAlias = tuple[datetime | None, datetime | None, datetime | None]
"""A record's own time and two later ones, each None where it cannot be read."""


def read_times(zone: ZoneInfo | None, began: object, second: object, third: object) -> Times:
    """Read a record's own time and two later ones.

    Where one without an offset could be read in two ways, the reading counts that is not before the record's own time.
    """
    own = read_time(began, zone)
    return own, read_time(second, zone, after=own), read_time(third, zone, after=own)


def instant(leaf: Any) -> Any:
    """A time as it is compared; one without an offset, or unreadable, as sent."""
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
