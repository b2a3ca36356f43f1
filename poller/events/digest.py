"""The values by which two showings of a record are compared: digests of its content, its stamp as a number.

A content is the vendor's own values of the documented fields, volatile ones left out. A vendor that deploys another
serializer spells the same values otherwise ("10.5" for 10.5, +02:00 for Z, {} for null), and must not make news of
every record by that. So what is compared is the digest of what the values mean (`digest_of_content`).

Entries of seen outlive versions of this program, so each carries the number of the projection, the way in which its
digest was made. An entry with a former number is compared in that former way, once, and has today's from then on.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from poller.events.canonical import canonical_bytes
from poller.events.documented_form import documented_bytes
from poller.events.meaning import meaning_of
from poller.events.reading import decode_record
from poller.plugin.fields.documented import Documented

_WAY = 32
"""A projection's number is the place of its content, and so many times the place of the digest in `_DIGESTS`."""

MOST_PROJECTIONS = _WAY - 1
"""The most projections that the entries of a stream can tell apart."""

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Projections:
    """A stream's ways to take the content of a record: today's, whose number is `number`, and those of older versions.

    Content is opaque to the caller: `of` gives it, the digests take it. `loosely` decodes a record without regard to
    documented types, as older versions did, where that is not what today's does; the first `untyped` contents are of
    versions in whose days there were none.
    """

    def __init__(
        self,
        contents: Sequence[Callable[[Any], object]],
        loosely: Callable[[bytes], Any] | None = None,
        untyped: int = 0,
    ) -> None:
        self._contents, self._loosely, self._untyped = contents, loosely, untyped
        self.of = contents[-1]
        self.number = _WAY * _TODAY + len(contents)

    def former_digest(self, record: Any, raw: bytes, number: int) -> int | None:
        """Return the digest by a former projection; None where `number` is today's, or of a newer version."""
        way, position = divmod(number, _WAY)
        if number == self.number or way > _TODAY or not 0 < position <= len(self._contents):
            return None
        if position <= self._untyped:  # what has no types is digested today as it was before there were types
            way = min(way, _BEFORE_TYPES)
        return _DIGESTS[way](self._contents[position - 1](record if way == _TODAY else self._former(record, raw)))

    def digests(self, record: Any, raw: bytes) -> list[int]:
        """Return the digests by all projections, today's last."""
        former = self._former(record, raw)
        contents = [content(former) for content in self._contents]
        found = [digest(content) for digest in _DIGESTS[:_TODAY] for content in contents]
        return [*found, *(digest_of_content(content(record)) for content in self._contents)]

    def _former(self, record: Any, raw: bytes) -> Any:
        return record if self._loosely is None else decode_record(self._loosely, raw)


def digest_of_spelling(content: object) -> int:
    """Return 64 bits of a content as it is spelt; the order of keys is no matter."""
    return xxh3_64_intdigest(_encode(content))


def digest_of_meaning(content: object) -> int:
    """Return 64 bits of what a content means, as versions before the canonical form compared it."""
    return _digest(content, lambda meant: _encode(meaning_of(msgspec.to_builtins(meant))))


def digest_of_canonical(content: object) -> int:
    """Return 64 bits of what a content means, as versions before documented types compared it."""
    return _digest(content, canonical_bytes)


def digest_of_content(content: object) -> int:
    """Return 64 bits of what a content means: they are the same however its values are spelt."""
    return _digest(content, documented_bytes if isinstance(content, Documented) else canonical_bytes)


def _digest(content: Any, form: Callable[[object], bytes]) -> int:
    try:
        return xxh3_64_intdigest(form(content))
    except RecursionError:  # nested deeper than anything that is documented
        return digest_of_spelling(content)


_DIGESTS = (digest_of_spelling, digest_of_meaning, digest_of_canonical, digest_of_content)
"""The ways in which digests were ever made, today's last. A change of what one returns needs another one after it."""

_TODAY = len(_DIGESTS) - 1
_BEFORE_TYPES = _DIGESTS.index(digest_of_canonical)


def microseconds(stamp: datetime) -> int:
    """Return a stamp in microseconds since 1970."""
    return (stamp - _EPOCH) // _MICROSECOND
