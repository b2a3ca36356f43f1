"""The memory of a stream: what was last delivered, or silently noted, of each identity, bounded by time."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from xxhash import xxh3_64_intdigest

from poller.events.buckets import ITEM, Buckets

_KEY = struct.Struct("<Q")
_ROW = struct.Struct("<QQQqIIBB")
"""A key and its entry, as they are saved."""
_SHOWN = struct.Struct("<Q8xQ12xIxB")
"""Of a row: its key, `raw`, `delivered`, `projection`."""
_DELIVERED = struct.Struct("<36xI2x")
_ITEM = struct.Struct(f"{ITEM}s")
_STAMPS = struct.Struct("<Q16xqIIBB")
"""Of a row: its key, and all that is never changed without being saved."""
_AT_ONCE = 200
"""Buckets that are looked through in a few milliseconds."""
_MOST_HELD = 200_000
"""Entries that are held back until a chunk is full: 25 MB."""

UNSTAMPED = -(1 << 63)
"""The `modified` of a record that has no readable modification stamp."""
_STAMPS_KNOWN = range(-62_135_596_800_000_000, 253_402_300_800_000_000)
"""Microseconds since 1970 of what `datetime` can hold: the years 1 to 9999."""

DELETED, BASELINE, REJECT = 1, 2, 4

KEY = _KEY.size
"""Bytes of a packed fingerprint."""


class Entry(Struct, frozen=True, gc=False):
    """The last delivered, or silently noted, state of one identity.

    `digest` is a 64-bit hash of its content, `raw` one of its bytes. `projection` is the number of the way in which
    the content was taken. `modified` is the vendor's stamp in microseconds since 1970; `delivered` the seconds since
    1970 of the commit that last delivered or noted a revision. `flags` combine DELETED, BASELINE, REJECT.
    `steady` is a hash of its bytes without what is volatile today, 0 where it is not known: it is not saved.
    """

    digest: int
    raw: int
    modified: int
    revision: int
    delivered: int
    flags: int
    projection: int
    steady: int = 0


def key_of(identity: str) -> int:
    """Return the 64-bit fingerprint of an identity within its stream."""
    return xxh3_64_intdigest(identity.encode("utf-8", "surrogatepass"))


def keys_of(identities: Sequence[str | None]) -> list[int]:
    """Return the fingerprints of identities, as `key_of` does of one; 0 for None."""
    try:
        return list(map(xxh3_64_intdigest, map(str.encode, identities)))  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return [0 if identity is None else key_of(identity) for identity in identities]


def key_of_reject(digest: int) -> int:
    """Return the fingerprint under which a reject's content is remembered, apart from every identity."""
    return xxh3_64_intdigest(b"\0reject" + _KEY.pack(digest))


class Seen:
    """A stream's identities. `keep` is in seconds, None for ever: an older entry counts as never met."""

    def __init__(self, keep: float | None) -> None:
        self.keep = keep
        self._buckets = Buckets()

    def __len__(self) -> int:
        return len(self._buckets)

    def get(self, key: int, now: float) -> Entry | None:
        """Return the entry of an identity; None where there is none, or it is older than `keep` at `now`."""
        bucket, number = self._buckets.find(key)
        if number < 0:
            return None
        _, *row = _ROW.unpack_from(self._buckets.rows[bucket], number * ITEM)
        entry = Entry(*row, self._buckets.unsaved(bucket, number))  # type: ignore[call-arg]  # mypy counts no list
        return None if self._over(entry.delivered, now) else entry

    def compare(self, keys: Sequence[int], raws: Iterable[int], projection: int, now: float) -> list[bool | None]:
        """Return for each key what `get` would tell: None where that is None, else whether its `raw` and `projection`
        are these. No entry is unpacked for that."""
        oldest = 0 if self.keep is None else now - self.keep
        return [
            None if row is None or row[2] < oldest else row[1] == raw and row[3] == projection
            for row, raw in zip(self._buckets.read_all(keys, _SHOWN.unpack_from), raws, strict=True)
        ]

    def steady(self, keys: Iterable[int], projection: int) -> list[int]:
        """Return for each key the `steady` of its entry; 0 where it is not known, or of another projection."""
        buckets, last = self._buckets, ITEM - 1
        return [
            buckets.unsaved(bucket, number)
            if number >= 0 and buckets.rows[bucket][number * ITEM + last] == projection
            else 0
            for bucket, number in buckets.find_all(keys)
        ]

    def has_chunk(self, chunk: bytes) -> bool:
        """Return True if a chunk was put as a whole: if its last entry is here. That its bytes have changed
        since, which is not saved, makes no difference."""
        key, *stamps = _STAMPS.unpack_from(chunk, len(chunk) - ITEM)
        bucket, number = self._buckets.find(key)
        return number >= 0 and [*_STAMPS.unpack_from(self._buckets.rows[bucket], number * ITEM)][1:] == stamps

    def put(self, entries: Mapping[int, Entry], rows: Iterable[bytes] | None = None) -> None:
        """Remember entries; call this after the commit that made them true, with the `rows` that this has saved."""
        unsaved = [entry.steady for entry in entries.values()]
        self._buckets.put(entries.keys(), pack_rows(entries) if rows is None else rows, unsaved)

    def load(self, *chunks: bytes) -> None:
        """Take in packed chunks; later chunks win over earlier ones."""
        for _ in self.loading(chunks, sum(map(len, chunks))):
            pass

    def loading(self, chunks: Iterable[bytes], size: int) -> Iterator[None]:
        """Take in packed chunks, `size` bytes or so, with a few milliseconds of work between two yields."""
        return self._buckets.fill(chunks, size)

    def expire(self, now: float) -> Iterator[None]:
        """Forget the entries that are older than `keep`, with a few milliseconds of work between two yields."""
        for bucket, rows in enumerate(self._buckets.rows if self.keep is not None else ()):
            kept = [not self._over(delivered, now) for (delivered,) in _DELIVERED.iter_unpack(rows)]
            if not all(kept):
                self._buckets.keep(bucket, kept)
            if bucket % _AT_ONCE == 0:
                yield

    @property
    def packed_size(self) -> int:
        """The size of all entries when packed, in bytes."""
        return ITEM * len(self._buckets)

    def pack_by_day(self, most: int = 6_000) -> Iterator[tuple[int, bytes]]:
        """Yield all entries in chunks of at most `most`, with the newest delivery in each (seconds since 1970).

        A chunk holds entries that were delivered on one day, so that it can go as a whole. Few entries are held back
        for that: chunks of a very long time are shorter.
        """
        days: dict[int, list[tuple[int, bytes]]] = {}
        held = 0
        for rows in self._buckets.rows:
            for (delivered,), (row,) in zip(_DELIVERED.iter_unpack(rows), _ITEM.iter_unpack(rows), strict=True):
                day = days.setdefault(delivered // 86_400, [])
                day.append((delivered, row))
                held += 1
                if len(day) == most or held == _MOST_HELD:
                    day = days.pop(max(days, key=lambda each: len(days[each])))
                    held -= len(day)
                    yield _chunk(day)
        yield from (_chunk(days[day]) for day in sorted(days))

    def _over(self, delivered: int, now: float) -> bool:
        return self.keep is not None and now - delivered > self.keep


def pack_rows(entries: Mapping[int, Entry]) -> list[bytes]:
    """Pack entries as they are saved, end to end, in one commit's chunk."""
    row = _ROW.pack
    return [
        row(key, of.digest, of.raw, of.modified, of.revision, of.delivered, of.flags, of.projection)
        for key, of in entries.items()
    ]


def require_entries(packed: bytes) -> None:
    """Raise ValueError where these are no entries as `pack_rows` packs them: cut short, stamped as no record can be."""
    if len(packed) % ITEM:
        raise ValueError("cut short")
    for _, _, _, modified, *_ in _ROW.iter_unpack(packed):
        if modified != UNSTAMPED and modified not in _STAMPS_KNOWN:
            raise ValueError("stamped as no record can be")


def unpack_keys(packed: bytes) -> set[int]:
    """Return the set of fingerprints that `pack_keys` wrote."""
    return {key for (key,) in _KEY.iter_unpack(packed)}


def pack_keys(keys: Iterable[int]) -> bytes:
    """Pack a set of fingerprints, 8 bytes each, in ascending order."""
    return b"".join(_KEY.pack(key) for key in sorted(keys))


def _chunk(day: list[tuple[int, bytes]]) -> tuple[int, bytes]:
    return max(day)[0], b"".join(row for _, row in day)
