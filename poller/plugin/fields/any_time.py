"""Times in any of the spellings that APIs use, all of which may be mixed in one list; all become UTC."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from typing import Any

from poller.plugin.fields.times import read_time

MILLISECONDS_FROM = 10**11
"""A number from here on is in milliseconds (since March 1973); a smaller one in seconds (until the year 5138)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPELT, _REMEMBERED = frozenset({str, int, float}), 1 << 12
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_SERIALIZED = re.compile(r"/Date\((\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_DATED = re.compile(r"[A-Za-z]{3}, ?\d|\d{1,2} [A-Za-z]{3} \d{4} ")


def read_any_time(leaf: object, zone: tzinfo | None = None) -> datetime | None:
    """Read a time: ISO 8601 (without an offset only where there is a `zone`), RFC 2822, seconds or milliseconds since
    1970, as a number or in quotes, with a fraction or without, or `/Date(1773479742500+0100)/`, as serializers of .NET
    and OData 2 print milliseconds since 1970 in UTC; the offset tells where they were. None where it is none of these.

    Zero is no time: it is what many APIs send where there is none.
    """
    if isinstance(leaf, str):
        if read := read_time(leaf, zone):
            return read
        if found := _SERIALIZED.fullmatch(leaf):
            return _of_number(float(found[1]), "milliseconds")
        return _of_number(float(leaf)) if _NUMBER.fullmatch(leaf) else _of_mail(leaf)
    if isinstance(leaf, bool) or not isinstance(leaf, int | float):
        return None
    return _of_number(leaf)


@cache
def any_time_reader(zone: tzinfo | None) -> Callable[[object], datetime | None]:
    """Return a `read_any_time` that remembers the latest times: a record's are read more than once."""
    remembered = lru_cache(_REMEMBERED)(lambda leaf: read_any_time(leaf, zone))

    def read(leaf: Any) -> datetime | None:
        return remembered(leaf) if leaf.__class__ in _SPELT else None

    return read


def _of_number(number: float, unit: str | None = None) -> datetime | None:
    if not number > 0:
        return None
    unit = unit or ("milliseconds" if number >= MILLISECONDS_FROM else "seconds")
    try:
        return _EPOCH + timedelta(**{unit: number})
    except OverflowError:
        return None


def _of_mail(text: str) -> datetime | None:
    """Read `Sat, 14 Mar 2026 16:15:42 +0000` (https://www.rfc-editor.org/rfc/rfc2822#section-3.3)."""
    if not _DATED.match(text):
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
