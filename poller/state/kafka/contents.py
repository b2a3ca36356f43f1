"""The contents of a partition of the state: the last value of each key, and the chunks of seen of each stream."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from poller.state.kafka import manifest
from poller.state.kafka.manifest import Manifest
from poller.state.rows import CHUNK, name_of

Rows: TypeAlias = Mapping[str, bytes | None]
"""Values by key; None: to be forgotten."""

_PIECE = 6_000
"""Entries of one chunk: a quarter of a megabyte."""


class Chunk(NamedTuple):
    """A chunk: the entries of seen that one commit saved at `at`, in seconds since 1970; `size` is in bytes."""

    key: str
    at: int
    size: int


class Contents:
    """A fold of the log: the last value of each key wins. The key of a chunk is `f|source/stream|seconds|number`.

    The data of a chunk can be taken out, so that ten million entries are not held twice: here, and in `Seen`.
    """

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._chunks: dict[str, dict[str, Chunk]] = {}
        self._data: dict[str, dict[str, bytes]] = {}
        self._number = 0

    def put(self, rows: Rows) -> None:
        """Apply rows, in the order in which they were saved."""
        for key, value in rows.items():
            if CHUNK.has(key):
                self._put_chunk(key, value)
            elif value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value

    def _put_chunk(self, key: str, data: bytes | None) -> None:
        name, at, number = key.rsplit("|", 2)
        stream = name_of(name)
        chunks, held = self._chunks.setdefault(stream, {}), self._data.setdefault(stream, {})
        chunks.pop(key, None)
        held.pop(key, None)
        if data is not None:
            chunks[key], held[key] = Chunk(key, int(at), len(data)), data
        self._number = max(self._number, int(number))

    def get(self, key: str) -> bytes | None:
        """Return one value; None where there is none."""
        return self._values.get(key)

    def manifest(self) -> Manifest | None:
        """Return the manifest; None in a state from before there were manifests. Raises NewerFormat."""
        return manifest.decode(self._values.get(manifest.KEY))

    def under(self, prefix: str) -> dict[str, bytes]:
        """Return all values whose key begins with the prefix, by the rest of the key."""
        return {key[len(prefix) :]: value for key, value in self._values.items() if key.startswith(prefix)}

    def streams(self) -> Sequence[str]:
        """Return the streams that have chunks."""
        return [stream for stream, chunks in self._chunks.items() if chunks]

    def chunks(self, stream: str) -> Sequence[Chunk]:
        """Return the chunks of a stream, oldest first."""
        return list(self._chunks.get(stream, {}).values())

    def size(self, stream: str) -> int:
        """Return the bytes of a stream's chunks."""
        return sum(chunk.size for chunk in self._chunks.get(stream, {}).values())

    def data(self, stream: str) -> Iterator[tuple[int, bytes]]:
        """Yield the chunks of a stream whose data is still here, oldest first: seconds since 1970, data."""
        for key, data in self._data.get(stream, {}).items():
            yield self._chunks[stream][key].at, data

    def take(self, stream: str) -> Iterator[bytes]:
        """Yield the data that is still here of a stream's chunks, oldest first, and hold it no longer."""
        held = self._data.get(stream, {})
        for key in list(held):
            yield held.pop(key)
        if not held:
            self._data.pop(stream, None)

    def added(self, stream: str, at: int, packed: Sequence[bytes]) -> Rows:
        """Return the rows that add packed entries to the chunks of a stream, behind all others."""
        pieces = [b"".join(packed[begin : begin + _PIECE]) for begin in range(0, len(packed), _PIECE)]
        return self.appended(stream, [(at, piece) for piece in pieces])

    def appended(self, stream: str, chunks: Iterable[tuple[int, bytes]]) -> Rows:
        """Return the rows that add chunks (seconds since 1970, data) to a stream, behind all others."""
        rows = {}
        for at, data in chunks:
            self._number += 1
            rows[CHUNK.key(stream, str(at), str(self._number))] = data
        return rows


def pieces(chunk: bytes, item: int) -> Iterator[bytes]:
    """Cut a chunk of any size into chunks of the size that we save; an item of it has `item` bytes."""
    for begin in range(0, len(chunk), _PIECE * item):
        yield chunk[begin : begin + _PIECE * item]


def parts(rows: Rows, most: int) -> Iterator[Rows]:
    """Split rows, in order, by transaction: each has at most `most` rows and eight megabytes, or a single row."""
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
