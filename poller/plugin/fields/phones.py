"""Phone numbers as E.164, where the number itself or the source's region says which one it is."""

import re
from collections.abc import Callable
from functools import cache, lru_cache

import phonenumbers

from poller.plugin.fields.scalars import read_id

_PLAIN = frozenset({"US", "CA"})
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]?([2-9]\d\d)[ .-]?(\d{4})", re.ASCII).fullmatch
_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip
_NATIONAL = len("2125550123")
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
    if region in _PLAIN and leaf.__class__ is str:
        digits = leaf.replace("-", "")
        ten = len(digits) == _NATIONAL and digits.isdecimal() and digits.isascii()
        if ten and digits[3] > "1" and _is_given_out(digits[:3]):
            return "+1" + digits
    if leaf.__class__ is str and leaf[:1] == "+" and _written_out(leaf[1:4])(leaf):
        return leaf
    number = read_id(leaf)
    if number is None or len(number) > _LONGEST:
        return number
    if region in _PLAIN or number.startswith("+"):
        plain = _NORTH_AMERICAN(number)
        if plain:
            return _north_american(plain)
    return _by_library(number, region)


@lru_cache(1 << 10)
def _written_out(start: str) -> Callable[[str], re.Match[str] | None]:
    """Return what matches a number that is written out (`+61412345678`) and is left as it is, valid or not.

    `start` are the three digits after its plus. All that the library takes out of such a number is a prefix that is
    dialled within its country only.
    """
    codes = (start[:length] for length in (1, 2, 3) if start.isdecimal())
    code = next((code for code in codes if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)
    prefix = _national_prefix(int(code)) if code else None
    within = f"(?!{code}(?:{prefix}))" if prefix else ""
    return re.compile(rf"\+{within}[1-9]\d{{6,14}}", re.ASCII).fullmatch


def _national_prefix(code: int) -> str | None:
    """Return the pattern of what is dialled before a number within the countries of a calling code."""
    region = phonenumbers.region_code_for_country_code(code)
    country = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return country.national_prefix_for_parsing if country else None


def _north_american(plain: re.Match[str]) -> str:
    area, exchange, line = plain.groups()
    given_out = _is_given_out(area)
    if given_out is None:
        given_out = bool(_rule().fullmatch(f"{area}{exchange}{line}"))
    return f"+1{area}{exchange}{line}" if given_out else plain[0]


@cache
def _is_given_out(area: str) -> bool | None:
    """Return whether the numbers with this North American area code are given out; None where only some are."""
    found = {bool(_rule().fullmatch(f"{area}{exchange}0100")) for exchange in range(200, 1000)}
    return found.pop() if len(found) == 1 else None


@cache
def _rule() -> re.Pattern[str]:
    """Return the library's own rule for North American numbers: the patterns of all their countries and types."""
    countries = map(phonenumbers.PhoneMetadata.metadata_for_region, phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1])
    types = [getattr(country, name) for country in countries for name in _TYPES]
    return re.compile("|".join({f"(?:{type_.national_number_pattern})" for type_ in types if type_}))


@lru_cache(_KNOWN)
def _by_library(number: str, region: str | None) -> str:
    if any(sign.isalpha() or sign in "*#" for sign in number):
        return number
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    valid = phonenumbers.is_valid_number(parsed)
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)) if valid else number
