"""A hash table of rows in bytes: hardly larger than its rows, about as fast as a dict, and never rebuilt as a whole.

A dict of ten million `bytes` takes 2 GB, most of it the headers of its objects. Here some sixty rows lie end to end in
one `bytes`, a bucket, and beside each bucket lie its marks: one byte of each row's key. A look-up lets C search the
marks and reads only a row whose mark fits. The table grows by linear hashing (Litwin, VLDB 1980): one bucket is split
in two for every sixty-four rows that come, so no call ever takes longer than it takes to copy a bucket.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, compress, repeat
from struct import Struct
from typing import Any

ITEM = 42
"""Bytes of a row; the first eight are its key, least significant byte first."""
UNSAVED = 8
"""Bytes of the number that a row may have beside it, which is not saved."""

_FULL = 64
"""Rows of a bucket, on average."""
_PART = 20_000
"""Rows at least, of one of the parts in which a large table is filled."""
_TOGETHER = 100
"""Rows, about, that a part is given together: what grows row by row leaves holes in the heap."""
_AT_ONCE = 8_000
"""Rows that are handled in a few milliseconds."""
_KEY = Struct(f"<Q{ITEM - 8}x")
_BITS = Struct(f"<xI{ITEM - 5}x")
"""The lowest bits of a key that choose its bucket: the byte before them is its mark."""
_ROW = Struct(f"{ITEM}s")
_UNSAVED = Struct("<Q")
_NUMBER = Struct(f"{UNSAVED}s")


class Buckets:
    """Rows by key. Keys are to be hashes: evenly spread over 64 bits."""

    __slots__ = ("_count", "_mask", "_split_next", "_unsaved", "marks", "rows")

    def __init__(self) -> None:
        self.marks: list[bytes] = [b""]
        self.rows: list[bytes] = [b""]
        self._unsaved: list[bytes] = [b""]
        self._mask, self._split_next, self._count = 0, 0, 0

    def __len__(self) -> int:
        return self._count

    def find(self, key: int) -> tuple[int, int]:
        """Return the bucket of a key, and the number of its row there; -1 where it has none."""
        return self.find_all((key,))[0]

    def find_all(self, keys: Iterable[int]) -> list[tuple[int, int]]:
        """Return for each key what `find` does. This is a hot loop."""
        mask, wide, split_next, marks, rows = self._mask, self._mask << 1 | 1, self._split_next, self.marks, self.rows
        found, key_at = [], _KEY.unpack_from
        for key in keys:
            bucket = key >> 8 & mask
            if bucket < split_next:
                bucket = key >> 8 & wide
            number = marks[bucket].find(key & 255)
            while number >= 0 and key_at(rows[bucket], number * ITEM)[0] != key:
                number = marks[bucket].find(key & 255, number + 1)
            found.append((bucket, number))
        return found

    def read_all(self, keys: Iterable[int], read: Callable[[bytes, int], tuple[int, ...]]) -> list[Any]:
        """Return for each key what `read` reads of its row, which begins with the key; None where it has none.

        `read` is given bytes, and where in them the row begins. This is a hot loop.
        """
        mask, wide, split_next, marks, rows = self._mask, self._mask << 1 | 1, self._split_next, self.marks, self.rows
        found = []
        for key in keys:
            bucket = key >> 8 & mask
            if bucket < split_next:
                bucket = key >> 8 & wide
            number = marks[bucket].find(key & 255)
            while number >= 0:
                row = read(rows[bucket], number * ITEM)
                if row[0] == key:
                    break
                number = marks[bucket].find(key & 255, number + 1)
            else:
                row = None
            found.append(row)
        return found

    def unsaved(self, bucket: int, number: int) -> int:
        """Return the number that lies beside a row; 0 where none was put."""
        column = self._unsaved[bucket]
        return int(_UNSAVED.unpack_from(column, number * UNSAVED)[0]) if column else 0

    def put(self, keys: Collection[int], rows: Iterable[bytes], unsaved: Iterable[int]) -> None:
        """Add the rows of these keys, each of which is named once, or put them in the place of those that have them;
        each with its unsaved number, or 0."""
        marks, held, beside = self.marks, self.rows, self._unsaved
        for (bucket, number), row, aside in zip(self.find_all(keys), rows, unsaved, strict=True):
            if number < 0:
                marks[bucket] += row[:1]
                held[bucket] += row
                self._count += 1
            else:
                held[bucket] = _spliced(held[bucket], number * ITEM, row)
            if aside or beside[bucket]:
                column = beside[bucket].ljust(UNSAVED * len(marks[bucket]), b"\0")
                at = number if number >= 0 else len(marks[bucket]) - 1
                beside[bucket] = _spliced(column, at * UNSAVED, _UNSAVED.pack(aside))
        while self._count > _FULL * len(held):
            self._split()

    def keep(self, bucket: int, kept: Sequence[bool]) -> None:
        """Remove the rows of a bucket that are not to be kept; `kept` has a value for each, in order."""
        self._count -= len(kept) - sum(kept)
        self._set(bucket, *self._columns(bucket, kept))

    def fill(self, chunks: Iterable[bytes], size: int) -> Iterator[None]:
        """Put rows, chunk by chunk, later ones over earlier ones; `size` is about the bytes of all of them.

        Does a few milliseconds of work between two yields. An empty table that is to be large is laid out at once: the
        rows are dealt out by key into parts, and then the buckets of one part after the other are written.
        """
        chunks = _cut(chunks)
        if self._count or size < _PART * ITEM:
            yield from self._put_all(chunks)
            return
        self._lay_out(size // ITEM // _FULL + 1)
        parts: list[list[bytes]] = [[] for _ in range(min(256, 1 << (size // ITEM // _PART).bit_length() - 1))]
        yield from _deal(chunks, parts)
        for number, part in enumerate(parts):
            yield from self._write_part(part, range(number, len(self.rows), len(parts)))

    def _put_all(self, chunks: Iterable[bytes]) -> Iterator[None]:
        for chunk in chunks:
            rows = {key: row for (key,), (row,) in zip(_KEY.iter_unpack(chunk), _ROW.iter_unpack(chunk), strict=True)}
            self.put(rows.keys(), rows.values(), repeat(0, len(rows)))
            yield

    def _lay_out(self, buckets: int) -> None:
        self._mask = (1 << buckets.bit_length() - 1) - 1
        self._split_next = buckets - self._mask - 1
        for column in (self.marks, self.rows, self._unsaved):
            column[:] = [b""] * buckets

    def _write_part(self, part: list[bytes], buckets: range) -> Iterator[None]:
        """Write these buckets: all rows that belong to them, and no others, are in the part, which is used up."""
        filled: list[dict[bytes, bytes]] = [{} for _ in buckets]
        mask, split_next, wide = self._mask, self._split_next, self._mask << 1 | 1
        for some in _batched(part, _AT_ONCE * ITEM):
            for (bits,), (row,) in zip(_BITS.iter_unpack(some), _ROW.iter_unpack(some), strict=True):
                bucket = bits & mask
                if bucket < split_next:
                    bucket = bits & wide
                filled[bucket // buckets.step][row[:8]] = row
            yield
        part.clear()
        for at, rows in enumerate(filled):
            self._set(buckets[at], b"".join(rows.values()))
            self._count += len(rows)
            if at % (_AT_ONCE // _FULL) == 0:
                yield

    def _set(self, bucket: int, rows: bytes, unsaved: bytes = b"") -> None:
        self.rows[bucket], self.marks[bucket], self._unsaved[bucket] = rows, rows[::ITEM], unsaved

    def _split(self) -> None:
        """Move the rows of one bucket whose next bit is set into a bucket of their own."""
        bucket, bit = self._split_next, self._mask + 1
        byte, place = divmod(bit.bit_length() + 7, 8)
        moved = [bits >> place & 1 for bits in self.rows[bucket][byte::ITEM]]
        for column in (self.rows, self.marks, self._unsaved):
            column.append(b"")
        self._set(bucket + bit, *self._columns(bucket, moved))
        self._set(bucket, *self._columns(bucket, [not moves for moves in moved]))
        self._split_next += 1
        if self._split_next == bit:
            self._mask, self._split_next = self._mask << 1 | 1, 0

    def _columns(self, bucket: int, chosen: Sequence[int]) -> tuple[bytes, bytes]:
        """Return the chosen rows of a bucket, and their unsaved; without any, none."""
        return _chosen(self.rows[bucket], _ROW, chosen), _chosen(self._unsaved[bucket], _NUMBER, chosen)


def _spliced(column: bytes, at: int, piece: bytes) -> bytes:
    return b"".join((column[:at], piece, column[at + len(piece) :]))


def _chosen(column: bytes, form: Struct, chosen: Iterable[int]) -> bytes:
    return b"".join(chain.from_iterable(compress(form.iter_unpack(column), chosen)))


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks in pieces that take a few milliseconds each."""
    for chunk in chunks:
        for begin in range(0, len(chunk), _AT_ONCE * ITEM):
            yield chunk[begin : begin + _AT_ONCE * ITEM]


def _deal(chunks: Iterable[bytes], parts: list[list[bytes]]) -> Iterator[None]:
    """Append the rows to the parts that their keys choose, in order, many together."""
    waiting: list[list[bytes]] = [[] for _ in parts]
    rows, mask = 0, len(parts) - 1
    for chunk in chunks:
        for bits, (row,) in zip(chunk[1::ITEM], _ROW.iter_unpack(chunk), strict=True):
            waiting[bits & mask].append(row)
        rows += len(chunk) // ITEM
        if rows >= _TOGETHER * len(parts):
            _append(waiting, parts)
            rows = 0
        yield
    _append(waiting, parts)


def _append(waiting: list[list[bytes]], parts: list[list[bytes]]) -> None:
    for rows, part in zip(waiting, parts, strict=True):
        part.append(b"".join(rows))
        rows.clear()


def _batched(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join pieces until they have so many bytes."""
    some: list[bytes] = []
    filled = 0
    for piece in pieces:
        some.append(piece)
        filled += len(piece)
        if filled >= size:
            yield b"".join(some)
            some, filled = [], 0
    yield b"".join(some)
