"""What the records of one state partition come to: the last value of each key, and each stream's chunks of seen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from poller.events.seen import Entry, pack
from poller.state.kafka import manifest
from poller.state.kafka.manifest import Manifest
from poller.state.rows import CHUNK, name_of

Rows: TypeAlias = Mapping[str, bytes | None]
"""Values by key; None: to be forgotten."""

_PIECE = 6_000
"""Entries of one chunk: a quarter of a megabyte."""


class Chunk(NamedTuple):
    """Entries of seen that one commit saved: `at` is when, in seconds since 1970."""

    key: str
    at: int
    data: bytes


class Contents:
    """Keys and values as the log tells them, from its beginning; a chunk is `f|source/stream|seconds|number`."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._chunks: dict[str, dict[str, Chunk]] = {}
        self._number = 0

    def put(self, rows: Rows) -> None:
        """Take in what was saved, in that order."""
        for key, value in rows.items():
            if CHUNK.has(key):
                self._put_chunk(key, value)
            elif value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value

    def _put_chunk(self, key: str, data: bytes | None) -> None:
        name, at, number = key.rsplit("|", 2)
        of = self._chunks.setdefault(name_of(name), {})
        of.pop(key, None)
        if data is not None:
            of[key] = Chunk(key, int(at), data)
        self._number = max(self._number, int(number))

    def get(self, key: str) -> bytes | None:
        """One value."""
        return self._values.get(key)

    def manifest(self) -> Manifest | None:
        """What the partition says of itself; None in a state of before there were manifests. Raises NewerFormat."""
        return manifest.decode(self._values.get(manifest.KEY))

    def under(self, prefix: str) -> dict[str, bytes]:
        """All values whose key begins so, by the rest of the key."""
        return {key[len(prefix) :]: value for key, value in self._values.items() if key.startswith(prefix)}

    def streams(self) -> Sequence[str]:
        """The streams that have chunks."""
        return [stream for stream, chunks in self._chunks.items() if chunks]

    def chunks(self, stream: str) -> Sequence[Chunk]:
        """A stream's chunks, oldest first."""
        return list(self._chunks.get(stream, {}).values())

    def added(self, stream: str, at: int, entries: Iterable[tuple[int, Entry]]) -> Rows:
        """Give the rows that add entries to a stream's chunks, behind all others."""
        left = list(entries)
        pieces = [pack(left[begin : begin + _PIECE]) for begin in range(0, len(left), _PIECE)]
        return self.appended(stream, [(at, piece) for piece in pieces])

    def appended(self, stream: str, chunks: Iterable[tuple[int, bytes]]) -> Rows:
        """Give the rows that add chunks (seconds since 1970, data) to a stream's, behind all others."""
        rows = {}
        for at, data in chunks:
            self._number += 1
            rows[CHUNK.key(stream, str(at), str(self._number))] = data
        return rows


def pieces(chunk: bytes, item: int) -> Iterator[bytes]:
    """Cut a chunk of any size, of items so many bytes long, into those we save."""
    for begin in range(0, len(chunk), _PIECE * item):
        yield chunk[begin : begin + _PIECE * item]


def parts(rows: Rows, most: int) -> Iterator[Rows]:
    """Split rows, in order, into those of one transaction each: so many rows, and eight megabytes, or one row."""
    some: dict[str, bytes | None] = {}
    filled = 0
    for key, value in rows.items():
        if some and (len(some) == most or filled + len(value or b"") > 8 << 20):
            yield some
            some, filled = {}, 0
        some[key] = value
        filled += len(value or b"")
    if some:
        yield some
