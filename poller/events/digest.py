"""What a record is compared by: a digest of its content, its stamp as a number, the fields that it may have."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from poller.events.seen import UNSTAMPED

_comparable = msgspec.json.Encoder(order="deterministic").encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def digest(content: Any) -> int:
    """64 bits of a content: the same whatever the order of its keys."""
    return xxh3_64_intdigest(_comparable(content))


def microseconds(stamp: datetime | None) -> int:
    """Microseconds since 1970; UNSTAMPED where there is no stamp."""
    if stamp is None:
        return UNSTAMPED
    since = stamp - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@cache
def documented_fields(decoder: "msgspec.json.Decoder[Any]") -> frozenset[str]:
    """The names of the fields that a decoder's record has."""
    return frozenset(known.encode_name for known in msgspec.structs.fields(decoder.type))
