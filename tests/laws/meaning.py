"""The meaning of a record, however it is spelt: a vendor's serializer may change the spelling and say the same."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d))?(\.\d+)? ?(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
FIRST = frozenset("0123456789+-")
"""What numbers and times begin with: most text does not, and no pattern need look at it."""
WORDS = {"true": Decimal(1), "false": Decimal(0)}
ZONES = {
    "US Mountain Standard Time": "US/Arizona",
    "Central Standard Time": "US/Central",
    "Eastern Standard Time": "US/Eastern",
    "Pacific Standard Time": "US/Pacific",
    "Romance Standard Time": "Europe/Paris",
}


def meaning(value: Any, zone: str | None = None) -> Any:
    """Return what a JSON value says: `10.5` and "10.5", true and 1, null, "", [] and {} say the same, and so do one
    instant's spellings. Local times are in `zone`, or in the zone that stands beside them."""
    if isinstance(value, dict):
        zone = value.get("timeZone") or zone
        pairs = {key: meaning(inner, zone) for key, inner in value.items() if key != "timeZone"}
        return {key: inner for key, inner in pairs.items() if inner is not None} or None
    if isinstance(value, list):
        return [meaning(inner, zone) for inner in value] or None
    if isinstance(value, str):
        return _of_text(value, zone)
    if isinstance(value, bool | int):
        return Decimal(value)
    return _of_float(value) if isinstance(value, float) else value


def _of_float(value: float) -> Decimal | None:
    return Decimal(repr(value)) if value - value == 0 else None


@lru_cache(1 << 15)
def _of_text(text: str, zone: str | None) -> Any:
    if text in WORDS or not text:
        return WORDS.get(text)
    if text[0] not in FIRST:
        return text
    if NUMBER.fullmatch(text):
        return Decimal(text)
    found = STAMP.fullmatch(text)
    return _instant(found, zone) or text if found else text


def _instant(found: re.Match[str], zone: str | None) -> datetime | None:
    day, minute, second, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{minute}:00{(offset or '').replace('UTC', 'Z')}")
    except ValueError:
        return None
    at += timedelta(seconds=int(second or 0), microseconds=int((fraction or ".")[1:].ljust(6, "0")[:6]))
    if at.tzinfo is None and zone:
        at = at.replace(tzinfo=ZoneInfo(ZONES.get(zone, zone)))
    return at.astimezone(UTC) if at.tzinfo else at


def read_event(line: bytes) -> Any:
    """Read one event; a number that a vendor spelt beyond the range of a double is infinite in it."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)
