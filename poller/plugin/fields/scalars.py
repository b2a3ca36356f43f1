"""Readers of single fields, whatever a vendor put there: what cannot be read is None."""

import re
from functools import lru_cache
from typing import Any

from poller.plugin.kinds import LeadStatus, Named

_NOTHING = "NF"  # Callcap's "not found"; nobody's name
_INTEGER = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)
_EXACT = 1 << 53  # JSON readers elsewhere hold numbers as doubles: beyond this they would not get what we sent
_STATUSES: tuple[LeadStatus, ...] = ("deleted", "opted_out", "blocked", "converted", "completed")
_NUMBERS = (int, float)
_ZERO_OR_POINT = ("0", ".")  # what stands before the last zero of `5.0` and `5.00`; few ids have it there
_POINTLESS = re.compile(r"(-?(?:0|[1-9]\d*))\.0+", re.ASCII)
_FLAGS = dict.fromkeys(("1", "true", "yes", "on", "t", "y"), True) | dict.fromkeys(
    ("0", "false", "no", "off", "f", "n"), False
)


def read_text(leaf: object) -> str | None:
    """Read a word or a sentence as sent; None where it says nothing. Numbers are spelled out."""
    if leaf.__class__ is str:
        return leaf if leaf and leaf != _NOTHING and not leaf.isspace() else None
    return str(leaf) if isinstance(leaf, _NUMBERS) and not isinstance(leaf, bool) else None


@lru_cache(1 << 8)
def letters_only(word: str) -> str:
    """Return the letters of a vendor's word, all of them small, so that spellings of it are equal."""
    return "".join(filter(str.isalpha, word)).lower()


def read_id(leaf: object) -> str | None:
    """Read an id as a string: one that says something, or a whole number, however that is spelt (5, 5.0, 5e0, "5.0").

    A quoted exponent stays as it is: `12e4` may be a name.
    """
    if leaf.__class__ is int:
        return str(leaf)
    if leaf.__class__ is str:
        whole = _POINTLESS.fullmatch(leaf) if leaf[-2:-1] in _ZERO_OR_POINT else None
        return whole[1] if whole else leaf if leaf and leaf != _NOTHING and not leaf.isspace() else None
    return str(int(leaf)) if isinstance(leaf, float) and leaf.is_integer() and -_EXACT <= leaf <= _EXACT else None


def read_named(thing: Any) -> Named:
    """Read the `id` and `name` of a nested object."""
    return Named(read_id(thing.id), read_text(thing.name))


def read_number(leaf: object) -> float | int | None:
    """Read a number, or a string that spells one; one without a fraction is a whole number, however it is spelt."""
    if leaf.__class__ is int:
        return leaf if -_EXACT <= leaf <= _EXACT else None
    if isinstance(leaf, float):
        return (int(leaf) if leaf.is_integer() else leaf) if -_EXACT <= leaf <= _EXACT else None
    if not isinstance(leaf, str):
        return None
    spelled = leaf.strip()
    if _INTEGER.fullmatch(spelled):
        return int(spelled)
    return read_number(float(spelled)) if _NUMBER.fullmatch(spelled) else None


def read_seconds(leaf: object) -> int | None:
    """Read a duration in whole seconds, never negative; a fraction is cut off."""
    found = read_number(leaf)
    return int(found) if found is not None and found >= 0 else None


def read_bool(leaf: object) -> bool | None:
    """Read a truth: true, 1, "1", or a word such as "true" or "yes"; and their opposites."""
    if isinstance(leaf, str):
        return _FLAGS.get(leaf.strip().lower())
    return bool(leaf) if isinstance(leaf, _NUMBERS) and leaf in {0, 1} else None


def lead_status(**says: bool | None) -> LeadStatus:
    """Return the first status that holds; open where the record only denies some, unknown where it says nothing."""
    for status in _STATUSES:
        if says.get(status):
            return status
    return "open" if False in says.values() else "unknown"


def read_own_fields(leaf: object) -> dict[str, object]:
    """Return the fields that an account made for itself, under their own names; a text that says nothing is null."""
    fields = leaf if isinstance(leaf, dict) else {}
    return {name: read_text(value) if isinstance(value, str) else value for name, value in fields.items()}
