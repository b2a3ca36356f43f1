"""Texts replaced by others of the same shape: length, kinds of characters, upper and lower case, punctuation.

Each text stands for one other, and no two for the same: what was equal stays so, and what was not does not become so.
A digit that leads a number stays none that is zero; a number of a telephone keeps its country, and zeros and ones.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers

from poller.recording.permutation import Permutation

_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_TELEPHONE = re.compile(r"\+?[\d\s().-]{7,24}", re.ASCII)
_HEX = re.compile(r"[0-9a-f-]{16,}|[0-9A-F-]{16,}")
_KEPT = {"", "nf", "n/a", "na", "null", "none", "unknown", "true", "false", "yes", "no"}
"""Words for nothing, and for yes and no, in any case: they tell nothing of anybody."""
_LONGEST = 256
"""Characters that are replaced as one."""
_BLOCK = 64
"""Characters of a script that stand together."""


class Shapes:
    """Texts of the same shapes, by one key."""

    def __init__(self, key: bytes) -> None:
        self._permutation = Permutation(key)
        self.text = lru_cache(100_000)(self._text)

    def _text(self, text: str) -> str:
        """Return what stands for a text."""
        if text.lower() in _KEPT:
            return text
        if _NUMBER.fullmatch(text) and "." in text and text[-1] in ".0":
            whole = text.rstrip("0").rstrip(".")  # 5, 5.0 and 5.00 are one number
            return self._text(whole) + text[len(whole) :]
        if len(text) > _LONGEST:
            return self._text(text[:_LONGEST]) + self._text(text[_LONGEST:])
        alphabets = _alphabets(text)
        bound = value = 1
        for character, alphabet in zip(text, alphabets, strict=True):
            value = value * len(alphabet) + alphabet.index(character)
            bound *= len(alphabet)
        image = self._permutation.image(value - bound, bound, _domain(alphabets))
        found = []
        for alphabet in reversed(alphabets):
            image, at = divmod(image, len(alphabet))
            found.append(alphabet[at])
        return "".join(reversed(found))


def _domain(alphabets: list[str]) -> bytes:
    return "".join(alphabet[0] if len(alphabet) == 1 else alphabet[0] + alphabet[-1] for alphabet in alphabets).encode(
        "utf-8", "surrogatepass"
    )


def _alphabets(text: str) -> list[str]:
    """Return for each character those that may stand for it; they are the same ones for whatever stands for it."""
    if _TELEPHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= 7:
        return _of_telephone(text)
    if _NUMBER.fullmatch(text):
        return _of_number(text)
    hexadecimal = bool(_HEX.fullmatch(text))
    return [_alphabet(character, hexadecimal=hexadecimal) for character in text]


def _of_number(text: str) -> list[str]:
    whole = text.lstrip("+-")
    if whole in {"0", "1"}:
        return list(text)
    leading = len(text) - len(text.lstrip("+-0"))
    rest = [_DIGITS if character.isdigit() else character for character in text[leading:]]
    if rest and rest[0] == _DIGITS:
        rest[0] = _DIGITS[2:] if len(whole) == 1 else _DIGITS[1:]
    if "." in text:
        rest[-1] = _DIGITS[1:]  # a zero there would make it another number's other spelling
    return [*text[:leading], *rest]


def _of_telephone(text: str) -> list[str]:
    kept = len(_country(text)) if text.startswith("+") else 0
    return [_DIGITS[2:] if character in _DIGITS[2:] and at >= kept else character for at, character in enumerate(text)]


def _country(text: str) -> str:
    """Return the part of a number that names its country: a plus sign and one to three digits."""
    for length in (2, 3, 4):
        code = text[1:length]
        if code.isdigit() and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return text[:length]
    return text[:4]


def _alphabet(character: str, *, hexadecimal: bool) -> str:
    if character in _DIGITS:
        return _DIGITS
    if character in _LOWER:
        return "abcdef" if hexadecimal else _LOWER
    if character in _UPPER:
        return "ABCDEF" if hexadecimal else _UPPER
    return character if character.isascii() else _neighbours(character)


@lru_cache(10_000)
def _neighbours(character: str) -> str:
    """Return the letters of the same case around one that is not ASCII; the character alone where it is no letter."""
    kind = unicodedata.category(character)
    if kind not in {"Ll", "Lu", "Lo", "Lt", "Nd"}:
        return character
    first = ord(character) - ord(character) % _BLOCK
    return "".join(chr(code) for code in range(first, first + _BLOCK) if _stands_for(chr(code), kind))


def _stands_for(character: str, kind: str) -> bool:
    return not character.isascii() and unicodedata.category(character) == kind
