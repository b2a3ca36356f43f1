"""What the names of a vendor's fields say about their values: a time, a word out of a vocabulary, a count."""

import re
from collections.abc import Mapping
from functools import lru_cache

from poller.recording.times import BARE, WRITTEN

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_TIMES = frozenset({
    "at", "time", "times", "date", "dates", "timestamp", "timestamps", "datetime", "ts", "on", "created", "updated",
    "modified", "changed", "start", "started", "end", "ended", "expires", "expiry", "reset", "since", "until", "when",
    "epoch", "synced", "converted", "answered",
})  # fmt: skip
_BIRTH = frozenset({"birth", "birthday", "birthdate", "dob", "born"})
_VOCABULARY = frozenset({
    "status", "direction", "type", "kind", "channel", "action", "result", "outcome", "class", "state", "stage",
    "currency", "timezone", "zone", "tz", "locale", "language", "lang", "object", "event", "success", "ok", "order",
})  # fmt: skip
_WORD = re.compile(r"[A-Za-z][\w ./+-]{0,39}", re.ASCII)
_STATE_OF_A_COUNTRY = re.compile(r"[A-Z]{2}")
_COUNTS = frozenset({
    "page", "pages", "total", "totals", "count", "limit", "offset", "size", "show", "from", "to", "per", "code",
    "status", "last", "records", "returned", "number", "no", "skip", "first", "max", "rows", "start", "top", "in",
    "current", "p", "pg",
})  # fmt: skip
_COUNT = re.compile(r"\d{1,6}", re.ASCII)


@lru_cache(10_000)
def parts_of(name: str) -> frozenset[str]:
    """Return the words in a field's name, however it joins them, in lower case."""
    return frozenset(part.lower() for part in _PART.findall(name))


def is_time(name: str, value: str) -> bool:
    """Return True for a time, which is not a day of birth; a bare number is one where its field's name says so."""
    parts = parts_of(name)
    if parts & _BIRTH:
        return False
    return bool(WRITTEN.fullmatch(value)) or bool(parts & _TIMES and BARE.fullmatch(value))


def is_vocabulary(name: str, value: str) -> bool:
    """Return True for a word by which a program decides: a status, a direction, a type, a zone."""
    if not parts_of(name) & _VOCABULARY or not _WORD.fullmatch(value):
        return False
    return not _STATE_OF_A_COUNTRY.fullmatch(value) or "state" not in parts_of(name)


def is_count(name: str, value: str) -> bool:
    """Return True for a number by which a list is paged, judged by its name: a page, a total."""
    return bool(parts_of(name) & _COUNTS and _COUNT.fullmatch(value))


def words_in(settings: object) -> set[str]:
    """Return the words in a source's settings: its vendor's words that it translates, or expects, are among them."""
    if isinstance(settings, str):
        return {settings} if _WORD.fullmatch(settings) else set()
    if isinstance(settings, Mapping):
        return {word for pair in settings.items() for part in pair for word in words_in(part)}
    return {word for part in settings for word in words_in(part)} if isinstance(settings, list | tuple) else set()
