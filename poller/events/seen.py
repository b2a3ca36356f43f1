"""The memory of a stream: what was last delivered, or silently noted, of each identity, bounded by time."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

_KEY = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQqIIBB")
_SPELT = struct.Struct("<QQqIIBBQ")
_SHOWN = struct.Struct("<8xQ12xIxB")
"""Of an entry: `raw`, `delivered`, `projection`."""
ITEM = _KEY.size + _ENTRY.size

UNSTAMPED = -(1 << 63)
"""The `modified` of a record that has no readable modification stamp."""

DELETED, BASELINE, REJECT = 1, 2, 4


class Entry(NamedTuple):
    """The last delivered, or silently noted, state of one identity.

    `digest` is a 64-bit hash of its content, `raw` one of its bytes. `projection` is the number of the way in which
    the content was taken. `modified` is the vendor's stamp in microseconds since 1970; `delivered` the seconds since
    1970 of the commit that last delivered or noted a revision. `flags` combine DELETED, BASELINE, REJECT.
    `spelt` is a hash of today's content as it was last spelt, 0 where it is not known: it is not saved.
    """

    digest: int
    raw: int
    modified: int
    revision: int
    delivered: int
    flags: int
    projection: int
    spelt: int = 0


def key_of(identity: str) -> int:
    """Return the 64-bit fingerprint of an identity within its stream."""
    return xxh3_64_intdigest(identity.encode("utf-8", "surrogatepass"))


def key_of_reject(digest: int) -> int:
    """Return the fingerprint under which a reject's content is remembered, apart from every identity."""
    return xxh3_64_intdigest(b"\0reject" + _KEY.pack(digest))


class Seen:
    """A stream's identities. `keep` is in seconds, None for ever: an older entry counts as never met."""

    def __init__(self, keep: float | None) -> None:
        self._keep = keep
        self._entries: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: int, now: float) -> Entry | None:
        """Return the entry of an identity; None where there is none, or it is older than `keep` at `now`."""
        packed = self._entries.get(key)
        if packed is None:
            return None
        entry = Entry(*(_SPELT if len(packed) == _SPELT.size else _ENTRY).unpack(packed))
        return None if self._over(entry.delivered, now) else entry

    def has_bytes(self, key: int, raw: int, projection: int, now: float) -> bool:
        """Return True if the entry that `get` returns has this `raw` and this `projection`; it is not unpacked."""
        packed = self._entries.get(key)
        if packed is None:
            return False
        held, delivered, by = _SHOWN.unpack_from(packed)
        return held == raw and by == projection and (self._keep is None or now - delivered <= self._keep)

    def put(self, entries: Mapping[int, Entry]) -> None:
        """Remember entries; call this after the commit that made them true."""
        for key, entry in entries.items():
            self._entries[key] = _SPELT.pack(*entry)

    def load(self, chunk: bytes) -> None:
        """Take in a packed chunk; later chunks win over earlier ones."""
        for key, packed in _items(chunk):
            self._entries[key] = packed

    def expire(self, chunk: bytes, now: float) -> None:
        """Forget the identities in this chunk whose entries are older than `keep`: newer entries of them stay."""
        for key, _ in _items(chunk):
            packed = self._entries.get(key)
            if packed is not None and self._over(_ENTRY.unpack_from(packed)[4], now):
                del self._entries[key]

    @property
    def packed_size(self) -> int:
        """The size of all entries when packed, in bytes."""
        return ITEM * len(self._entries)

    def pack_by_day(self) -> list[tuple[int, bytes]]:
        """Return all entries, one chunk a day of delivery, each with its newest delivery (seconds since 1970)."""
        days: dict[int, list[bytes]] = {}
        newest: dict[int, int] = {}
        for key, packed in self._entries.items():
            delivered = _ENTRY.unpack_from(packed)[4]
            day = delivered // 86_400
            days.setdefault(day, []).append(_KEY.pack(key) + packed[: _ENTRY.size])
            newest[day] = max(newest.get(day, 0), delivered)
        return [(newest[day], b"".join(days[day])) for day in sorted(days)]

    def _over(self, delivered: int, now: float) -> bool:
        return self._keep is not None and now - delivered > self._keep


def pack(entries: Iterable[tuple[int, Entry]]) -> bytes:
    """Pack one commit's entries as one chunk."""
    return b"".join(_KEY.pack(key) + _ENTRY.pack(*entry[:-1]) for key, entry in entries)


def unpack_keys(packed: bytes) -> set[int]:
    """Return the set of fingerprints that `pack_keys` wrote."""
    return {key for (key,) in _KEY.iter_unpack(packed)}


def pack_keys(keys: Iterable[int]) -> bytes:
    """Pack a set of fingerprints, 8 bytes each, in ascending order."""
    return b"".join(_KEY.pack(key) for key in sorted(keys))


def _items(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(chunk), ITEM):
        yield _KEY.unpack_from(chunk, at)[0], chunk[at + _KEY.size : at + ITEM]
