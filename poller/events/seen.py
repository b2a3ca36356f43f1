"""What was last delivered, or silently noted, of each identity: packed small, and bounded by time."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

_KEY = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQqIIBB")
ITEM = _KEY.size + _ENTRY.size

UNSTAMPED = -(1 << 63)
"""`modified` of a record without a readable modification stamp."""

DELETED, BASELINE, REJECT = 1, 2, 4


class Entry(NamedTuple):
    """What is known of one identity.

    `digest` of its projection and `raw` of its bytes are 64-bit hashes; `modified` is the vendor's stamp in
    microseconds since 1970; `delivered` the seconds since 1970 of the commit that last delivered or silently noted a
    revision; `flags` combine DELETED, BASELINE, REJECT; `projection` is the number of the one that `digest` is of.
    """

    digest: int
    raw: int
    modified: int
    revision: int
    delivered: int
    flags: int
    projection: int


def key_of(identity: str) -> int:
    """The 64-bit fingerprint of an identity within its stream."""
    return xxh3_64_intdigest(identity.encode("utf-8", "surrogatepass"))


def key_of_reject(digest: int) -> int:
    """The fingerprint under which a reject's content is remembered, apart from every identity."""
    return xxh3_64_intdigest(b"\0reject" + _KEY.pack(digest))


class Seen:
    """One stream's identities. `keep` is in seconds, None for ever: an older entry counts as never met."""

    def __init__(self, keep: float | None) -> None:
        self._keep = keep
        self._entries: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: int, now: float) -> Entry | None:
        """What is known of this identity, None where nothing is, or where it is older than `keep`."""
        packed = self._entries.get(key)
        if packed is None:
            return None
        entry = Entry(*_ENTRY.unpack(packed))
        return None if self._over(entry.delivered, now) else entry

    def put(self, entries: Mapping[int, Entry]) -> None:
        """Remember, after the commit that made it true."""
        for key, entry in entries.items():
            self._entries[key] = _ENTRY.pack(*entry)

    def load(self, chunk: bytes) -> None:
        """Take in a packed chunk; later chunks win over earlier ones."""
        for key, packed in _items(chunk):
            self._entries[key] = packed

    def expire(self, chunk: bytes, now: float) -> None:
        """Forget what this chunk held, where nothing newer has been said of it since."""
        for key, _ in _items(chunk):
            packed = self._entries.get(key)
            if packed is not None and self._over(_ENTRY.unpack(packed)[4], now):
                del self._entries[key]

    @property
    def packed_size(self) -> int:
        """Bytes that everything takes when packed."""
        return ITEM * len(self._entries)

    def pack_by_day(self) -> list[tuple[int, bytes]]:
        """Everything, one chunk a day of delivery: the newest delivery in it (seconds since 1970), and the chunk."""
        days: dict[int, list[bytes]] = {}
        newest: dict[int, int] = {}
        for key, packed in self._entries.items():
            delivered = _ENTRY.unpack(packed)[4]
            day = delivered // 86_400
            days.setdefault(day, []).append(_KEY.pack(key) + packed)
            newest[day] = max(newest.get(day, 0), delivered)
        return [(newest[day], b"".join(days[day])) for day in sorted(days)]

    def _over(self, delivered: int, now: float) -> bool:
        return self._keep is not None and now - delivered > self._keep


def pack(entries: Iterable[tuple[int, Entry]]) -> bytes:
    """One commit's entries as one chunk."""
    return b"".join(_KEY.pack(key) + _ENTRY.pack(*entry) for key, entry in entries)


def unpack_keys(packed: bytes) -> set[int]:
    """A set of fingerprints, as `pack_keys` wrote it."""
    return {key for (key,) in _KEY.iter_unpack(packed)}


def pack_keys(keys: Iterable[int]) -> bytes:
    """A set of fingerprints, 8 bytes each."""
    return b"".join(_KEY.pack(key) for key in sorted(keys))


def _items(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(chunk), ITEM):
        yield _KEY.unpack_from(chunk, at)[0], chunk[at + _KEY.size : at + ITEM]
