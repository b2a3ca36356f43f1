"""A request's query, read the way vendors read it; their complaints are raised as ValueError."""

from collections.abc import Mapping, Sequence
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

Query = Mapping[str, str]

ZONES = frozenset(available_timezones())
zone = cache(ZoneInfo)


def number(query: Query, name: str, default: int, most: int) -> int:
    """Return this parameter, a number from 1 to `most`."""
    text = query.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"{name} must be a number from 1 to {most}")
    return int(text)


def word(query: Query, name: str, words: Sequence[str]) -> str:
    """Return this parameter, which is one of these words, the first by default."""
    if (asked := query.get(name, words[0])) not in words:
        raise ValueError(f"{name} must be one of {' '.join(words)}")
    return asked
