"""A page's rows on their way to be judged: named, and compared by their bytes, all at once; decoded one by one, and
named for good; or the reason why one becomes a reject."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from operator import not_
from typing import Any, TypeAlias

import msgspec
import orjson
from msgspec import Raw
from xxhash import xxh3_64_intdigest

from poller.events.batch import PageContext
from poller.events.seen import Seen, keys_of
from poller.plugin.fields.columns import identities
from poller.plugin.fields.decoding import without_overflows
from poller.plugin.fields.scalars import read_id
from poller.plugin.record_type import JsonValue, RecordType

Hashes: TypeAlias = tuple[int, int]
"""Of a row's bytes, and of its bytes without what is volatile; the latter is 0 where nobody asks for it."""
Row: TypeAlias = tuple[bytes | Raw, str | None, int, Hashes, bool | None]
"""A row, its identity (None where only its record can tell), the key of that, its hashes, and whether its bytes are
what was last delivered, or noted, of it, but for what is volatile (None: it was never met)."""

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


def compare_rows(
    rows: Sequence[bytes | Raw], records: RecordType[Any], seen: Seen, projection: int, context: PageContext
) -> tuple[Sequence[str | None], Sequence[Row]]:
    """Return the identities of a page's rows, and those rows that may be news: all but the ones whose bytes `seen`
    holds by the projection of this number, or others only in what is volatile, and whose identity stands on the page
    with no others."""
    names = identities(records.row_identity, rows) if records.row_identity else [None] * len(rows)
    keys, raws = keys_of(names), list(map(xxh3_64_intdigest, rows))
    known = seen.compare(keys, raws, projection, context.now.timestamp())
    if context.history:
        known = [None if same is None else False for same in known]
    elif context.doubts:
        known = [same and key not in context.doubts for key, same in zip(keys, known, strict=True)]
    steady = _compare_steady(rows, keys, known, records, partial(seen.steady, projection=projection), context)
    changed = set(compress(keys, map(not_, known)))
    if not changed:
        return names, ()
    compared = zip(rows, names, keys, zip(raws, steady, strict=True), known, strict=True)
    return names, list(compress(compared, map(changed.__contains__, keys)))


def _compare_steady(
    rows: Sequence[bytes | Raw],
    keys: Sequence[int],
    known: list[bool | None],
    records: RecordType[Any],
    held: Callable[[Sequence[int]], Sequence[int]],
    context: PageContext,
) -> Sequence[int]:
    """Return a hash of what is not volatile in each row of which other bytes are known; 0 for all others.

    Where it is what is `held`, what was last shown is known to be this but for what is volatile.
    """
    hashes = [0] * len(rows)
    if records.steady is None or False not in known:
        return hashes
    steady, unlike = records.steady(rows), [number for number, same in enumerate(known) if same is False]
    for number, before in zip(unlike, held([keys[number] for number in unlike]), strict=True):
        hashes[number] = xxh3_64_intdigest(steady(number))
        settled = not context.history and keys[number] not in context.doubts
        known[number] = settled and hashes[number] == before != 0
    return hashes


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
