"""What a request asks for: its query read the way vendors read it, with their complaints as ValueError."""

from collections.abc import Mapping, Sequence
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

Query = Mapping[str, str]

ZONES = frozenset(available_timezones())
zone = cache(ZoneInfo)


def number(query: Query, name: str, default: int, most: int) -> int:
    """A number from 1 to `most`."""
    text = query.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"{name} must be a number from 1 to {most}")
    return int(text)


def word(query: Query, name: str, words: Sequence[str]) -> str:
    """One of these words, the first by default."""
    if (asked := query.get(name, words[0])) not in words:
        raise ValueError(f"{name} must be one of {' '.join(words)}")
    return asked
