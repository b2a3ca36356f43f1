"""One spelling for values that mean the same, whichever serializer printed them.

- A number is one whether quoted or not, and whatever zeros or exponent it has: 5, 5.0, "5", "5.00", 5e0. A text that
  begins with a zero or a plus is none: a postal code, a telephone number.
- true and "true" are 1, false and "false" are 0: so a field that goes from 1 to true has not changed.
- "", [], {} and null are nothing, and what is nothing is in no object. In a list it keeps its place.
- A time with an offset is the instant; one without is what the clock showed. All else is a text as it is.
"""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from poller.plugin.fields.times import read_time

_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_WORDS: Final = {"": None} | dict.fromkeys(_TRUE, 1) | dict.fromkeys(_FALSE, 0)
_SHORT = 1 + max(map(len, _WORDS))
_AFTER_DIGITS = ":"
"""The character after 9: texts that do not come before it begin with no digit and no sign."""

_MOST_DIGITS = sys.int_info.default_max_str_digits
"""Python makes no whole number of more."""
_SHORTEST_TIME = len("2026-03-14 09:15")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
_BEYOND = (float("inf"), float("-inf"))
_BACKSLASH = ord("\\")


def _not_plain(sign: bytes) -> Callable[[bytes], re.Match[bytes] | None]:
    """Return what finds, among the fields of encoded objects, an empty one, or a text that may mean something else than
    itself: a word, a number, or a time in another form than its own. `sign` matches one sign of a text.
    """
    words = rb'"|(?:[tT]rue|TRUE|[fF]alse|FALSE)"'
    number = rb'-?(?:0|[1-9]\d*+)(?:"|\.\d++(?:"|[eE][+-]?\d++")|[eE][+-]?\d++")'
    in_form = rb'\d{4}-\d\d-\d\d(?: \d\d:\d\d:[0-5]\d(?:\.(?!0{6})\d{6})?"|T\d\d:\d\d:[0-5]\d(?:\.(?!0{6})\d{6})?Z")'
    time = rb"(?=[-\d]%b{3}-%b{8}:)(?!%b)" % (sign, sign, in_form)
    return re.compile(rb':(?:\{\}|"(?=["tTfF\d-])(?:%b|%b|%b))' % (words, number, time), re.DOTALL).search


_find_in_ascii = _not_plain(rb'[^"]')
_find = _not_plain(rb'(?:[^"\\\x80-\xff]|\\u....|\\[^u]|[\xc0-\xff][\x80-\xbf]+)')
"""The same where a sign may take several bytes."""


def meaning_of(value: Any) -> Any:
    """Return a decoded JSON value in the one spelling of what it means, None where it means nothing."""
    return _object({"": value}).get("")


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an object's fields as they are meant. Most are plain texts, which cost no call: this is a hot loop."""
    meant = {}
    for name, leaf in fields.items():
        kind, value = leaf.__class__, leaf
        if kind is str:
            if leaf < _AFTER_DIGITS or len(leaf) < _SHORT:
                value = text_meant(leaf)
        elif kind is bool:
            value = 1 if leaf else 0
        elif kind is dict:
            value = _object(leaf) or None
        elif kind is not int:
            value = _other(leaf)
        if value is not None:
            meant[name] = value
    return meant


def _other(leaf: Any) -> Any:
    if isinstance(leaf, float):
        return number_meant(leaf)
    return [meaning_of(inner) for inner in leaf] or None if isinstance(leaf, list) else leaf


def text_meant(text: str) -> Any:
    """Return what a text means: a number, a time, a truth or itself."""
    if text >= _AFTER_DIGITS or not text:
        return _WORDS.get(text, text)
    if text[0] not in "-0123456789":
        return text
    if len(text) >= _SHORTEST_TIME and text[4] == "-" and text[13] == ":":
        return _time(text)
    if text.isdecimal():
        is_name = (text[0] == "0" and text != "0") or not text.isascii() or len(text) > _MOST_DIGITS
        return text if is_name else int(text)
    return _decimal(text) if text[0] == "-" or "." in text or "e" in text or "E" in text else text


def is_plain(encoded: bytes) -> bool:
    """Return False if one of the texts that are fields of encoded objects may mean something else than itself, or an
    object within others is empty."""
    find = _find_in_ascii if encoded.isascii() and _BACKSLASH not in encoded else _find
    return find(encoded) is None


def text_of_time_meant(text: str) -> str:
    """Return what a text means where a time is documented: a time or itself."""
    return _time(text) if len(text) >= _SHORTEST_TIME and text[4] == "-" and text[13] == ":" else text


@lru_cache(1 << 12)
def _decimal(text: str) -> int | float | str | None:
    return number_meant(float(text), text) if _NUMBER(text) else text


def number_meant(number: float, text: str | None = None) -> int | float | str | None:
    """Return a number, whole where it has no fraction; `text` where it is beyond a double."""
    if number in _BEYOND:
        return text
    return int(number) if number.is_integer() else number


def _time(text: str) -> str:
    """Return a time with an offset in UTC, as `2026-03-14T16:15:42Z`; one without as a clock shows it.

    A clock shows `2026-03-14 09:15:42`.
    """
    if text[16:17] == ":" and text[17:18] != "6":  # no leap second
        if len(text) == len("2026-03-14 09:15:42") and text[10] in " T":
            return text if text[10] == " " else f"{text[:10]} {text[11:]}"  # or no time
        if text[19:] == "Z" and text[10] == "T":
            return text
    if found := read_time(text):
        return time_meant(found)
    clock = read_time(text, UTC)
    return clock.replace(tzinfo=None).isoformat(" ") if clock else text


def time_meant(time: datetime) -> str:
    """Return an instant (aware, UTC) as a text: `2026-03-14T16:15:42Z`."""
    return f"{time.isoformat()[:-6]}Z"
