"""Batches: records are packed into them, and their size is known before they are sent."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from outputs.kafka.records import ProducerRecord

Compression: TypeAlias = Literal["none", "gzip", "snappy", "lz4", "zstd"]

LARGEST = 512 << 10
"""Bytes of a batch before compression: four times the rate of aiokafka's default of 16 KiB, and a millisecond of it."""
_CODECS: dict[Compression, int] = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_RECORD = 61 + 40  # a batch's own head, and the most that a record's lengths, offset and time take
_HEADER = 10


def size(post: ProducerRecord) -> int:
    """Return how many bytes a record needs at most, before compression, alone in its batch."""
    headers = sum(_HEADER + len(name) + len(value) for name, value in post.headers)
    return _RECORD + len(post.key) + len(post.value or b"") + headers


def compressed_size(post: ProducerRecord, compression: Compression) -> int:
    """Return the size of a batch that holds this record alone, in bytes, as the broker measures it."""
    builder = DefaultRecordBatchBuilder(2, _CODECS[compression], 0, -1, -1, 0, size(post))
    builder.append(0, post.timestamp, post.key, post.value, list(post.headers))
    return len(builder.build())


def packed(posts: Sequence[ProducerRecord], most: int) -> Iterator[Sequence[ProducerRecord]]:
    """Split records, in order, into batches of at most `most` bytes; a larger record has a batch of its own."""
    begun, filled = 0, 0
    for end, post in enumerate(posts):
        if end > begun and filled + size(post) > most:
            yield posts[begun:end]
            begun, filled = end, 0
        filled += size(post)
    yield posts[begun:]


def fill(batch: Any, posts: Sequence[ProducerRecord]) -> None:
    """Put records into a batch of aiokafka's, and close it."""
    for post in posts:  # `timestamp` is in milliseconds, whatever its documentation says
        if not batch.append(timestamp=post.timestamp, key=post.key, value=post.value, headers=list(post.headers)):
            raise AssertionError("a batch holds what it has room for")
    batch.close()
