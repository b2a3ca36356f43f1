"""Phone numbers as E.164, where the number itself or the source's region says which one it is."""

import re
from functools import lru_cache

import phonenumbers

from poller.plugin.fields.scalars import read_id

_PLAIN = frozenset({"US", "CA"})
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]?([2-9]\d\d)[ .-]?(\d{4})", re.ASCII)
_WRITTEN_OUT = re.compile(r"\+1[2-9]\d{9}", re.ASCII)
_KNOWN, _LONGEST = 1 << 14, 64


def region_code(text: str) -> str:
    """Check an ISO 3166 country and write it in capitals. Raises ValueError that says what would be right."""
    code = text.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("no such country: an ISO 3166 code of two letters such as US or AU")
    return code


def e164(leaf: object, region: str | None = None) -> str | None:
    """Read a number as E.164; as sent where it could not ring (`+1719xxxx234`); None where it says nothing.

    Without a country code it is read as one dials it in `region`. Numbers with letters, `*` or `#` stay as sent: they
    are masked, or hold an extension, and E.164 would lose it.
    """
    number = read_id(leaf)
    if number is None or len(number) > _LONGEST or _WRITTEN_OUT.fullmatch(number):
        return number  # what is written out already would stay as it is, valid or not
    return _read(number, region)


@lru_cache(_KNOWN)
def _read(number: str, region: str | None) -> str:
    if region in _PLAIN or number.startswith("+"):
        plain = _NORTH_AMERICAN.fullmatch(number)
        if plain:
            area, exchange, line = plain.groups()
            return f"+1{area}{exchange}{line}" if _assigned(area + exchange) else number
    return _by_library(number, region)


@lru_cache(_KNOWN)
def _assigned(prefix: str) -> bool:
    """Return True if North American numbers with these first six digits are given out."""
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{prefix}0100"))


def _by_library(number: str, region: str | None) -> str:
    if any(sign.isalpha() or sign in "*#" for sign in number):
        return number
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    valid = phonenumbers.is_valid_number(parsed)
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)) if valid else number
