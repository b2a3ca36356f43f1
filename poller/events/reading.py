"""The bytes of one record, read for good: decoded and named; or the reason why it becomes a reject."""

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from poller.plugin.fields.decoding import without_overflows
from poller.plugin.fields.scalars import read_id
from poller.plugin.record_type import JsonValue

_DEEP = 500
"""A record whose objects and lists are nested less deep than this can be read by every reader."""

_LEVEL = len('{"":')
"""The fewest bytes that one more level of objects takes."""

_LIST = ord("[")
"""As a number: to look for bytes within bytes, Python makes an exception first, and throws it away."""

_SHALLOW = _DEEP * _LEVEL
"""A record of no more bytes, and without a list, is not nested deep."""


class Unreadable(Exception):
    """The record becomes a reject; the text says why."""


def decode_record(decode: Callable[[bytes], Any], raw: bytes) -> Any:
    """Decode a record, without its numbers beyond a double where it has any. Raises Unreadable where it is none."""
    try:
        raw.isascii() or raw.decode()
        if (len(raw) > _SHALLOW or _LIST in raw) and _may_be_deep(raw):
            orjson.loads(b"[[[%b]]]" % raw)  # refuses what is nested too deep for whoever reads our line
        return decode(raw)
    except (msgspec.MsgspecError, orjson.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        if (readable := without_overflows(raw)) != raw:
            return decode_record(decode, readable)
        raise Unreadable(f"not a record: {error}") from None


def name_of(identity: JsonValue) -> str:
    """Return an identity as a string. Raises Unreadable where it is none."""
    name = read_id(identity)
    if name is None:
        raise Unreadable("it has no identity")
    return name


def _may_be_deep(raw: bytes) -> bool:
    """Return False if a record cannot be nested deep: it is too short for that many objects and lists."""
    lists = raw.count(_LIST) if _LIST in raw else 0
    return lists + len(raw) // _LEVEL > _DEEP and lists + raw.count(b"{") > _DEEP
