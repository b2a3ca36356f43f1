"""The values by which two showings of a record are compared: digests of its content, its stamp as a number.

A content is the vendor's own values of the documented fields, volatile ones left out. A vendor that deploys another
serializer spells the same values otherwise ("10.5" for 10.5, +02:00 for Z, {} for null), and must not make news of
every record by that. So what is compared is the digest of what the values mean (`digest_of_meaning`). The digest of
the content as spelt is kept beside it in memory: it costs a tenth, and equal spelling is equal meaning.

Entries of seen outlive versions of this program, so each carries the number of the projection, the way in which its
digest was made. An entry with a former number is compared in that former way, once, and has today's from then on.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from poller.events.meaning import meaning_of
from poller.events.seen import UNSTAMPED

_AS_MEANT = 32
"""Added to a projection's number where its digest is of the meaning; below it, entries are of the spelling.

A change of what `meaning_of` returns needs another multiple of it, with the former function kept beside.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Projections:
    """A stream's ways to take the content of a record: today's, whose number is `number`, and those of older versions.

    Content is opaque to the caller: `of` gives it, the digests take it.
    """

    def __init__(self, contents: Sequence[Callable[[Any], object]]) -> None:
        self._contents = contents
        self.of = contents[-1]
        self.number = _AS_MEANT + len(contents)

    def former_digest(self, record: Any, number: int) -> int | None:
        """Return the digest by a former projection; None where `number` is today's, or of a newer version."""
        as_meant, position = divmod(number, _AS_MEANT)
        if number == self.number or as_meant > 1 or not 0 < position <= len(self._contents):
            return None
        content = self._contents[position - 1](record)
        return digest_of_meaning(content) if as_meant else digest_of_spelling(content)

    def digests(self, record: Any) -> list[int]:
        """Return the digests by all projections, today's last."""
        contents = [content(record) for content in self._contents]
        return [digest(content) for digest in (digest_of_spelling, digest_of_meaning) for content in contents]


def digest_of_spelling(content: object) -> int:
    """Return 64 bits of a content as it is spelt; the order of keys is no matter."""
    return xxh3_64_intdigest(_encode(content))


def digest_of_meaning(content: object) -> int:
    """Return 64 bits of what a content means: they are the same however its values are spelt."""
    try:
        return digest_of_spelling(meaning_of(msgspec.to_builtins(content)))
    except RecursionError:  # nested deeper than anything that is documented
        return digest_of_spelling(content)


def microseconds(stamp: datetime | None) -> int:
    """Return a stamp in microseconds since 1970, or UNSTAMPED where there is none."""
    if stamp is None:
        return UNSTAMPED
    since = stamp - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@cache
def documented_fields(decoder: "msgspec.json.Decoder[Any]") -> frozenset[str]:
    """Return the names of the fields that a decoder's record has."""
    return frozenset(known.encode_name for known in msgspec.structs.fields(decoder.type))
