"""Sloppy kinds that spell times as other languages print them, and zones by their other names.

A time without an offset keeps its place on the clock; kinds that name an offset make it explicit where the answer or
the record tells the zone.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from poller.sandbox.sloppy.reply import Reply
from poller.sandbox.sloppy.values import respelled

STAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<gap>[T ])(?P<minute>\d\d:\d\d):(?P<second>\d\d)(?P<fraction>\.\d+)?"
    r"(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
INDIA = timezone(timedelta(hours=5, minutes=30))
MINUTE = timedelta(minutes=1)
ALIASES: Mapping[str, str] = {
    "US/Arizona": "America/Phoenix",
    "US/Central": "America/Chicago",
    "US/Eastern": "America/New_York",
    "US/Pacific": "America/Los_Angeles",
    "America/Montreal": "America/Toronto",
    "Europe/Paris": "Europe/Monaco",
    "UTC": "Etc/UTC",
}
WINDOWS: Mapping[str, str] = {
    "US/Arizona": "US Mountain Standard Time",
    "US/Central": "Central Standard Time",
    "US/Eastern": "Eastern Standard Time",
    "US/Pacific": "Pacific Standard Time",
    "America/Montreal": "Eastern Standard Time",
    "Europe/Paris": "Romance Standard Time",
    "UTC": "UTC",
}
"""https://github.com/unicode-org/cldr/blob/main/common/supplemental/windowsZones.xml"""

Spell = Callable[[re.Match[str], datetime], str]
"""A function that takes a stamp as it stands, and the instant or local time that it names."""


def _at(record: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _zone(reply: Reply, record: Any) -> ZoneInfo | None:
    """Return the zone of the local times in this record, or None where nothing names it."""
    envelope = reply.envelope
    name = _at(reply.document, envelope.zone) if envelope.zone else _at(record, envelope.row_zone)
    return ZoneInfo(name) if isinstance(name, str) and name in ALIASES else None


def _stamps(spell: Spell, *, zoned: bool = False) -> Callable[[Reply], None]:
    """Return a kind that spells every stamp anew; a `zoned` one leaves stamps without a zone alone."""

    def change(reply: Reply) -> None:
        def one(record: Any) -> Any:
            zone = _zone(reply, record)

            def leaf(key: str, value: Any) -> Any:
                found = STAMP.fullmatch(value) if isinstance(value, str) else None
                try:
                    return _spelt(found, zone if zoned else None) if found else value
                except ValueError:  # 0000-00-00
                    return value

            return respelled(record, leaf)

        def _spelt(found: re.Match[str], zone: ZoneInfo | None) -> str:
            at = datetime.fromisoformat(found[0])
            at = at.replace(tzinfo=zone) if at.tzinfo is None else at
            return found[0] if zoned and at.tzinfo is None else spell(found, at)

        reply.change_records(one)

    return change


def _micros(found: re.Match[str], at: datetime) -> str:
    digits = (found["fraction"] or ".").ljust(7, "0")
    if at.tzinfo is None:
        return f"{found['day']}{found['gap']}{found['minute']}:{found['second']}{digits}"
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{digits}Z"


def _seven(found: re.Match[str], at: datetime) -> str:
    digits = (found["fraction"] or ".").ljust(8, "0")
    return f"{found['day']}{found['gap']}{found['minute']}:{found['second']}{digits}{found['offset'] or ''}"


def _in(zone: timezone, form: str, offset: str) -> Spell:
    return lambda found, at: f"{at.astimezone(zone):{form}}{found['fraction'] or ''}{offset}"


def _whole(found: re.Match[str]) -> bool:
    return found["second"] == "00" and not (found["fraction"] or "").strip(".0")


def _short(found: re.Match[str], at: datetime) -> str:
    if not _whole(found):
        return found[0]
    return f"{found['day']}{found['gap']}{found['minute']}{found['offset'] or ''}"


def _leap(found: re.Match[str], at: datetime) -> str:
    if not _whole(found):
        return found[0]
    before = f"{at - MINUTE:%Y-%m-%d}{found['gap']}{at - MINUTE:%H:%M}"
    return f"{before}:60{found['fraction'] or ''}{found['offset'] or ''}"


def _renamed(names: Mapping[str, str]) -> Callable[[Reply], None]:
    """Return a kind that calls every zone, that of the answer or of each record, by its name in this table."""

    def rename(holder: Any, path: tuple[str, ...]) -> Any:
        inner = _at(holder, path[:-1]) if path else None
        if isinstance(inner, dict) and inner.get(path[-1]) in names:
            inner[path[-1]] = names[inner[path[-1]]]
        return holder

    def change(reply: Reply) -> None:
        rename(reply.document, reply.envelope.zone)
        reply.change_records(lambda record: rename(record, reply.envelope.row_zone))

    return change


TIMES: Mapping[str, tuple[str, Callable[[Reply], None]]] = {
    "stamps_with_micros": ("times have microseconds, in UTC with Z where they have a zone", _stamps(_micros)),
    "stamps_with_seven_digits": ("times have seven digits of fraction, as .NET prints them", _stamps(_seven)),
    "stamps_with_zero_offset": (
        "times are in UTC with +00:00",
        _stamps(_in(UTC, "%Y-%m-%dT%H:%M:%S", "+00:00"), zoned=True),
    ),
    "stamps_with_other_offset": (
        "times are in another zone, with its offset",
        _stamps(_in(INDIA, "%Y-%m-%dT%H:%M:%S", "+05:30"), zoned=True),
    ),
    "stamps_with_utc_word": (
        "times are in UTC and say so by a word, as Rails prints them",
        _stamps(_in(UTC, "%Y-%m-%d %H:%M:%S", " UTC"), zoned=True),
    ),
    "stamps_without_colon": (
        "times are in UTC with +0000, as Java prints them",
        _stamps(_in(UTC, "%Y-%m-%dT%H:%M:%S", "+0000"), zoned=True),
    ),
    "stamps_without_seconds": ("times leave out seconds that are :00", _stamps(_short)),
    "leap_second": ("a time at a full minute is second 60 of the minute before", _stamps(_leap)),
    "zone_alias": ("a zone has its other name (callcap, agendize)", _renamed(ALIASES)),
    "windows_zone": ("a zone has the name that Windows gives it (callcap, agendize)", _renamed(WINDOWS)),
}
"""Of each kind: its line, and the change it makes."""
