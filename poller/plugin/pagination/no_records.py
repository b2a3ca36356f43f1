"""An answer without records: whether it says that there are none, or that something went wrong.

A list that is empty because a database was away comes as a 200, too, with the error beside it. Taken for no news, it
would move the cursor past what was not read.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from poller.errors import Unexpected
from poller.plugin.fields.decoding import DECODE_ERRORS, decode_response
from poller.plugin.fields.scalars import read_bool, read_number
from poller.plugin.stream import Response

_WORDS = {
    **dict.fromkeys(("error", "errors", "errormessage", "fault", "faults", "exception", "exceptions"), "error"),
    **dict.fromkeys(("success", "ok"), "success"),
    **dict.fromkeys(("status", "code", "statuscode"), "status"),
}
"""Names of fields that say how it went, without case and hyphens, and what they say: in the words of many APIs."""
_FAILED = {"error", "err", "fail", "failed", "failure"}
_LEVELS = 3
_ANY, _FIELDS = msgspec.json.Decoder(Raw), msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])


def require_no_error(response: Response, judged: Collection[str] = ()) -> None:
    """Raise Unexpected where an answer without records has an error beside them; fields that are `judged` are not."""
    if name := error_in(response, judged):
        raise Unexpected(f"not the documented answer: it holds no records, and its {name} says that it failed")


def error_in(response: Response, judged: Collection[str] = ()) -> str | None:
    """Return the field by which an answer says that it failed, but for those `judged` otherwise; None if none does."""
    try:
        fields = decode_response(_FIELDS, response)
    except Unexpected:  # a list alone, or what others judge
        return None
    for name, sent in fields.items():
        says = _what_says(name)
        if says and name not in judged and _is_error(says, sent):
            return name
    return None


@lru_cache(1000)
def _what_says(name: str) -> str | None:
    return _WORDS.get(name.lower().replace("_", "").replace("-", ""))


def _is_error(says: str, sent: Raw) -> bool:
    try:
        said = msgspec.json.decode(sent)
    except DECODE_ERRORS:
        return True
    if says == "error":
        return not _is_nothing(said)
    if says == "success":
        return read_bool(said) is False
    text = f"{said}".strip().lower()
    return text in _FAILED or (text[:1] in ("4", "5") and 400 <= (read_number(said) or 0) < 600)


def _is_nothing(said: Any) -> bool:
    """Return whether what stands for an error is none: null, false, a code of 0, an empty text, or made of such."""
    if isinstance(said, dict | list):
        return all(map(_is_nothing, said.values() if isinstance(said, dict) else said))
    return said in (None, "") or read_bool(said) is False


def require_nowhere_else(response: Response, is_record: Callable[[Raw], object], name: str) -> None:
    """Raise Unexpected where an answer lacks `name`, and holds a list in another place with a row that `is_record`."""
    for path, rows in _lists_of_rows(decode_response(_ANY, response)):
        if any(map(is_record, rows)):
            raise Unexpected(f"not the documented answer: it holds no {name}, and records at {'.'.join(path)}")


def _lists_of_rows(value: Raw, *path: str) -> Iterator[tuple[tuple[str, ...], list[Raw]]]:
    """Yield the lists in an answer, with the names that lead to them; none is looked for deeper than three levels."""
    with suppress(*DECODE_ERRORS):
        yield path or ("@",), _LIST.decode(value)
        return
    with suppress(*DECODE_ERRORS):
        for name, inner in _FIELDS.decode(value).items() if len(path) < _LEVELS else ():
            yield from _lists_of_rows(inner, *path, name)
